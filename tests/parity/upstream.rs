//! Upstreams on loopback addresses that share a port, each with a behaviour of its own.

mod multiplexed;
mod single;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::client::Message;
use crate::harness::port;

/// What an upstream does with each request.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// Answers with its address and, after a colon, the how manieth of its connections this is.
    Name,
    /// Answers with what it received, but for headers that start with `x-envoy-`.
    Echo,
    /// The same, without what all requests have: user agent and what proxies add.
    Bare,
    /// Answers with the headers that start with `x-envoy-`.
    EchoOwn,
    /// Answers with the names of headers as they were written.
    Names,
    /// Answers with its address, this status, after this time.
    Answer(u16, Duration),
    /// Answers requests for `/health` with this status, all others with its address.
    Health(u16),
    /// Answers with this, which is written as in HTTP/1.1, and closes the connection if it speaks that.
    Write(&'static str),
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Abort,
    /// Says nothing more.
    Mute,
    /// Takes connections and says nothing on them, not even in a TLS handshake.
    Hang,
    /// Lets nobody connect, and tells nobody: its queue of connections is full. Only from the beginning.
    Full,
    /// Does each of these with one request, and the last with all that follow.
    InTurn(&'static [Self]),
    /// Does each of these with one request, again and again.
    Cycle(&'static [Self]),
    /// HTTP/2: resets the stream with this code.
    Reset(u32),
    /// HTTP/2: announces that it takes no more requests on this connection, and answers this one with its name.
    GoAway,
    /// HTTP/2: writes these frames as they are.
    Frames(&'static [u8]),
}

impl Behaviour {
    /// Answers with its address.
    pub const ADDRESS: Self = Self::Answer(200, Duration::ZERO);
}

/// What all of a row's upstreams speak.
#[derive(Clone, Default)]
pub struct Speech {
    /// Set to begin with a handshake.
    pub tls: Option<TlsAcceptor>,
    pub http2: bool,
    /// Streams at once on one HTTP/2 connection.
    pub streams: Option<u32>,
}

/// What the upstreams of one row have seen.
#[derive(Debug, Default)]
struct Seen {
    /// Who has taken a connection, in order.
    connections: Vec<IpAddr>,
    /// Who has received what, in order.
    requests: Vec<(IpAddr, String)>,
}

type Record = watch::Sender<Seen>;

/// The upstreams of one row.
#[derive(Debug)]
pub struct Upstreams {
    pub port: u16,
    record: Arc<Record>,
    /// How many connections and requests have been shown.
    shown: (usize, HashMap<IpAddr, usize>),
    behaviours: HashMap<IpAddr, Arc<Mutex<Behaviour>>>,
    end: watch::Sender<()>,
    _full: Vec<(Socket, std::net::TcpStream)>,
    _tasks: JoinSet<()>,
}

impl Upstreams {
    /// Starts them all.
    pub fn start(all: &[(&'static str, Behaviour)], speech: &Speech) -> Self {
        let addresses = all.iter().map(|(ip, _)| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let (port, sockets) = bind(&addresses);
        let record = Arc::new(watch::Sender::new(Seen::default()));
        let (end, ended) = watch::channel(());
        let (mut tasks, mut full, mut behaviours) = (JoinSet::new(), Vec::new(), HashMap::new());
        for ((ip, socket), (_, behaviour)) in addresses.into_iter().zip(sockets).zip(all) {
            if matches!(behaviour, Behaviour::Full) {
                full.push(fill(socket, SocketAddr::new(ip, port)));
                continue;
            }
            socket.listen(1024).unwrap();
            let listener = TcpListener::from_std(socket.into()).unwrap();
            let behaviour = Arc::new(Mutex::new(*behaviour));
            behaviours.insert(ip, Arc::clone(&behaviour));
            let server =
                Server { ip, speech: speech.clone(), behaviour, received: Arc::default(), record: Arc::clone(&record) };
            tasks.spawn(server.serve(listener, ended.clone()));
        }
        Self { port, record, shown: Default::default(), behaviours, end, _full: full, _tasks: tasks }
    }

    /// Ends the connections that are open now.
    pub fn hang_up(&self) {
        self.end.send_replace(());
    }

    /// From now on the upstream on `ip` does this.
    pub fn behave(&self, ip: &str, behaviour: Behaviour) {
        *self.behaviours[&ip.parse().unwrap()].lock().unwrap() = behaviour;
    }

    /// How many requests came so far.
    pub fn received(&self) -> usize {
        self.record.borrow().requests.len()
    }

    /// Who has taken connections since this was last asked, in order.
    pub fn connected(&mut self) -> String {
        let seen = self.record.borrow();
        let new: Vec<_> = seen.connections[self.shown.0..].iter().map(IpAddr::to_string).collect();
        self.shown.0 = seen.connections.len();
        new.join(" ")
    }

    /// Ends when so many requests have come.
    pub fn until_received(&self, count: usize) -> impl Future<Output = ()> + use<> {
        let mut record = self.record.subscribe();
        async move {
            record.wait_for(|seen| seen.requests.len() >= count).await.unwrap();
        }
    }

    /// Waits for a request to `ip` that has not been shown yet, and shows it.
    pub async fn got(&mut self, ip: &str) -> String {
        let ip: IpAddr = ip.parse().unwrap();
        let next = self.shown.1.entry(ip).or_default();
        let mut record = self.record.subscribe();
        let found = |seen: &Seen| seen.requests.iter().filter(|(to, _)| *to == ip).nth(*next).cloned();
        let (_, text) = found(&record.wait_for(|seen| found(seen).is_some()).await.unwrap()).unwrap();
        *next += 1;
        text
    }
}

/// Sockets on these addresses with one port, which others may be looking for as well.
fn bind(addresses: &[IpAddr]) -> (u16, Vec<Socket>) {
    loop {
        let port = port::free();
        let bind = |ip: &IpAddr| {
            let address = SocketAddr::new(*ip, port);
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into()).map(|()| socket)
        };
        match addresses.iter().map(bind).collect::<std::io::Result<_>>() {
            Ok(sockets) => return (port, sockets),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{error}"),
        }
    }
}

/// Makes an address one that connections can be begun to and never made: one is in its queue, and there is no room for
/// another.
fn fill(socket: Socket, address: SocketAddr) -> (Socket, std::net::TcpStream) {
    socket.listen(0).unwrap();
    (socket, std::net::TcpStream::connect(address).unwrap())
}

/// Ends a connection as its peer expects. To close it with something unread, or before the peer has sent its last, would
/// reset it, and a reset may overtake what was written.
async fn close(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// One upstream.
#[derive(Clone)]
struct Server {
    ip: IpAddr,
    speech: Speech,
    behaviour: Arc<Mutex<Behaviour>>,
    /// Requests that have come to it.
    received: Arc<AtomicUsize>,
    record: Arc<Record>,
}

impl Server {
    async fn serve(self, listener: TcpListener, ended: watch::Receiver<()>) {
        let mut connections = JoinSet::new();
        for number in 1.. {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            self.record.send_modify(|seen| seen.connections.push(self.ip));
            let mut ended = ended.clone();
            ended.mark_unchanged();
            connections.spawn(self.clone().take(stream, number, ended));
            while connections.try_join_next().is_some() {}
        }
    }

    /// Serves a connection to its end, and ends it.
    async fn take(self, mut stream: TcpStream, number: usize, mut ended: watch::Receiver<()>) {
        let aborts = matches!(self.behaviour_next(), Behaviour::Abort);
        tokio::select! {
            () = self.greet(&mut stream, number) => {}
            _ = ended.changed() => {}
        }
        if aborts {
            stream.set_zero_linger().unwrap();
        } else {
            close(stream).await;
        }
    }

    async fn greet(&self, stream: &mut TcpStream, number: usize) {
        let name = format!("{}:{number}", self.ip);
        match (self.behaviour_next(), &self.speech.tls) {
            (Behaviour::Hang, _) => std::future::pending().await,
            (Behaviour::Abort, _) | (_, None) => self.talk(stream, name).await,
            (_, Some(tls)) => {
                // Whoever does not like the certificate is gone.
                let Ok(stream) = tls.accept(stream).await else { return };
                let session = stream.get_ref().1;
                let asked = session.server_name().unwrap_or("none").to_owned();
                let protocol = session.alpn_protocol().map(|name| format!(" alpn {}", String::from_utf8_lossy(name)));
                let name = format!("{name} sni {asked}{}", protocol.unwrap_or_default());
                self.talk(stream, name).await;
            }
        }
    }

    async fn talk(&self, stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, name: String) {
        if self.speech.http2 {
            multiplexed::talk(self, stream, name).await;
        } else {
            single::talk(self, stream, name).await;
        }
    }

    /// What the next request will meet.
    fn behaviour_next(&self) -> Behaviour {
        match *self.behaviour.lock().unwrap() {
            Behaviour::InTurn(all) => all[self.received.load(Ordering::Relaxed).min(all.len() - 1)],
            Behaviour::Cycle(all) => all[self.received.load(Ordering::Relaxed) % all.len()],
            only => only,
        }
    }

    /// What this request meets.
    fn receive(&self, request: &Message) -> Behaviour {
        let behaviour = self.behaviour_next();
        self.received.fetch_add(1, Ordering::Relaxed);
        self.record.send_modify(|seen| seen.requests.push((self.ip, bare(request))));
        match behaviour {
            Behaviour::Health(status) if request.first.contains(" /health ") => {
                Behaviour::Answer(status, Duration::ZERO)
            }
            Behaviour::Health(_) => Behaviour::ADDRESS,
            behaviour => behaviour,
        }
    }

    /// Status and body of an answer that is made up; `None` for behaviours that are something else.
    async fn answer(&self, behaviour: Behaviour, name: &str, request: &Message) -> Option<(u16, String)> {
        match behaviour {
            Behaviour::Name | Behaviour::GoAway => Some((200, name.to_owned())),
            Behaviour::Answer(status, after) => {
                tokio::time::sleep(after).await;
                Some((status, self.ip.to_string()))
            }
            Behaviour::Echo => Some((200, describe(request))),
            Behaviour::Bare => Some((200, bare(request))),
            Behaviour::Names => Some((200, request.names.iter().map(String::as_str).collect::<Vec<_>>().join(" "))),
            Behaviour::EchoOwn => Some((200, own(request).collect::<Vec<_>>().join("\n"))),
            Behaviour::Mute => std::future::pending().await,
            _ => None,
        }
    }
}

/// What Envoy's own headers start with.
const OWN: &str = "x-envoy-";

/// Envoy's own headers, one of which is what is left of a time.
fn own(request: &Message) -> impl Iterator<Item = &str> {
    const TIME_LEFT: &str = "x-envoy-expected-rq-timeout-ms";
    let lines = request.headers.iter().map(String::as_str).filter(|line| line.starts_with(OWN));
    lines.map(|line| if line.starts_with(TIME_LEFT) { TIME_LEFT } else { line })
}

/// A request in lines. A long body is told by its length.
fn describe(request: &Message) -> String {
    let mut lines = vec![request.first.clone()];
    let headers = request.headers.iter().map(String::as_str).filter(|line| !line.starts_with(OWN));
    lines.extend(headers.map(neutral));
    match request.body.len() {
        0 => {}
        length @ 1..100 => lines.push(format!("({length}) {}", request.body)),
        length => lines.push(format!("({length})")),
    }
    lines.extend(request.trailers.iter().map(|trailer| format!("+ {trailer}")));
    lines.join("\n")
}

/// A request in lines, without what all have.
fn bare(request: &Message) -> String {
    let all = describe(request);
    all.lines().filter(|line| !is_usual(line)).collect::<Vec<_>>().join("\n")
}

fn is_usual(line: &str) -> bool {
    const USUAL: [&str; 4] =
        ["x-forwarded-for: 127.0.0.77", "x-forwarded-proto: http", "x-request-id: random", ":scheme: http"];
    USUAL.contains(&line) || (line.starts_with("user-agent: ") && line.ends_with(|last: char| last.is_ascii_digit()))
}

/// A header without what differs between runs and machines.
fn neutral(line: &str) -> String {
    match line.split_once("127.0.0.77,") {
        Some((before, _)) if line.starts_with("x-forwarded-for: ") => format!("{before}127.0.0.77,PROXY"),
        _ => match line.split_at_checked(line.len().wrapping_sub(ID)) {
            Some((name @ ("x-request-id: " | "cdn-loop: backstay-"), id)) if is_uuid(id) => format!("{name}random"),
            _ => line.to_owned(),
        },
    }
}

/// Length of a UUID.
const ID: usize = 36;

/// Whether it is an id that a proxy made up.
fn is_uuid(id: &str) -> bool {
    id.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}
