//! A proxy, its upstreams and its clients, small enough to read a test by.

#[path = "support/client.rs"]
mod client;
#[path = "support/compose.rs"]
pub(crate) mod compose;
#[path = "support/frames.rs"]
pub(crate) mod frames;
#[path = "support/guards.rs"]
pub(crate) mod guards;
#[path = "support/sequence.rs"]
pub(crate) mod sequence;
#[path = "support/upstream.rs"]
mod upstream;
#[path = "support/wire.rs"]
pub(crate) mod wire;

pub(crate) use client::{Answer, AnyBody, Client, H2Client, ask, raw};
pub(crate) use upstream::{Raw, Upstream, echo};

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{Breakers, RetryPolicy};
use backstay_model::{BackendSpec, ClientAddress, HostPattern, Policy, Protocol, Respond, Retry, Timeouts};
use backstay_proxy::config::{
    Action, Config, Edits, Filters, Forward, Passage, Rule, Socket, Target, Unmatched, WeightedTarget, WeightedTargets,
};
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::route::{Candidate, Matcher, Order, Table, TableBuilder};
use backstay_proxy::server::{Limits, Options, Workers};
use backstay_upstream::tls::ClientTls;
use backstay_upstream::{Backend, BackendParts, Discovery, Endpoint};
use http::StatusCode;

/// Longer than anything takes; reached only when something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Ends the test when `work` hangs.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("took too long")
}

/// Waits until `condition` holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A backend to describe and build.
pub(crate) struct BackendOf {
    pub(crate) protocol: Protocol,
    pub(crate) discovery: Discovery,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) timeouts: Timeouts,
    pub(crate) policy: Policy,
    pub(crate) limits: backstay_balancer::Limits,
}

impl BackendOf {
    pub(crate) fn http1(addresses: &[SocketAddr]) -> Self {
        Self {
            protocol: Protocol::Http1,
            discovery: Discovery::addresses(addresses.iter().map(|address| Endpoint::ip(address.ip())).collect()),
            tls: None,
            timeouts: Timeouts::default(),
            policy: Policy::default(),
            limits: backstay_balancer::Limits::default(),
        }
    }

    pub(crate) fn http2(address: SocketAddr) -> Self {
        Self { protocol: Protocol::Http2, ..Self::http1(&[address]) }
    }

    pub(crate) fn build(self) -> Arc<Backend> {
        let Self { protocol, discovery, tls, timeouts, mut policy, limits } = self;
        policy.counts_requests = limits.requests.is_some() || limits.retry_budget.is_some();
        policy.counts_endpoints = limits.connections_per_endpoint.is_some();
        Backend::new(BackendParts {
            name: "backend/test".into(),
            spec: Arc::new(BackendSpec { protocol, timeouts, policy }),
            discovery,
            tls,
            metrics: Arc::default(),
            breakers: Breakers::new(&limits),
        })
    }
}

/// Retries for these conditions, almost without a wait.
pub(crate) fn on(conditions: &[&str], attempts: u32) -> Retry {
    let policy = RetryPolicy {
        on: RetryPolicy::conditions(conditions.iter().copied()).unwrap(),
        attempts,
        back_off_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    Retry { policy, ..Retry::default() }
}

/// An endpoint with a port of its own.
pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint { port: NonZeroU16::new(address.port()), ..Endpoint::ip(address.ip()) }
}

/// An access log, and its lines as they are written.
pub(crate) fn access_log() -> (backstay_proxy::access::Log, LogLines) {
    // Several lines may be written at once.
    struct Lines(std::sync::mpsc::Sender<String>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            for line in std::str::from_utf8(bytes).unwrap().lines() {
                self.0.send(line.to_owned()).map_err(std::io::Error::other)?;
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (log, records) = backstay_proxy::access::channel(256);
    let (out, lines) = std::sync::mpsc::channel::<String>();
    std::thread::spawn(move || records.write_to(Lines(out), &ServerMetrics::default()));
    (log, LogLines(lines))
}

/// Lines of an access log.
pub(crate) struct LogLines(std::sync::mpsc::Receiver<String>);

impl LogLines {
    pub(crate) fn next(&self) -> serde_json::Value {
        serde_json::from_str(&self.0.recv_timeout(PATIENCE).unwrap()).unwrap()
    }
}

/// Sends everything to `backend` at `port`.
pub(crate) fn to(backend: &Arc<Backend>, port: u16) -> Forward {
    Forward {
        targets: WeightedTargets::new(vec![target(1, backend, port)]),
        request_timeout: None,
        backend_request_timeout: None,
    }
}

pub(crate) fn target(weight: u32, backend: &Arc<Backend>, port: u16) -> WeightedTarget {
    WeightedTarget {
        weight,
        target: Target::Backend { backend: Arc::clone(backend), port: NonZeroU16::new(port) },
        filters: Edits::default(),
    }
}

pub(crate) fn text(status: u16, body: &'static str) -> Action {
    Action::Respond(Box::new(Respond::text(StatusCode::from_u16(status).unwrap(), body)))
}

/// A routing table to describe and build.
#[derive(Default)]
pub(crate) struct Routes {
    builder: TableBuilder,
    count: u32,
    pub(crate) client_address: Option<Arc<ClientAddress>>,
    /// What the calls of the next rule's composition pass.
    pub(crate) passages: Box<[Option<Arc<Passage>>]>,
}

impl Routes {
    /// Everything goes to `forward`.
    pub(crate) fn all(forward: Forward) -> Table {
        Self::default().rule("", Matcher::prefix("/"), Filters::default(), Action::Forward(forward)).build()
    }

    /// Everything goes to a plain HTTP/1.1 upstream.
    pub(crate) fn to(upstream: SocketAddr) -> Table {
        Self::all(to(&BackendOf::http1(&[upstream]).build(), upstream.port()))
    }

    /// Later rules yield to earlier ones.
    pub(crate) fn rule(mut self, host: &str, matcher: Matcher, filters: Filters, action: Action) -> Self {
        self.count += 1;
        self.builder.candidate(Candidate {
            listener: HostPattern::Any,
            host: HostPattern::parse(host).unwrap(),
            order: Order { precedence: Reverse(0), route: "route/test".into(), rule: self.count, position: 0 },
            matcher,
            rule: Arc::new(Rule {
                route: "route/test".into(),
                name: "".into(),
                guards: None,
                token: None,
                client_address: self.client_address.clone(),
                filters: filters.into(),
                calls: action.calls().map(|_| Arc::default()).collect(),
                passages: std::mem::take(&mut self.passages),
                action,
            }),
        });
        self
    }

    /// With manners towards what no rule matches.
    pub(crate) fn unmatched(mut self, unmatched: Unmatched) -> Table {
        self.builder.unmatched(backstay_model::route::Unmatched {
            listener: HostPattern::Any,
            host: HostPattern::Any,
            route: "route/test".into(),
            value: Arc::new(unmatched),
        });
        self.build()
    }

    pub(crate) fn build(self) -> Table {
        self.builder.build()
    }
}

pub(crate) fn socket(address: SocketAddr, table: Table) -> Arc<Socket> {
    Arc::new(Socket { address, listeners: vec!["listener/test".into()], tls: None, limits: None, table })
}

pub(crate) fn config(sockets: Vec<Arc<Socket>>) -> Arc<Config> {
    Arc::new(Config { sockets, ..Config::default() })
}

/// A running proxy with one listening socket.
pub(crate) struct Proxy {
    pub(crate) workers: Workers,
    pub(crate) address: SocketAddr,
}

impl Proxy {
    pub(crate) async fn start(table: Table) -> Self {
        Self::with(Options::default(), socket(ANY_PORT, table)).await
    }

    pub(crate) async fn limited(limits: Limits, table: Table) -> Self {
        Self::with(Options { limits, ..Options::default() }, socket(ANY_PORT, table)).await
    }

    pub(crate) async fn with(options: Options, socket: Arc<Socket>) -> Self {
        let mut workers = Workers::start(options).unwrap();
        let asked = socket.address;
        let failed = workers.apply(config(vec![socket])).await;
        assert!(failed.is_empty(), "{failed:?}");
        let address = workers.bound(asked).unwrap();
        Self { workers, address }
    }
}
