//! The connections to one endpoint.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Overflow};
use futures::FutureExt;
use futures::future::{Shared as Joined, WeakShared as WeakJoined};
use hyper::client::conn::http2;
use rustls_pki_types::ServerName;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connect::{ConnectError, Established, MAX_STREAMS, connect};
use super::http1;
use super::lease::{Lease, Slot};
use super::queue::{Given, Place, Queue, Turn};
use crate::config::{Backend, Protocol};
use crate::forward::RequestBody;
use crate::metrics::Count;
use crate::server::Shared;

/// What a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    /// Name to send and verify; set when and only when the backend uses TLS.
    pub(crate) server_name: Option<ServerName<'static>>,
}

/// A connection being opened, for all who wait for it.
type Opening = Joined<oneshot::Receiver<Result<(), ConnectError>>>;
type WeakOpening = WeakJoined<oneshot::Receiver<Result<(), ConnectError>>>;

/// The connections to one endpoint.
#[derive(Debug)]
pub(crate) struct Pool {
    /// The version that new connections are made for.
    backend: RefCell<Arc<Backend>>,
    protocol: Protocol,
    pub(super) destination: Destination,
    /// What is counted for the endpoint, over all threads.
    endpoint: Arc<EndpointState>,
    shared: Arc<Shared>,
    /// Time of the last sweep: exact enough for idle timeouts, and free.
    clock: Rc<Cell<Instant>>,
    idle: RefCell<Vec<Idle>>,
    multiplexed: RefCell<Vec<Multiplexed>>,
    /// Connections being opened for no request yet.
    ahead: Cell<u32>,
    /// An HTTP/2 connection that is being opened, for as long as anyone waits for it.
    opening: RefCell<Option<WeakOpening>>,
    /// Who waits because no more connections may be opened.
    queue: Rc<Queue>,
}

#[derive(Debug)]
struct Idle {
    connection: Box<http1::Connection>,
    since: Instant,
}

#[derive(Debug)]
struct Multiplexed {
    sender: http2::SendRequest<RequestBody>,
    /// Requests the endpoint takes at once.
    allowed: Rc<Cell<usize>>,
    /// Requests in flight.
    streams: Rc<Cell<usize>>,
    used: Instant,
    born: Instant,
    /// Requests it has carried.
    served: u32,
}

impl Pool {
    pub(super) fn new(
        backend: &Arc<Backend>,
        destination: Destination,
        endpoint: Arc<EndpointState>,
        shared: &Arc<Shared>,
        clock: &Rc<Cell<Instant>>,
    ) -> Self {
        Self {
            backend: RefCell::new(Arc::clone(backend)),
            protocol: backend.protocol,
            destination,
            endpoint,
            shared: Arc::clone(shared),
            clock: Rc::clone(clock),
            idle: RefCell::default(),
            multiplexed: RefCell::default(),
            ahead: Cell::default(),
            opening: RefCell::default(),
            queue: Rc::default(),
        }
    }

    /// Goes on with the connections for a later version of the backend.
    pub(super) fn serve(&self, backend: &Arc<Backend>) {
        *self.backend.borrow_mut() = Arc::clone(backend);
    }

    fn backend(&self) -> Arc<Backend> {
        Arc::clone(&self.backend.borrow())
    }

    /// Address of the endpoint.
    pub(crate) fn address(&self) -> SocketAddr {
        self.destination.address
    }

    /// A connection that is open already, if one is free.
    pub(crate) fn reuse(self: &Rc<Self>) -> Option<Lease> {
        match self.protocol {
            Protocol::Http1 => {
                let connection = loop {
                    let Idle { mut connection, .. } = self.idle.borrow_mut().pop()?;
                    if !connection.is_usable() {
                        continue;
                    }
                    if !self.retires(&connection) {
                        break connection;
                    }
                    connection.close();
                };
                self.preconnect();
                Some(Lease::http1(connection, Rc::clone(self), true))
            }
            Protocol::Http2 => {
                let lease = self.share(true);
                if lease.is_none() && self.is_full() {
                    self.backend.borrow().metrics.streams_full.increment(1);
                }
                lease
            }
        }
    }

    /// A new connection, or, where no more may be opened, one that another request has done with.
    pub(crate) async fn open(self: &Rc<Self>) -> Result<Lease, ConnectError> {
        let _pending = self.backend.borrow().breakers.pending_request()?;
        match self.protocol {
            Protocol::Http1 => self.open_http1().await,
            Protocol::Http2 => self.open_http2().await,
        }
    }

    async fn open_http1(self: &Rc<Self>) -> Result<Lease, ConnectError> {
        let mut turn: Option<Turn> = None;
        loop {
            let place = self.enter();
            if let Some(turn) = turn.take() {
                turn.used();
            }
            if let Ok(place) = place {
                self.preconnect();
                return Ok(Lease::http1(self.connect_http1(place).await?, Rc::clone(self), false));
            }
            match self.queue.wait().await {
                Some(Given::Connection(connection)) => return Ok(Lease::http1(connection, Rc::clone(self), true)),
                Some(Given::Turn(given)) => turn = Some(given),
                None => return Err(ConnectError::Timeout),
            }
        }
    }

    /// The right to open a connection.
    fn enter(&self) -> Result<Place, Overflow> {
        self.queue.enter(&self.backend.borrow().breakers, &self.endpoint)
    }

    async fn connect_http1(&self, place: Place) -> Result<Box<http1::Connection>, ConnectError> {
        match connect(&self.backend(), &self.shared, &self.destination, place).await? {
            Established::Http1(stream, open) => {
                let limits = &self.shared.limits;
                let limits = http1::HeadLimits { max_size: limits.max_head_size, max_headers: limits.max_headers };
                Ok(http1::Connection::new(stream, limits, open, self.clock.get()))
            }
            Established::Http2(..) => Err(ConnectError::NotHttp2),
        }
    }

    /// Opens connections for later requests, if there are too few for those in use.
    fn preconnect(self: &Rc<Self>) {
        let percent = u64::from(self.backend.borrow().policy.connections.preconnect_percent);
        if percent <= 100 {
            return;
        }
        loop {
            let open = u64::from(self.queue.open());
            let unused = self.idle.borrow().len() as u64 + u64::from(self.ahead.get());
            if open >= (open.saturating_sub(unused) * percent).div_ceil(100) {
                return;
            }
            let Ok(place) = self.enter() else { return };
            self.ahead.set(self.ahead.get() + 1);
            let pool = Rc::clone(self);
            tokio::task::spawn_local(async move {
                let connected = pool.connect_http1(place).await;
                pool.ahead.set(pool.ahead.get() - 1);
                if let Ok(connection) = connected {
                    pool.keep(connection);
                }
            });
        }
    }

    async fn open_http2(self: &Rc<Self>) -> Result<Lease, ConnectError> {
        // Each turn has opened a connection, or waited for a stream; another request may have taken what was free.
        let mut turn: Option<Turn> = None;
        loop {
            let opened = self.opened().await;
            if let Some(turn) = turn.take() {
                turn.used();
            }
            let full = match opened {
                Err(ConnectError::Overflow(_)) => true,
                opened => opened.map(|()| false)?,
            };
            if let Some(lease) = self.share(false) {
                return Ok(lease);
            }
            if full {
                match self.queue.wait().await {
                    Some(Given::Turn(given)) => turn = Some(given),
                    Some(Given::Connection(_)) => {}
                    None => return Err(ConnectError::Timeout),
                }
                if let Some(lease) = self.share(true) {
                    if let Some(turn) = turn.take() {
                        turn.used();
                    }
                    return Ok(lease);
                }
            }
        }
    }

    /// Whether a connection should carry no more requests.
    fn is_spent(&self, born: Instant, served: u32) -> bool {
        spent(&self.backend.borrow(), self.clock.get(), born, served).is_some()
    }

    /// Whether a connection is to be closed now because it should carry no more requests. Counts those that are.
    fn retires(&self, connection: &http1::Connection) -> bool {
        let backend = self.backend.borrow();
        spent(&backend, self.clock.get(), connection.born, connection.served)
            .inspect(|count| count.increment(1))
            .is_some()
    }

    /// Whether a connection could not be shared only because it has as many streams as it may have.
    fn is_full(&self) -> bool {
        self.multiplexed
            .borrow()
            .iter()
            .any(|connection| connection.sender.is_ready() && !self.is_spent(connection.born, connection.served))
    }

    /// A stream on a shared connection.
    fn share(self: &Rc<Self>, reused: bool) -> Option<Lease> {
        let now = self.clock.get();
        let most = self.backend.borrow().policy.connections.max_streams.map_or(MAX_STREAMS, NonZeroU32::get) as usize;
        self.multiplexed.borrow_mut().iter_mut().find_map(|connection| {
            let free = connection.sender.is_ready()
                && connection.streams.get() < connection.allowed.get().clamp(1, most)
                && !self.is_spent(connection.born, connection.served);
            free.then(|| {
                connection.used = now;
                connection.served = connection.served.saturating_add(1);
                let slot = Slot::take(&connection.streams, &self.queue);
                Lease::http2(connection.sender.clone(), slot, reused)
            })
        })
    }

    /// Waits for an HTTP/2 connection to be opened, by this request or by an earlier one.
    async fn opened(self: &Rc<Self>) -> Result<(), ConnectError> {
        let opening = self.opening.borrow().as_ref().and_then(WeakOpening::upgrade);
        let opening = match opening {
            Some(opening) => opening,
            None => self.begin_http2()?,
        };
        // The sender is dropped unused only when the thread ends.
        opening.await.unwrap_or(Err(ConnectError::Timeout))
    }

    fn begin_http2(self: &Rc<Self>) -> Result<Opening, ConnectError> {
        let place = self.enter()?;
        let (mut done, opening) = oneshot::channel();
        let opening: Opening = opening.shared();
        *self.opening.borrow_mut() = opening.downgrade();
        // A task, so that a request that leaves does not take the connection from those that wait with it. When all have
        // left, it ends: another address was faster.
        let pool = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let backend = pool.backend();
            let connecting = connect(&backend, &pool.shared, &pool.destination, place);
            let result = tokio::select! {
                biased;
                result = connecting => result,
                // Those who come now begin anew, and have put their own in its place.
                () = done.closed() => return,
            };
            let result = result.and_then(|established| {
                let Established::Http2(sender, allowed) = established else { return Err(ConnectError::NotHttp2) };
                let now = pool.clock.get();
                pool.multiplexed.borrow_mut().push(Multiplexed {
                    sender,
                    allowed,
                    streams: Rc::default(),
                    used: now,
                    born: now,
                    served: 0,
                });
                Ok(())
            });
            *pool.opening.borrow_mut() = None;
            let _ = done.send(result);
        });
        Ok(opening)
    }

    /// Takes back a connection whose request has ended.
    pub(super) fn give_back(&self, connection: Box<http1::Connection>) {
        if let Some(connection) = connection.rest() {
            self.keep(connection);
        }
    }

    /// Keeps a connection that can carry another request.
    fn keep(&self, connection: Box<http1::Connection>) {
        if self.retires(&connection) {
            return connection.close();
        }
        let Some(connection) = self.queue.offer(connection) else { return };
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.shared.limits.max_idle_upstream {
            idle.push(Idle { connection, since: self.clock.get() });
        } else {
            self.backend.borrow().metrics.connections_retired.max_idle.increment(1);
            connection.close();
        }
    }

    /// Closes what has been unused for too long, or is too old. Returns whether anything is left.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        let backend = self.backend.borrow();
        let unused = |since| {
            let is_unused = now.duration_since(since) >= backend.timeouts.idle;
            is_unused.then_some(&backend.metrics.connections_retired.idle)
        };
        let stays = |retired: Option<&Count>| retired.inspect(|count| count.increment(1)).is_none();
        let mut idle = self.idle.borrow_mut();
        let done: Vec<Idle> = idle
            .extract_if(.., |Idle { connection, since }| {
                let spent = spent(&backend, now, connection.born, connection.served);
                !connection.is_usable() || !stays(spent.or_else(|| unused(*since)))
            })
            .collect();
        done.into_iter().for_each(|Idle { connection, .. }| connection.close());
        let mut multiplexed = self.multiplexed.borrow_mut();
        multiplexed.retain(|connection| {
            let unused = || unused(connection.used).filter(|_| connection.streams.get() == 0);
            // One that takes no more requests ends with the last of those that it carries.
            let spent = spent(&backend, now, connection.born, connection.served);
            !connection.sender.is_closed() && stays(spent.or_else(unused))
        });
        !idle.is_empty() || !multiplexed.is_empty()
    }
}

/// Why a connection should carry no more requests, if it should not: the count of those that ended for it.
fn spent(backend: &Backend, now: Instant, born: Instant, served: u32) -> Option<&Count> {
    let (rules, retired) = (&backend.policy.connections, &backend.metrics.connections_retired);
    if rules.max_requests.is_some_and(|most| served >= most.get()) {
        return Some(&retired.max_requests);
    }
    let old = rules.max_lifetime.is_some_and(|most| now.duration_since(born) >= most);
    old.then_some(&retired.max_lifetime)
}
