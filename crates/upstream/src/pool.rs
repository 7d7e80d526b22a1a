//! The connections to one endpoint.

mod multiplexed;

use std::cell::{Cell, Ref, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::EndpointState;
use backstay_model::Protocol;
use tokio::time::Instant;

use super::connect::{Established, connect};
use super::connect_error::ConnectError;
use super::connector::Destination;
use super::http1::{self, Counted};
use super::idle::{Free, IdleConnections, spent};
use super::lease::Lease;
use super::member::{Member, Spare};
use super::pending::Pending;
use super::queue::{ConnectionPermit, Given};
use super::stock::{Idle, Stock};
use super::stream::Origin;
use crate::backend::Backend;
use crate::connector::Connector;
use crate::counts::Count;
use crate::settings::ThreadContext;

use multiplexed::Multiplexed;

/// The connections to one endpoint.
#[derive(Debug)]
pub struct Pool<C: Connector> {
    /// Where connections go that carry no request any more. Whoever sends one holds it too.
    idle: Rc<IdleConnections<C>>,
    protocol: Protocol,
    pub(super) destination: Destination,
    thread: Rc<ThreadContext<C>>,
    /// What carries no request, and who waits.
    stock: Rc<Stock<Free<C>>>,
    multiplexed: RefCell<Vec<Multiplexed<C>>>,
    /// Connections being opened for no request yet.
    ahead: Cell<u32>,
    /// HTTP/2 connections being opened.
    opening: Cell<usize>,
    /// The HTTP/2 connections being opened that nobody waits for any more.
    unclaimed: RefCell<Vec<Spare>>,
}

/// Whether a request may have a connection that has carried others before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It may.
    Allowed,
    /// A new connection, unless no more may be opened.
    Never,
}

impl<C: Connector> Pool<C> {
    pub(super) fn new(
        backend: &Arc<Backend>,
        destination: Destination,
        endpoint: Arc<EndpointState>,
        thread: &Rc<ThreadContext<C>>,
        member: &Rc<Member>,
    ) -> Self {
        let stock = Stock::new(member, endpoint);
        Self {
            idle: IdleConnections::new(backend, thread, &stock),
            protocol: backend.protocol,
            destination,
            thread: Rc::clone(thread),
            stock,
            multiplexed: RefCell::default(),
            ahead: Cell::default(),
            opening: Cell::default(),
            unclaimed: RefCell::default(),
        }
    }

    /// Goes on with the connections for a later version of the backend.
    pub(super) fn serve(&self, backend: &Arc<Backend>) {
        self.idle.serve(backend);
    }

    fn backend(&self) -> Ref<'_, Arc<Backend>> {
        self.idle.backend()
    }

    /// Whether a request is under way on one of the connections of HTTP/1.1.
    pub(super) fn is_leased(&self) -> bool {
        Rc::strong_count(&self.idle) > 1
    }

    /// The right to send a request on what another has done with.
    fn lease(&self, free: Free<C>) -> Lease<C> {
        match free {
            Free::Http1(connection) => Lease::http1(connection, Rc::clone(&self.idle), Origin::Kept),
            Free::Http2(stream) => Lease::http2(*stream),
        }
    }

    /// Address of the endpoint.
    pub fn address(&self) -> SocketAddr {
        self.destination.address
    }

    /// A connection that is open already, if one is free.
    pub fn reuse(self: &Rc<Self>) -> Option<Lease<C>> {
        match self.protocol {
            Protocol::Http1 => {
                let connection = loop {
                    let Free::Http1(mut connection) = self.stock.take()? else { continue };
                    if !connection.is_usable() {
                        continue;
                    }
                    if !self.idle.retires(&connection) {
                        break connection;
                    }
                    connection.close();
                };
                self.preconnect();
                Some(Lease::http1(connection, Rc::clone(&self.idle), Origin::Kept))
            }
            Protocol::Http2 => {
                // Nobody is overtaken.
                let stream = if self.stock.queue.is_empty() { self.stream(Origin::Kept) } else { None };
                if stream.is_none() && self.is_full() {
                    self.backend().metrics.streams_full.increment(1);
                }
                stream.map(Lease::http2)
            }
        }
    }

    /// A new connection, or one that another request has done with, whichever is there first, as `reuse` allows. `pending` is the
    /// request's.
    ///
    /// # Errors
    /// When none can be opened, or a limit lets the request not wait for one.
    pub async fn open(self: &Rc<Self>, pending: &Rc<Pending>, reuse: Reuse) -> Result<Lease<C>, ConnectError> {
        match self.protocol {
            Protocol::Http1 => self.open_http1(pending, reuse).await,
            Protocol::Http2 => self.open_http2(pending).await,
        }
    }

    async fn open_http1(self: &Rc<Self>, pending: &Rc<Pending>, reuse: Reuse) -> Result<Lease<C>, ConnectError> {
        let (mut waiting, permit) = self.stock.arrive(pending)?;
        let permit = match permit {
            Some(permit) => permit,
            None => {
                if let Some(lease) = self.reuse() {
                    return Ok(lease);
                }
                match waiting.given().await {
                    Given::Free(free) => return Ok(self.lease(free)),
                    Given::Permit(permit) => permit,
                    Given::Failed(error) => return Err(error),
                }
            }
        };
        self.preconnect();
        let mut connecting = Box::pin(Rc::clone(self).connect_http1(permit));
        if reuse == Reuse::Never {
            waiting.withdraw();
        }
        let free = tokio::select! {
            biased;
            given = waiting.given() => match given {
                Given::Free(free) => free,
                Given::Permit(_) | Given::Failed(_) => return Err(ConnectError::Timeout),
            },
            connected = &mut connecting => return Ok(Lease::http1(connected?, Rc::clone(&self.idle), Origin::Opened)),
        };
        // The one that is being opened is for those who come later.
        self.finish(connecting, waiting.spare());
        Ok(self.lease(free))
    }

    async fn connect_http1(
        self: Rc<Self>,
        permit: ConnectionPermit,
    ) -> Result<Box<http1::Connection<C>>, ConnectError> {
        let backend = Arc::clone(&self.backend());
        match connect(&backend, &self.thread, &self.destination, permit, &self.stock.member).await? {
            Established::Http1(stream, guard) => {
                let stream = Counted { stream, born: self.thread.clock.get(), guard };
                Ok(http1::Connection::<C>::new(stream, self.thread.settings.head))
            }
            Established::Http2(..) => Err(ConnectError::NotHttp2),
        }
    }

    /// Opens connections for later requests, if there are too few for those in use and nobody waits for one.
    fn preconnect(self: &Rc<Self>) {
        let percent = u64::from(self.backend().policy.connections.preconnect_percent);
        if percent <= 100 {
            return;
        }
        while !self.stock.member.share.is_awaited(&self.stock.endpoint) {
            let open = u64::from(self.stock.open());
            let unused = self.stock.idle() as u64 + u64::from(self.ahead.get());
            if open >= (open.saturating_sub(unused) * percent).div_ceil(100) {
                return;
            }
            let Ok(permit) = self.stock.enter() else { return };
            self.ahead.set(self.ahead.get() + 1);
            let pool = Rc::clone(self);
            let connecting = async move {
                let connected = Rc::clone(&pool).connect_http1(permit).await;
                pool.ahead.set(pool.ahead.get() - 1);
                connected
            };
            self.finish(connecting, Some(self.stock.spare()));
        }
    }

    /// Keeps what is being opened for no request.
    fn finish(
        self: &Rc<Self>,
        connecting: impl Future<Output = Result<Box<http1::Connection<C>>, ConnectError>> + 'static,
        spare: Option<Spare>,
    ) {
        let pool = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let connected = connecting.await;
            drop(spare);
            if let Ok(connection) = connected {
                pool.idle.keep(connection);
            }
        });
    }

    /// Which of the thread's the request is that has waited longest here.
    pub(super) fn ticket(&self) -> Option<u64> {
        self.stock.queue.ticket()
    }

    /// Looks what there is for who waits. Returns whether it found anything.
    pub(super) fn settle(self: &Rc<Self>) -> bool {
        match self.protocol {
            Protocol::Http1 => self.stock.grant(),
            Protocol::Http2 => self.settle_http2(Origin::Kept),
        }
    }

    /// Whether others wait for what may be unused here.
    pub(super) fn is_awaited(&self) -> bool {
        self.stock.member.share.is_awaited(&self.stock.endpoint)
    }

    /// What is unused from now on until [`Self::give_up`] is given up.
    pub(super) fn see(&self) {
        self.stock.see();
        self.multiplexed.borrow().iter().for_each(Multiplexed::see);
    }

    /// Closes connections that have been unused for as long as others have waited, as many as these need.
    pub(super) fn give_up(&self) {
        while let Some(free) = self.stock.give_up() {
            if let Free::Http1(connection) = free {
                connection.close();
            }
        }
        self.give_up_multiplexed();
    }

    /// Closes what has been unused for too long, is too old, or leads to an endpoint that is out of use: what that one kept open
    /// while it failed is not trusted once it is back. Returns whether anything is left.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        let backend = Arc::clone(&self.backend());
        let retired = &backend.metrics.connections_retired;
        let unhealthy = self.stock.is_unhealthy().then_some(&retired.unhealthy);
        let unused = |since| (now.duration_since(since) >= backend.timeouts.idle).then_some(&retired.idle);
        let stays = |retired: Option<&Count>| retired.inspect(|count| count.increment(1)).is_none();
        let mut done = self.stock.remove(|Idle { connection, since, .. }| {
            let Free::Http1(connection) = connection else { return true };
            let spent = spent(&backend, now, connection.stream().born, connection.served());
            !connection.is_usable() || !stays(unhealthy.or(spent).or_else(|| unused(*since)))
        });
        // Between two requests of many clients, many connections are unused for a moment. Only what was at the last sweep, too,
        // is more than are needed.
        let mut excess = self.stock.idle().saturating_sub(self.thread.settings.max_idle);
        done.extend(self.stock.remove(|idle| {
            let goes = excess > 0 && std::mem::replace(&mut idle.swept, true);
            excess -= usize::from(goes);
            goes && !stays(Some(&retired.max_idle))
        }));
        for free in done {
            if let Free::Http1(connection) = free {
                connection.close();
            }
        }
        let gone: Vec<_> = self
            .multiplexed
            .borrow_mut()
            .extract_if(.., |connection| {
                let unused = || unused(connection.used).filter(|_| !connection.is_used());
                // One that takes no more requests ends with the last of those that it carries.
                let spent = spent(&backend, now, connection.born, connection.served);
                connection.sender.is_closed() || !stays(unhealthy.or(spent).or_else(unused))
            })
            .collect();
        drop(gone);
        self.stock.idle() > 0 || !self.multiplexed.borrow().is_empty()
    }
}
