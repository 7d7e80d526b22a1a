//! How many streams an HTTP/2 connection may carry: what the endpoint says, from the moment that it says so.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::{Rc, Weak};

use backstay_http1::RequestBody;
use hyper::client::conn::http2;

use super::member::Member;

/// What a connection can say.
trait Announces {
    /// Streams that the endpoint takes now, unless the connection is in use.
    fn announced(&self) -> Option<usize>;
}

impl<T, B, E> Announces for RefCell<http2::Connection<T, B, E>>
where
    B: RequestBody + 'static,
    T: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    E: hyper::rt::bounds::Http2ClientConnExec<B, T> + Unpin + Clone,
{
    fn announced(&self) -> Option<usize> {
        Some(self.try_borrow().ok()?.current_max_send_streams())
    }
}

/// The number of streams that a connection may carry.
pub(super) struct Streams {
    allowed: Rc<Cell<usize>>,
    member: Rc<Member>,
    connection: OnceCell<Weak<dyn Announces>>,
    /// The work that reads the connection has begun.
    reading: Cell<bool>,
}

impl Streams {
    /// Of a connection of the thread that is `member`.
    pub(super) fn new(member: &Rc<Member>) -> Rc<Self> {
        Rc::new(Self {
            allowed: Rc::default(),
            member: Rc::clone(member),
            connection: OnceCell::new(),
            reading: Cell::new(false),
        })
    }

    /// The number, kept up to date.
    pub(super) fn allowed(&self) -> &Rc<Cell<usize>> {
        &self.allowed
    }

    /// Asks `connection` from now on.
    pub(super) fn follow<T, B, E>(&self, connection: &Rc<RefCell<http2::Connection<T, B, E>>>)
    where
        B: RequestBody + 'static,
        T: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
        E: hyper::rt::bounds::Http2ClientConnExec<B, T> + Unpin + Clone + 'static,
    {
        self.allowed.set(connection.borrow().current_max_send_streams());
        let connection = Rc::downgrade(connection);
        let _ = self.connection.set(connection);
    }

    fn look(&self) {
        let connection = self.connection.get().and_then(Weak::upgrade);
        let Some(now) = connection.and_then(|connection| connection.announced()) else { return };
        let before = self.allowed.replace(now);
        if now > before && self.member.share.waiting() > 0 {
            self.member.share.ring();
        }
    }
}

/// Runs hyper's work on a connection, and looks at the number of streams whenever something has come in.
#[derive(Clone)]
pub(super) struct Executor(pub(super) Rc<Streams>);

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, work: F) {
        // The first is the one that reads; the others send a body or wait for an answer.
        if self.0.reading.replace(true) {
            tokio::task::spawn_local(work);
            return;
        }
        let streams = Rc::clone(&self.0);
        tokio::task::spawn_local(async move {
            let mut work = pin!(work);
            poll_fn(|cx| {
                let ended = work.as_mut().poll(cx);
                streams.look();
                ended
            })
            .await
        });
    }
}
