//! Upstreams on addresses of 127.0.0.0/8 that share a port, each with a behaviour of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::client::{Message, Side, read};
use crate::harness::port;

/// What an upstream does with each request.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// Answers with its address and, after a colon, the how manieth of its connections this is.
    Name,
    /// Answers with what it received, but for headers that start with `x-envoy-`.
    Echo,
    /// Answers with the headers that start with `x-envoy-`.
    EchoOwn,
    /// Answers with its address, this status, after this time.
    Answer(u16, Duration),
    /// Writes this and closes the connection.
    Write(&'static str),
    /// Closes the connection.
    Close,
    /// Says nothing more.
    Mute,
}

impl Behaviour {
    /// Answers with its address.
    pub const ADDRESS: Self = Self::Answer(200, Duration::ZERO);
}

/// The upstreams of one row.
#[derive(Debug)]
pub struct Upstreams {
    pub port: u16,
    received: Arc<AtomicUsize>,
    end: watch::Sender<()>,
    _tasks: JoinSet<()>,
}

impl Upstreams {
    /// Starts them all. With `tls`, they begin with a handshake.
    pub async fn start(all: &[(&'static str, Behaviour)], tls: Option<TlsAcceptor>) -> Self {
        let port = port::free();
        let received = Arc::new(AtomicUsize::new(0));
        let (end, ended) = watch::channel(());
        let mut tasks = JoinSet::new();
        for (ip, behaviour) in all {
            let address = SocketAddr::new(ip.parse().unwrap(), port);
            let listener = TcpListener::bind(address).await.unwrap();
            let server = Server { behaviour: *behaviour, tls: tls.clone(), received: Arc::clone(&received) };
            tasks.spawn(server.serve(listener, ended.clone()));
        }
        Self { port, received, end, _tasks: tasks }
    }

    /// Ends the connections that are open now.
    pub fn hang_up(&self) {
        self.end.send_replace(());
    }

    /// How many requests came so far.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}

#[derive(Clone)]
struct Server {
    behaviour: Behaviour,
    tls: Option<TlsAcceptor>,
    received: Arc<AtomicUsize>,
}

impl Server {
    async fn serve(self, listener: TcpListener, ended: watch::Receiver<()>) {
        let ip = listener.local_addr().unwrap().ip();
        let mut connections = JoinSet::new();
        for number in 1.. {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (server, mut ended) = (self.clone(), ended.clone());
            ended.mark_unchanged();
            connections.spawn(async move {
                tokio::select! {
                    () = server.greet(stream, ip, number) => {}
                    _ = ended.changed() => {}
                }
            });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn greet(self, stream: TcpStream, ip: IpAddr, number: usize) {
        let Some(tls) = &self.tls else { return self.talk(stream, ip, format!("{ip}:{number}")).await };
        // Whoever does not like the certificate is gone.
        if let Ok(stream) = tls.accept(stream).await {
            let asked = stream.get_ref().1.server_name().unwrap_or("none");
            let name = format!("{ip}:{number} sni {asked}");
            self.talk(stream, ip, name).await;
        }
    }

    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin, ip: IpAddr, name: String) {
        let mut stream = BufReader::new(stream);
        while let Ok(request) = read(&mut stream, Side::Request).await {
            self.received.fetch_add(1, Ordering::Relaxed);
            let mut status = 200;
            let body = match self.behaviour {
                Behaviour::Name => name.clone(),
                Behaviour::Answer(other, after) => {
                    tokio::time::sleep(after).await;
                    status = other;
                    ip.to_string()
                }
                Behaviour::Echo => describe(&request),
                Behaviour::EchoOwn => own(&request).collect::<Vec<_>>().join("\n"),
                Behaviour::Close => return,
                Behaviour::Mute => std::future::pending().await,
                Behaviour::Write(raw) => {
                    let _ = stream.write_all(raw.as_bytes()).await;
                    let _ = stream.shutdown().await;
                    return;
                }
            };
            let answer = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// What Envoy's own headers start with.
const OWN: &str = "x-envoy-";

fn own(request: &Message) -> impl Iterator<Item = &str> {
    request.headers.iter().map(String::as_str).filter(|line| line.starts_with(OWN))
}

/// A request in lines. A long body is told by its length.
fn describe(request: &Message) -> String {
    let mut lines = vec![request.first.clone()];
    let headers = request.headers.iter().map(String::as_str).filter(|line| !line.starts_with(OWN));
    lines.extend(headers.map(|line| if is_random_id(line) { "x-request-id: random" } else { line }.to_owned()));
    match request.body.len() {
        0 => {}
        length @ 1..100 => lines.push(format!("({length}) {}", request.body)),
        length => lines.push(format!("({length})")),
    }
    lines.extend(request.trailers.iter().map(|trailer| format!("+ {trailer}")));
    lines.join("\n")
}

/// Whether it is an id that a proxy made up, a UUID.
fn is_random_id(line: &str) -> bool {
    let id = line.strip_prefix("x-request-id: ").unwrap_or_default();
    id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}
