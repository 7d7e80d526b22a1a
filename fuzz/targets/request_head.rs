//! What a client of HTTP/1.1 sends, through a proxy to an endpoint. hyper reads what comes in, a strict parser reads what comes in and
//! what goes out: the endpoint must find the requests that the strict parser finds in what the client has sent, each with the same
//! method and body, and none that is not one. What is refused may be missing, with all that follows.

#![no_main]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use backstay_model::{BackendSpec, HostPattern};
use backstay_proxy::config::{Action, Config, Edits, Forward, Rule, Socket, Target, WeightedTarget, WeightedTargets};
use backstay_proxy::route::{Candidate, Matcher, Order, Table};
use backstay_proxy::server::{Options, Workers};
use backstay_upstream::{Backend, BackendParts, Discovery, Endpoint};
use libfuzzer_sys::fuzz_target;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The requests that the endpoint has received, on whichever connections, in the order in which they were whole.
static RECEIVED: Mutex<Vec<Found>> = Mutex::new(Vec::new());
static PROXY: LazyLock<SocketAddr> = LazyLock::new(start);

fuzz_target!(|input: &[u8]| {
    let proxy = *PROXY;
    received().clear();
    let sent = Parser(input).requests();
    let mut client = TcpStream::connect(proxy).expect("the proxy listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    // It may close before it has read all.
    let _ = client.write_all(input);
    // A client that ends its side gives up what it waits for, and what is given up reaches the endpoint at any time, or never.
    await_answers(&mut client, sent.len());
    let _ = client.shutdown(Shutdown::Write);
    if let Err(error) = client.read_to_end(&mut Vec::new()) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "the proxy does not end the connection");
    }
    let received = received();
    assert!(received.len() <= sent.len(), "{received:?} of {sent:?}");
    // Requests of one client follow each other, whichever connections they take.
    for (received, sent) in received.iter().zip(&sent) {
        assert_eq!((&received.method, &received.body), (&sent.method, &sent.body), "{received:?} of {sent:?}");
    }
});

/// Reads until there are as many answers, without interim ones, or the proxy ends the connection.
fn await_answers(client: &mut TcpStream, count: usize) {
    let (mut answers, mut buffer) = (Vec::new(), [0; 4096]);
    while answers.windows(10).filter(|window| window.starts_with(b"HTTP/1.") && window[9] != b'1').count() < count {
        match client.read(&mut buffer) {
            Ok(read @ 1..) => answers.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("the proxy does not answer"),
            Ok(0) | Err(_) => return,
        }
    }
}

fn received() -> std::sync::MutexGuard<'static, Vec<Found>> {
    RECEIVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts an endpoint, and a proxy that sends everything to it.
fn start() -> SocketAddr {
    let endpoint = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let upstream = endpoint.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for stream in endpoint.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let mut workers = Workers::start(Options::default()).expect("threads");
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            assert!(workers.apply(Arc::new(everything(any, upstream))).await.is_empty());
            tell.send(workers.bound(any).expect("it listens")).expect("somebody waits");
            std::future::pending::<()>().await;
        });
    });
    told.recv().expect("the proxy starts")
}

/// Keeps each request that comes, and answers it.
fn serve(mut stream: TcpStream) {
    let (mut unanswered, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        unanswered.extend_from_slice(&buffer[..read]);
        loop {
            let mut parser = Parser(&unanswered);
            let Some(found) = parser.request() else { break };
            unanswered = parser.0.to_vec();
            received().push(found);
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

fn everything(listen: SocketAddr, upstream: SocketAddr) -> Config {
    let backend = Backend::new(BackendParts {
        name: "backend/only".into(),
        spec: Arc::new(BackendSpec::default()),
        discovery: Discovery::addresses(vec![Endpoint::ip(upstream.ip())]),
        tls: None,
        metrics: Arc::default(),
        breakers: backstay_balancer::Breakers::new(&backstay_balancer::Limits::default()),
    });
    let target = Target::Backend { backend: Arc::clone(&backend), port: NonZeroU16::new(upstream.port()) };
    let forward = Forward {
        targets: WeightedTargets::new(vec![WeightedTarget { weight: 1, target, filters: Edits::default() }]),
        request_timeout: None,
        backend_request_timeout: None,
    };
    let rule = Rule {
        route: "route/only".into(),
        name: "".into(),
        guards: None,
        token: None,
        client_address: None,
        filters: Edits::default(),
        calls: Box::default(),
        action: Action::Forward(forward),
        passages: Box::default(),
    };
    let mut table = Table::builder();
    table.candidate(Candidate {
        listener: HostPattern::Any,
        host: HostPattern::Any,
        order: Order { precedence: std::cmp::Reverse(0), route: "route/only".into(), rule: 0, position: 0 },
        matcher: Matcher::prefix("/"),
        rule: Arc::new(rule),
    });
    let socket = Socket {
        address: listen,
        listeners: vec!["listener/only".into()],
        tls: None,
        limits: None,
        table: table.build(),
    };
    Config { sockets: vec![Arc::new(socket)], backends: [(Arc::clone(&backend.name), backend)].into() }
}

/// A request, as whoever reads strictly finds it.
#[derive(Debug)]
struct Found {
    method: Vec<u8>,
    body: Vec<u8>,
}

/// Reads requests by RFC 9112, and nothing that has two meanings.
struct Parser<'i>(&'i [u8]);

impl Parser<'_> {
    /// Those that are whole, up to the first one that is none.
    fn requests(mut self) -> Vec<Found> {
        std::iter::from_fn(move || self.request()).collect()
    }

    fn request(&mut self) -> Option<Found> {
        while let Some(rest) = self.0.strip_prefix(b"\r\n") {
            self.0 = rest;
        }
        let first = self.line()?;
        let mut parts = first.split(|byte| *byte == b' ');
        let (method, _, version) = (parts.next()?.to_vec(), parts.next()?, parts.next()?);
        // What begins HTTP/2 looks as a request does.
        let is_version = matches!(version, b"HTTP/1.0" | b"HTTP/1.1") && parts.next().is_none();
        if !is_version || method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return None;
        }
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
                return None;
            }
            if name.eq_ignore_ascii_case(b"content-length") {
                if length.is_some() || value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                length = Some(std::str::from_utf8(value).ok()?.parse::<usize>().ok()?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return None;
                }
                chunked = true;
            }
        }
        let body = match (length, chunked) {
            (Some(_), true) => return None,
            (_, true) => self.chunks()?,
            (length, false) => self.take(length.unwrap_or(0))?.to_vec(),
        };
        Some(Found { method, body })
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(|byte| *byte == b';').next()?.trim_ascii();
            if size.is_empty() || size.len() > 16 || !size.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(self.take(size)?);
            if self.take(2)? != b"\r\n" {
                return None;
            }
        }
        while !self.line()?.is_empty() {}
        Some(body)
    }

    /// A line that ends in CRLF, and has neither in it.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.0.windows(2).position(|pair| pair == b"\r\n")?;
        let line = self.take(end)?.to_vec();
        self.take(2)?;
        (!line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))).then_some(line)
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
