//! UDP ports to ask one server from: one for each question, until there are many.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rand::seq::IteratorRandom;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::waiters::{Arrival, Ticket, Waiters};

/// Ports open at once to one server. Questions beyond that share them, so that those which nobody answers use up neither files nor
/// the turn of others; an answer is still forged only by who guesses both port and id.
const MAX_PORTS: usize = 128;
/// More than [`message`](super::message) allows servers to send.
const BUFFER: usize = 4096;
/// Errors after which a socket is given up.
const MAX_ERRORS: u32 = 1000;

/// The ports that are open to one server.
#[derive(Debug)]
pub(super) struct Ports {
    server: SocketAddr,
    open: Mutex<Vec<Weak<Port>>>,
}

/// A UDP socket on a port of the system's choice, to which none but the server can send.
#[derive(Debug)]
struct Port {
    socket: Arc<UdpSocket>,
    waiters: Arc<Waiters>,
    reader: AbortHandle,
}

/// A question that was sent from a port, until it is dropped.
#[derive(Debug)]
pub(super) struct OnPort {
    ticket: Ticket,
    _port: Arc<Port>,
}

impl Ports {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, open: Mutex::default() }
    }

    /// Sends what `bytes` makes of an id, and has what comes of it reported to `arrivals`.
    pub(super) async fn send(
        &self,
        arrivals: mpsc::Sender<Arrival>,
        bytes: impl FnOnce(u16) -> Option<Vec<u8>>,
    ) -> io::Result<OnPort> {
        let port = self.take().await?;
        let ticket = port.waiters.register(arrivals).ok_or(io::ErrorKind::NotConnected)?;
        let bytes = bytes(ticket.id()).ok_or(io::ErrorKind::InvalidInput)?;
        if port.socket.send(&bytes).await.is_err() {
            // The first error may be about what was sent before.
            port.socket.send(&bytes).await?;
        }
        Ok(OnPort { ticket, _port: port })
    }

    async fn take(&self) -> io::Result<Arc<Port>> {
        if let Some(shared) = self.shared() {
            return Ok(shared);
        }
        let port = Arc::new(Port::open(self.server).await?);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&port));
        Ok(port)
    }

    /// One of those that are open, if there are as many as may be.
    fn shared(&self) -> Option<Arc<Port>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_PORTS {
            open.retain(|port| port.strong_count() > 0);
        }
        if open.len() < MAX_PORTS {
            return None;
        }
        open.iter().filter_map(Weak::upgrade).filter(|port| !port.waiters.is_closed()).choose(&mut rand::rng())
    }
}

impl Port {
    async fn open(server: SocketAddr) -> io::Result<Self> {
        let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
        socket.connect(server).await?;
        let (socket, waiters) = (Arc::new(socket), Arc::new(Waiters::default()));
        let reader = tokio::spawn(read(Arc::clone(&socket), Arc::clone(&waiters))).abort_handle();
        Ok(Self { socket, waiters, reader })
    }
}

impl OnPort {
    pub(super) fn id(&self) -> u16 {
        self.ticket.id()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(socket: Arc<UdpSocket>, waiters: Arc<Waiters>) {
    let mut buffer = vec![0; BUFFER];
    for _ in 0..MAX_ERRORS {
        while let Ok(length) = socket.recv(&mut buffer).await {
            waiters.deliver(buffer.get(..length).unwrap_or_default());
        }
        // The server's machine says that nobody listens there.
        waiters.fail();
    }
    waiters.close();
}
