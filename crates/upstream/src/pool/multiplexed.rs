//! Connections of HTTP/2, which requests share.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;

use hyper::client::conn::http2;
use tokio::time::Instant;

use super::Pool;
use crate::connect::{Established, MAX_STREAMS, connect};
use crate::connect_error::ConnectError;
use crate::connector::Connector;
use crate::idle::Free;
use crate::lease::Lease;
use crate::pending::Pending;
use crate::queue::{ConnectionPermit, Given};
use crate::stream::{Carrier, Origin, Stream, StreamPermit};

/// A connection of HTTP/2.
#[derive(Debug)]
pub(super) struct Multiplexed<C: Connector> {
    pub(super) sender: http2::SendRequest<C::Body>,
    /// Requests the endpoint takes at once.
    allowed: Rc<Cell<usize>>,
    carrier: Rc<Carrier>,
    pub(super) used: Instant,
    pub(super) born: Instant,
    /// Requests it has carried.
    pub(super) served: u32,
}

impl<C: Connector> Multiplexed<C> {
    /// Whether the connection carries a request.
    pub(super) fn is_used(&self) -> bool {
        self.carrier.streams() > 0
    }

    /// From now on others are known to wait.
    pub(super) fn see(&self) {
        self.carrier.see();
    }
}

impl<C: Connector> Pool<C> {
    pub(super) async fn open_http2(self: &Rc<Self>, pending: &Rc<Pending>) -> Result<Lease<C>, ConnectError> {
        let stock = &self.stock;
        if stock.queue.is_empty()
            && let Some(stream) = self.stream(Origin::Kept)
        {
            return Ok(Lease::http2(stream));
        }
        self.claim();
        let mut waiting = if stock.queue.opening() < self.expected() {
            stock.await_opened(pending)?
        } else if stock.queue.is_short() {
            stock.wait(pending)?
        } else {
            match stock.enter() {
                Ok(permit) => {
                    let waiting = stock.await_opened(pending)?;
                    self.begin_http2(permit);
                    waiting
                }
                Err(_) => stock.wait(pending)?,
            }
        };
        // What has become free before it was known that it waits.
        self.settle_http2(Origin::Kept);
        loop {
            match waiting.given().await {
                Given::Free(free) => return Ok(self.lease(free)),
                Given::Failed(error) => return Err(error),
                Given::Permit(_) => {}
            }
        }
    }

    /// Streams that a connection may have, where the endpoint takes as many.
    fn most_streams(&self) -> usize {
        self.backend().policy.connections.max_streams.map_or(MAX_STREAMS, NonZeroU32::get) as usize
    }

    /// Requests that connections which are being opened will carry.
    fn expected(&self) -> usize {
        self.opening.get().saturating_mul(self.most_streams())
    }

    /// Counts connections that are being opened for nobody any more among those that carry no request.
    fn claim(&self) {
        let needed = self.stock.queue.opening().div_ceil(self.most_streams());
        let unclaimed = self.opening.get().saturating_sub(needed);
        self.unclaimed.borrow_mut().resize_with(unclaimed, || self.stock.spare());
    }

    /// Whether a connection could not be shared only because it has as many streams as it may have.
    pub(super) fn is_full(&self) -> bool {
        self.multiplexed
            .borrow()
            .iter()
            .any(|connection| connection.sender.is_ready() && !self.idle.is_spent(connection.born, connection.served))
    }

    /// A stream on a shared connection.
    pub(super) fn stream(&self, origin: Origin) -> Option<Stream<C>> {
        let now = self.thread.clock.get();
        let most = self.most_streams();
        self.multiplexed.borrow_mut().iter_mut().find_map(|connection| {
            let free = connection.sender.is_ready()
                && connection.carrier.streams() < connection.allowed.get().clamp(1, most)
                && !self.idle.is_spent(connection.born, connection.served);
            free.then(|| {
                connection.used = now;
                connection.served = connection.served.saturating_add(1);
                let permit = StreamPermit::take(&connection.carrier);
                Stream { sender: connection.sender.clone(), permit, origin }
            })
        })
    }

    /// Gives streams that are free to those that wait, and opens a connection for those that are left. Returns whether anything
    /// came of it.
    pub(super) fn settle_http2(self: &Rc<Self>, origin: Origin) -> bool {
        let mut settled = false;
        while !self.stock.queue.is_empty()
            && let Some(stream) = self.stream(origin)
        {
            settled |= self.stock.offer(Free::Http2(Box::new(stream))).is_none();
        }
        self.stock.queue.demote(self.expected(), self.stock.cause());
        while self.stock.queue.is_short() {
            if self.stock.queue.opening() < self.expected() {
                self.stock.queue.begin_opening(None);
            } else if let Some(permit) = self.stock.room() {
                self.stock.queue.begin_opening(None);
                self.begin_http2(permit);
            } else {
                break;
            }
            settled = true;
        }
        self.claim();
        settled
    }

    /// Opens a connection for those that wait.
    fn begin_http2(self: &Rc<Self>, permit: ConnectionPermit) {
        self.opening.set(self.opening.get() + 1);
        // A task, so that a request that leaves does not take the connection from those that wait with it. When all have
        // left, it ends: another address was faster.
        let pool = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let backend = Arc::clone(&pool.backend());
            let connecting = connect(&backend, &pool.thread, &pool.destination, permit, &pool.stock.member);
            let opened = tokio::select! {
                biased;
                opened = connecting => Some(opened),
                () = pool.stock.deserted() => None,
            };
            pool.opening.set(pool.opening.get() - 1);
            match opened {
                None => pool.claim(),
                Some(Ok(Established::Http2(sender, allowed, local))) => {
                    let now = pool.thread.clock.get();
                    let carrier = Carrier::new(&pool.stock.member, &pool.stock.endpoint, local);
                    let connection = Multiplexed { sender, allowed, carrier, used: now, born: now, served: 0 };
                    pool.multiplexed.borrow_mut().push(connection);
                    pool.settle_http2(Origin::Opened);
                }
                Some(Ok(Established::Http1(..))) => pool.fail(&ConnectError::NotHttp2),
                Some(Err(error)) => pool.fail(&error),
            }
        });
    }

    /// A connection could not be opened: tells those for whom it was. Where there are others, there will be streams of them for
    /// those that wait.
    fn fail(&self, error: &ConnectError) {
        let queue = &self.stock.queue;
        let others = self.opening.get() == 0 && !self.is_full();
        queue.fail(error, queue.opening().saturating_sub(self.expected()), others);
        self.claim();
    }

    /// Closes a connection that has carried no request for as long as others have waited, if these need it. Another may be opened
    /// only when it has ended: not more than one at a time.
    pub(super) fn give_up_multiplexed(&self) {
        let mut multiplexed = self.multiplexed.borrow_mut();
        let unused = |connection: &Multiplexed<C>| !connection.is_used() && connection.carrier.was_seen();
        let given_up = multiplexed
            .iter()
            .position(unused)
            .filter(|_| self.stock.member.share.owes(&self.stock.endpoint))
            .map(|at| multiplexed.remove(at));
        drop(multiplexed);
        drop(given_up);
    }
}
