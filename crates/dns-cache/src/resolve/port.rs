//! UDP ports to ask one server from: one for each question, until there are many.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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
    port: Arc<Port>,
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
        Ok(OnPort { ticket, port })
    }

    async fn take(&self) -> io::Result<Arc<Port>> {
        if self.count() >= MAX_PORTS
            && let Some(shared) = self.shared()
        {
            return Ok(shared);
        }
        match Port::open(self.server).await {
            Ok(port) => {
                let port = Arc::new(port);
                self.open().push(Arc::downgrade(&port));
                Ok(port)
            }
            // Where files have run out, the ports that are open still serve.
            Err(error) => self.shared().ok_or(error),
        }
    }

    fn count(&self) -> usize {
        let mut open = self.open();
        open.retain(|port| port.strong_count() > 0);
        open.len()
    }

    fn shared(&self) -> Option<Arc<Port>> {
        let open = self.open();
        open.iter().filter_map(Weak::upgrade).filter(|port| !port.waiters.is_closed()).choose(&mut rand::rng())
    }

    fn open(&self) -> MutexGuard<'_, Vec<Weak<Port>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Sends some more. What the system does not take is lost, as any datagram may be.
    pub(super) fn again(&self, bytes: &[u8]) {
        let _ = self.port.socket.try_send(bytes);
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
