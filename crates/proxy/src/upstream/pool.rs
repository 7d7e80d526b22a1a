//! The connections to one endpoint.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{Shared as Joined, WeakShared as WeakJoined};
use hyper::client::conn::{http1, http2};
use rustls_pki_types::ServerName;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connect::{ConnectError, Established, connect};
use super::lease::{Lease, Slot};
use crate::config::{Backend, Protocol};
use crate::forward::RequestBody;
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
    pub(super) backend: Arc<Backend>,
    pub(super) destination: Destination,
    shared: Arc<Shared>,
    /// Time of the last sweep: exact enough for idle timeouts, and free.
    clock: Rc<Cell<Instant>>,
    idle: RefCell<Vec<Idle>>,
    multiplexed: RefCell<Vec<Multiplexed>>,
    /// An HTTP/2 connection that is being opened, for as long as anyone waits for it.
    opening: RefCell<Option<WeakOpening>>,
}

#[derive(Debug)]
struct Idle {
    sender: http1::SendRequest<RequestBody>,
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
}

impl Pool {
    pub(super) fn new(
        backend: &Arc<Backend>,
        destination: Destination,
        shared: &Arc<Shared>,
        clock: &Rc<Cell<Instant>>,
    ) -> Self {
        Self {
            backend: Arc::clone(backend),
            destination,
            shared: Arc::clone(shared),
            clock: Rc::clone(clock),
            idle: RefCell::default(),
            multiplexed: RefCell::default(),
            opening: RefCell::default(),
        }
    }

    /// Address of the endpoint.
    pub(crate) fn address(&self) -> SocketAddr {
        self.destination.address
    }

    /// A connection that is open already, if one is free.
    pub(crate) fn reuse(self: &Rc<Self>) -> Option<Lease> {
        match self.backend.protocol {
            Protocol::Http1 => {
                let mut idle = self.idle.borrow_mut();
                while let Some(Idle { sender, .. }) = idle.pop() {
                    if sender.is_ready() {
                        return Some(Lease::http1(sender, Rc::clone(self), true));
                    }
                }
                None
            }
            Protocol::Http2 => self.share(true),
        }
    }

    /// A new connection.
    pub(crate) async fn open(self: &Rc<Self>) -> Result<Lease, ConnectError> {
        if self.backend.protocol == Protocol::Http1 {
            let established = connect(&self.backend, &self.shared, &self.destination).await?;
            return match established {
                Established::Http1(sender) => Ok(Lease::http1(sender, Rc::clone(self), false)),
                Established::Http2(..) => Err(ConnectError::NotHttp2),
            };
        }
        // Each turn has opened a connection; another request may have taken its last free stream.
        loop {
            self.opened().await?;
            if let Some(lease) = self.share(false) {
                return Ok(lease);
            }
        }
    }

    /// A stream on a shared connection.
    fn share(self: &Rc<Self>, reused: bool) -> Option<Lease> {
        let now = self.clock.get();
        self.multiplexed.borrow_mut().iter_mut().find_map(|connection| {
            let free = connection.sender.is_ready() && connection.streams.get() < connection.allowed.get().max(1);
            free.then(|| {
                connection.used = now;
                Lease::http2(connection.sender.clone(), Slot::take(&connection.streams), reused)
            })
        })
    }

    /// Waits for an HTTP/2 connection to be opened, by this request or by an earlier one.
    async fn opened(self: &Rc<Self>) -> Result<(), ConnectError> {
        let opening = self.opening.borrow().as_ref().and_then(WeakOpening::upgrade);
        let opening = opening.unwrap_or_else(|| {
            let (mut done, opening) = oneshot::channel();
            let opening: Opening = opening.shared();
            *self.opening.borrow_mut() = opening.downgrade();
            // A task, so that a request that leaves does not take the connection from those that wait with it. When all have
            // left, it ends: another address was faster.
            let pool = Rc::clone(self);
            tokio::task::spawn_local(async move {
                let connecting = connect(&pool.backend, &pool.shared, &pool.destination);
                let result = tokio::select! {
                    biased;
                    result = connecting => result,
                    // Those who come now begin anew, and have put their own in its place.
                    () = done.closed() => return,
                };
                let result = result.and_then(|established| {
                    let Established::Http2(sender, allowed) = established else { return Err(ConnectError::NotHttp2) };
                    pool.multiplexed.borrow_mut().push(Multiplexed {
                        sender,
                        allowed,
                        streams: Rc::default(),
                        used: pool.clock.get(),
                    });
                    Ok(())
                });
                *pool.opening.borrow_mut() = None;
                let _ = done.send(result);
            });
            opening
        });
        // The sender is dropped unused only when the thread ends.
        opening.await.unwrap_or(Err(ConnectError::Timeout))
    }

    /// Takes back a connection that can carry another request.
    pub(super) fn keep(&self, sender: http1::SendRequest<RequestBody>) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.shared.limits.max_idle_upstream {
            idle.push(Idle { sender, since: self.clock.get() });
        }
    }

    /// Closes what has been unused for too long. Returns whether anything is left.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        let keep = self.backend.timeouts.idle;
        let mut idle = self.idle.borrow_mut();
        idle.retain(|idle| !idle.sender.is_closed() && now.duration_since(idle.since) < keep);
        let mut multiplexed = self.multiplexed.borrow_mut();
        multiplexed.retain(|connection| {
            let unused = connection.streams.get() == 0 && now.duration_since(connection.used) >= keep;
            !connection.sender.is_closed() && !unused
        });
        !idle.is_empty() || !multiplexed.is_empty()
    }
}
