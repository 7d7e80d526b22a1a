//! Where connections go that carry no request any more: to the next request, among those that are kept, or away.

use std::cell::{Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::http1;
use super::stock::{Reusable, Stock};
use super::stream::Stream;
use crate::backend::Backend;
use crate::connector::Connector;
use crate::counts::Count;
use crate::settings::ThreadContext;

/// What one request has done with and another can have.
#[derive(Debug)]
pub(super) enum Free<C: Connector> {
    Http1(Box<http1::Connection<C>>),
    /// Boxed: those of HTTP/1.1 are kept in large numbers.
    Http2(Box<Stream<C>>),
}

impl<C: Connector> Reusable for Free<C> {
    fn is_alone(&self) -> bool {
        matches!(self, Self::Http1(_))
    }

    fn keep(self, stock: &Stock<Self>) {
        // A stream that nobody takes is none.
        if matches!(self, Self::Http1(_)) {
            stock.rest(self, Instant::now());
        }
    }
}

/// The connections to one endpoint that carry no request, and what becomes of those that have carried one.
#[derive(Debug)]
pub(super) struct IdleConnections<C: Connector> {
    /// The version that new connections are made for.
    backend: RefCell<Arc<Backend>>,
    thread: Rc<ThreadContext<C>>,
    stock: Rc<Stock<Free<C>>>,
}

impl<C: Connector> IdleConnections<C> {
    pub(super) fn new(backend: &Arc<Backend>, thread: &Rc<ThreadContext<C>>, stock: &Rc<Stock<Free<C>>>) -> Rc<Self> {
        let backend = RefCell::new(Arc::clone(backend));
        Rc::new(Self { backend, thread: Rc::clone(thread), stock: Rc::clone(stock) })
    }

    /// Goes on with the connections for a later version of the backend.
    pub(super) fn serve(&self, backend: &Arc<Backend>) {
        *self.backend.borrow_mut() = Arc::clone(backend);
    }

    /// The version that new connections are made for.
    #[inline]
    pub(super) fn backend(&self) -> Ref<'_, Arc<Backend>> {
        self.backend.borrow()
    }

    /// Whether a connection should carry no more requests.
    pub(super) fn is_spent(&self, born: Instant, served: u32) -> bool {
        spent(&self.backend.borrow(), self.thread.clock.get(), born, served).is_some()
    }

    /// Whether a connection is to be closed now because it should carry no more requests. Counts those that are.
    pub(super) fn retires(&self, connection: &http1::Connection<C>) -> bool {
        let backend = self.backend.borrow();
        spent(&backend, self.thread.clock.get(), connection.stream().born, connection.served())
            .inspect(|count| count.increment(1))
            .is_some()
    }

    /// Takes back a connection whose request has ended.
    pub(super) fn give_back(&self, connection: Box<http1::Connection<C>>) {
        if let Some(connection) = connection.rest() {
            self.keep(connection);
        }
    }

    /// Keeps a connection that can carry another request.
    pub(super) fn keep(&self, mut connection: Box<http1::Connection<C>>) {
        if self.retires(&connection) {
            return connection.close();
        }
        let free = if self.stock.queue.is_empty() {
            Some(Free::Http1(connection))
        } else if connection.is_usable() {
            self.stock.offer(Free::Http1(connection))
        } else {
            None
        };
        match free {
            Some(Free::Http1(connection)) if self.thread.settings.max_idle == 0 => {
                self.backend.borrow().metrics.connections_retired.max_idle.increment(1);
                connection.close();
            }
            Some(free) => self.stock.rest(free, self.thread.clock.get()),
            None => {}
        }
    }
}

/// Why a connection should carry no more requests, if it should not: the count of those that ended for it.
#[inline]
pub(super) fn spent(backend: &Backend, now: Instant, born: Instant, served: u32) -> Option<&Count> {
    let (rules, retired) = (&backend.policy.connections, &backend.metrics.connections_retired);
    if rules.max_requests.is_some_and(|most| served >= most.get()) {
        return Some(&retired.max_requests);
    }
    let old = rules.max_lifetime.is_some_and(|most| now.duration_since(born) >= most);
    old.then_some(&retired.max_lifetime)
}
