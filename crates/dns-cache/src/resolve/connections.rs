//! Connections to a server that is asked over nothing else (RFC 7766, RFC 7858): kept open, and no question behind another's
//! where that can be helped.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::frame;
use super::waiters::{Arrival, Ticket, Waiters};

/// Connections that new questions go to. Questions beyond share them: a server may then answer in any order (RFC 7766 6.2.1.1).
const MAX_CONNECTIONS: usize = 16;
/// A connection that nobody needs is closed after between one and two times this.
const IDLE: Duration = Duration::from_secs(10);
/// What has brought nothing for this long while somebody waited gets no more questions, be it a connection or the wish for one.
const PATIENCE: Duration = Duration::from_millis(500);
/// Questions that wait to be written to one connection, each as often as it may be asked: more than there are at once. A server that
/// reads so little gets no more of them.
const MAX_UNWRITTEN: usize = 16_384;

/// How to connect.
pub(super) struct Dial {
    pub(super) address: SocketAddr,
    /// With TLS, and the name that the certificate must carry.
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// The connections to one server.
pub(super) struct Connections {
    dial: Dial,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    open: Vec<Arc<Connection>>,
    opening: usize,
    /// Until when no more than there are is tried: the server does not take as many.
    full_until: Option<Instant>,
}

struct Connection {
    waiters: Arc<Waiters>,
    outgoing: mpsc::Sender<Vec<u8>>,
    driver: AbortHandle,
}

/// A question on a connection, until it is dropped.
pub(super) struct OnConnection<'a> {
    pool: &'a Connections,
    connection: Arc<Connection>,
    ticket: Ticket,
    since: Instant,
}

enum Choice {
    Use(Arc<Connection>, Ticket),
    /// Open one, though there are others that could be shared.
    OpenAnother,
    /// Open one: there is no other.
    OpenOne,
    Wait,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connections {
    pub(super) fn new(dial: Dial) -> Self {
        Self { dial, state: Mutex::default(), changed: Notify::new() }
    }

    /// Sends what `bytes` makes of an id, and has what comes of it reported to `arrivals`: over a connection that nobody waits on;
    /// over a new one; or, if there are as many as may be, over the one with the fewest questions. Not over one of `others`.
    pub(super) async fn send(
        &self,
        arrivals: mpsc::Sender<Arrival>,
        others: &[usize],
        bytes: impl FnOnce(u16) -> Option<Vec<u8>>,
    ) -> io::Result<OnConnection<'_>> {
        let (connection, ticket) = loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before the look, or a change between the two would be missed.
            changed.as_mut().enable();
            match self.choose(&arrivals, others) {
                Choice::Use(connection, ticket) => break (connection, ticket),
                Choice::OpenOne => break self.open(arrivals).await?,
                Choice::OpenAnother => {
                    if let Ok(Ok(opened)) = tokio::time::timeout(PATIENCE, self.open(arrivals.clone())).await {
                        break opened;
                    }
                    self.state().full_until = Some(Instant::now() + IDLE);
                }
                Choice::Wait => changed.await,
            }
        };
        let bytes = bytes(ticket.id()).ok_or(io::ErrorKind::InvalidInput)?;
        connection.outgoing.try_send(bytes).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(OnConnection { pool: self, connection, ticket, since: Instant::now() })
    }

    fn choose(&self, arrivals: &mpsc::Sender<Arrival>, others: &[usize]) -> Choice {
        let mut state = self.state();
        loop {
            state.open.retain(|connection| !connection.waiters.is_closed() && connection.outgoing.capacity() > 0);
            let candidates = state.open.iter().filter(|connection| !others.contains(&connection.number()));
            let fewest = candidates.min_by_key(|connection| connection.waiters.ahead()).map(Arc::clone);
            let is_free = fewest.as_ref().is_some_and(|connection| connection.waiters.ahead() == 0);
            let is_full = state.full_until.is_some_and(|end| Instant::now() < end) && fewest.is_some();
            if !is_free && !is_full && state.open.len() + state.opening < MAX_CONNECTIONS {
                state.opening += 1;
                return if fewest.is_some() { Choice::OpenAnother } else { Choice::OpenOne };
            }
            let Some(fewest) = fewest else {
                return Choice::Wait;
            };
            if let Some(ticket) = fewest.waiters.register(arrivals.clone()) {
                return Choice::Use(fewest, ticket);
            }
            // It was closed in between.
            state.open.retain(|connection| !Arc::ptr_eq(connection, &fewest));
        }
    }

    /// Opens a connection, for which room was made, and takes the first place on it.
    async fn open(&self, arrivals: mpsc::Sender<Arrival>) -> io::Result<(Arc<Connection>, Ticket)> {
        let _opening = Opening(self);
        let connection = Arc::new(Connection::new(self.dial.connect().await?));
        let ticket = connection.waiters.register(arrivals).ok_or(io::ErrorKind::BrokenPipe)?;
        self.state().open.push(Arc::clone(&connection));
        Ok((connection, ticket))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is being opened, whatever comes of it.
struct Opening<'a>(&'a Connections);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.state().opening -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Dial {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
        })
    }
}

impl Connection {
    fn new(stream: Box<dyn Stream>) -> Self {
        let waiters = Arc::new(Waiters::default());
        let (outgoing, questions) = mpsc::channel(MAX_UNWRITTEN);
        let driver = tokio::spawn(drive(stream, questions, Arc::clone(&waiters))).abort_handle();
        Self { waiters, outgoing, driver }
    }

    /// Tells it from the others that are open.
    fn number(&self) -> usize {
        Arc::as_ptr(&self.waiters).addr()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl OnConnection<'_> {
    pub(super) fn id(&self) -> u16 {
        self.ticket.id()
    }

    /// Tells its connection from others.
    pub(super) fn connection(&self) -> usize {
        self.connection.number()
    }
}

impl Drop for OnConnection<'_> {
    fn drop(&mut self) {
        // Dead, or held up by what nobody answers. Those who wait on it may go on doing so: it is closed with the last of them.
        if self.since.elapsed() >= PATIENCE && !self.connection.waiters.arrived_since(self.since) {
            self.pool.state().open.retain(|connection| !Arc::ptr_eq(connection, &self.connection));
        }
    }
}

async fn drive(stream: Box<dyn Stream>, mut questions: mpsc::Receiver<Vec<u8>>, waiters: Arc<Waiters>) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = async {
        while let Ok(message) = frame::read(&mut reader).await {
            waiters.deliver(&message);
        }
    };
    let writing = async {
        while let Some(question) = questions.recv().await
            && frame::write(&mut writer, &question).await.is_ok()
        {}
    };
    let idle = async {
        loop {
            let began = Instant::now();
            tokio::time::sleep(IDLE).await;
            if waiters.is_empty() && !waiters.arrived_since(began) {
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
        () = idle => {}
    }
    waiters.close();
}
