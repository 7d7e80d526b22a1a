//! The data plane alone: `forward LISTEN UPSTREAM [THREADS] [MODE]` sends everything that arrives at one address to another. For measuring and
//! profiling the request path without a control plane. The mode is one of `plain`, `timed`, `traced`, `sampled`, `measured`, `logged`,
//! `matches`, `conditions`, `cors`, `limits`, `opaque`, `decoded` and `merged`.
//!
//! With `timed`, the backend has the timeouts that Fastly gives one. With `traced`, each request is asked whether it is sampled, and none is;
//! with `sampled`, all are, and nobody is told. With `measured`, what a collector would be told of how long requests took is counted. With
//! `logged`, each has a line in JSON, which goes to `/dev/null`. With `matches`, 50 rules for a prefix each come before the one that
//! serves; with `conditions`, one rule is a sequence with 50 conditions for the same prefixes, as regular expressions. With `cors` and
//! `limits`, requests pass a guard first that lets them pass.
//! With the last three, the rule is a composition: of one answer as it is, of one that is decoded, and of three that are merged, with a
//! group, a target, a list of what is kept and new names.

use std::fs::File;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use backstay_expression::{DestinationIndex, Part, Regex, Text, Truth, Variable};
use backstay_limiter::Registry;
use backstay_model::sequence::{Destination, DestinationKind, Member, Operation, Resolver, Sequence, Step};
use backstay_model::{BackendSpec, Faults, HostPattern, Route, Timeouts};
use backstay_proto::config;
use backstay_proto::config::composed_output::Encoding;
use backstay_proto::config::request_rate_limit::Client;
use backstay_proto::config::{admission, pattern_segment, rule};
use backstay_proxy::access;
use backstay_proxy::config::{
    Action, Config, Edits, Forward, Guards, Rule, Socket, Target, WeightedTarget, WeightedTargets,
};
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::route::{Candidate, Matcher, Order, Table};
use backstay_proxy::server::{Options, Traces, Workers};
use backstay_upstream::{Backend, BackendParts, Discovery, Endpoint};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut address = || arguments.next().ok_or("usage: forward LISTEN UPSTREAM [THREADS]");
    let listen: SocketAddr = address()?.parse()?;
    let upstream: SocketAddr = address()?.parse()?;
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;

    let mode = arguments.next().unwrap_or_else(|| "plain".to_owned());
    let tracing = match &*mode {
        "traced" => Traces::sampling(0.0)?,
        "sampled" => Traces::sampling(1.0)?,
        _ => Traces::default(),
    };
    let metrics = Arc::<ServerMetrics>::default();
    if mode == "measured" {
        metrics.request_times.turn_on(None);
    }
    let access_log = if mode == "logged" { Some(logged(&metrics)?) } else { None };
    let mut workers = Workers::start(Options { threads, tracing, metrics, access_log, ..Options::default() })?;
    let failed = workers.apply(Arc::new(everything(listen, upstream, &mode)?)).await;
    if let Some(failed) = failed.into_iter().next() {
        return Err(failed.into());
    }
    tokio::signal::ctrl_c().await?;
    workers.drain(Duration::from_secs(5)).await;
    Ok(())
}

/// A log whose lines nobody reads.
fn logged(metrics: &Arc<ServerMetrics>) -> std::io::Result<access::Log> {
    let (log, records) = access::channel(1 << 14);
    let (file, metrics) = (File::create("/dev/null")?, Arc::clone(metrics));
    std::thread::Builder::new().name("access-log".to_owned()).spawn(move || records.write_to(file, &metrics))?;
    Ok(log)
}

/// How many prefixes are looked for.
const PREFIXES: usize = 50;

/// One socket, one backend, one endpoint, and rules as `mode` says.
fn everything(listen: SocketAddr, upstream: SocketAddr, mode: &str) -> Result<Config, Faults> {
    let backend = Backend::new(BackendParts {
        name: "backend/only".into(),
        spec: Arc::new(BackendSpec { timeouts: timeouts(mode), ..BackendSpec::default() }),
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
    let action = match mode {
        "conditions" => conditions(&backend, upstream.port()),
        "opaque" | "decoded" | "merged" => composition(&backend, upstream, mode)?,
        _ => Action::Forward(forward),
    };
    let rule = Rule {
        route: "route/only".into(),
        name: "".into(),
        guards: guards(mode)?,
        token: None,
        client_address: None,
        filters: Edits::default(),
        calls: action.calls().map(|_| Arc::default()).collect(),
        action,
        passages: Box::default(),
    };
    let rule = Arc::new(rule);
    let mut table = Table::builder();
    let prefixes = (0..if mode == "matches" { PREFIXES } else { 0 }).map(|index| format!("/section-{index}/"));
    for (index, prefix) in (0..).zip(prefixes.chain(["/".to_owned()])) {
        let precedence = std::cmp::Reverse(prefix.len() as u64);
        table.candidate(Candidate {
            listener: HostPattern::Any,
            host: HostPattern::Any,
            order: Order { precedence, route: "route/only".into(), rule: index, position: 0 },
            matcher: Matcher::prefix(&prefix),
            rule: Arc::clone(&rule),
        });
    }
    let socket = Socket {
        address: listen,
        listeners: vec!["listener/only".into()],
        tls: None,
        limits: None,
        table: table.build(),
    };
    Ok(Config { sockets: vec![Arc::new(socket)], backends: [(Arc::clone(&backend.name), backend)].into() })
}

/// How long the endpoint may take, by `mode`.
fn timeouts(mode: &str) -> Timeouts {
    let timed = mode == "timed";
    let when = |time| timed.then(|| Duration::from_secs(time));
    Timeouts { first_byte: when(15), between_bytes: when(10), ..Timeouts::default() }
}

/// What requests have to pass, by `mode`: all of them do.
fn guards(mode: &str) -> Result<Option<Arc<Guards>>, Faults> {
    let limit = |key: &str, client| config::RequestRateLimit {
        limit: Some(config::RateLimit { key: key.to_owned(), rate: 1e9, every: None, capacity: u64::MAX >> 8 }),
        client: Some(client),
        ..config::RequestRateLimit::default()
    };
    let guards = match mode {
        "cors" => config::Guards {
            cors: Some(config::Cors {
                origins: vec!["https://*.example".to_owned()],
                credentials: true,
                exposed_headers: vec!["Content-Length".to_owned()],
                ..config::Cors::default()
            }),
            ..config::Guards::default()
        },
        "limits" => config::Guards {
            rate_limits: vec![limit("each", Client::Address(true)), limit("all", Client::Everyone(true))],
            ..config::Guards::default()
        },
        _ => return Ok(None),
    };
    let route = Route::try_from(&config::Route { guards: Some(guards), ..config::Route::default() })?;
    let limiters = Registry::new(1 << 18, Arc::default());
    Ok(route.guards.map(|guards| Guards::join(&guards, &limiters)))
}

/// A composition of answers of the backend, as a gateway's configuration would have it.
fn composition(backend: &Arc<Backend>, upstream: SocketAddr, mode: &str) -> Result<Action, Faults> {
    let listed = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Some(config::Admission { kind: Some(admission::Kind::Listed(admission::Names { names })) })
    };
    let everything = || Some(config::Admission { kind: Some(admission::Kind::All(true)) });
    let call = |name: &str, path: &str| config::Call {
        name: name.to_owned(),
        targets: vec![config::CallTarget {
            backend: Some(config::BackendRef { backend: "backend/only".to_owned(), port: upstream.port().into() }),
            weight: 1,
            authority: upstream.to_string(),
            base_path: String::new(),
        }],
        method: "GET".to_owned(),
        pattern: vec![config::PatternSegment { kind: Some(pattern_segment::Kind::Literal(path.to_owned())) }],
        headers: everything(),
        query: everything(),
        redirects: 10,
        ..config::Call::default()
    };
    let calls = match mode {
        "opaque" => vec![config::Call { decoder: config::call::Decoder::Opaque.into(), ..call("only", "/") }],
        "decoded" => vec![call("only", "/")],
        _ => {
            let path = |name: &str| config::NamePath { names: vec![name.to_owned()] };
            let allow = config::NameTree { paths: vec![path("id"), path("title")] };
            let mapping = [("id".to_owned(), "number".to_owned())].into();
            vec![
                config::Call { group: "first".to_owned(), ..call("first", "/") },
                config::Call { target: vec!["data".to_owned()], ..call("second", "/") },
                config::Call { allow: Some(allow), mapping, ..call("third", "/") },
            ]
        }
    };
    let output = config::ComposedOutput {
        encoding: if mode == "opaque" { Encoding::Opaque.into() } else { Encoding::Json.into() },
        headers: vec![config::ResponseField { name: "X-Made-By".to_owned(), value: "Version 1".to_owned() }],
        completed_header: "X-Completed".to_owned(),
        ..config::ComposedOutput::default()
    };
    let message = config::Compose {
        calls,
        timeout: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        headers: listed(&["content-type"]),
        query: listed(&[]),
        product: "Version 1".to_owned(),
        output: Some(output),
        ..config::Compose::default()
    };
    let rule = config::Rule {
        matches: vec![config::Match::default()],
        action: Some(rule::Action::Compose(message)),
        ..config::Rule::default()
    };
    let route = Route::try_from(&config::Route { rules: vec![rule], ..config::Route::default() })?;
    let found = Resolver {
        backend: &|_: &str, _: Option<NonZeroU16>| Some(Arc::clone(backend)),
        table: &|_: &str| None,
        address_set: &|_: &str| None,
    };
    Ok(route.rules[0].action.join(&found))
}

/// A sequence that selects the backend, and would select it again for each prefix.
fn conditions(backend: &Arc<Backend>, port: u16) -> Action {
    let prefix = |index| {
        let variable = Text::Variable(Variable::Part(Part::Target));
        Regex::new(&format!("^/section-{index}/")).ok().map(|regex| Truth::Matches(variable, regex))
    };
    let select = || [Operation::Select(DestinationIndex(0))].into();
    let steps = (0..PREFIXES).map(|index| Step { when: prefix(index), operations: select() });
    let member = Member {
        backend: Some(Arc::clone(backend)),
        resource: Arc::clone(&backend.name),
        port: NonZeroU16::new(port),
        weight: 1,
        name: Arc::clone(&backend.name),
    };
    Action::Sequence(Box::new(Sequence {
        steps: std::iter::once(Step { when: None, operations: select() }).chain(steps).collect(),
        destinations: [Destination { name: "only".into(), kind: DestinationKind::Backend(member) }].into(),
        tables: [].into(),
        address_sets: [].into(),
        replies: Arc::default(),
        backend_header: None,
        request_timeout: None,
    }))
}
