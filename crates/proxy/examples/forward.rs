//! The data plane alone: `forward LISTEN UPSTREAM [THREADS]` sends everything that arrives at one address to another. For
//! measuring and profiling the request path without a control plane.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_model::{BackendSpec, HostPattern};
use backstay_proxy::config::{Action, Config, Filters, Forward, Rule, Socket, Target, WeightedTarget, WeightedTargets};
use backstay_proxy::route::{Candidate, Matcher, Order, Table};
use backstay_proxy::server::{Options, Workers};
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

    let mut workers = Workers::start(Options { threads, ..Options::default() })?;
    let failed = workers.apply(Arc::new(everything(listen, upstream))).await;
    if let Some(failed) = failed.into_iter().next() {
        return Err(failed.into());
    }
    tokio::signal::ctrl_c().await?;
    workers.drain(std::time::Duration::from_secs(5)).await;
    Ok(())
}

/// One socket, one rule, one backend, one endpoint.
fn everything(listen: SocketAddr, upstream: SocketAddr) -> Config {
    let backend = Backend::new(BackendParts {
        name: "backend/only".into(),
        spec: BackendSpec::default(),
        discovery: Discovery::addresses(vec![Endpoint::ip(upstream.ip())]),
        tls: None,
        metrics: Arc::default(),
        breakers: backstay_balancer::Breakers::new(&backstay_balancer::Limits::default()),
    });
    let target = Target::Backend { backend: Arc::clone(&backend), port: NonZeroU16::new(upstream.port()) };
    let forward = Forward {
        targets: WeightedTargets::new(vec![WeightedTarget { weight: 1, target, filters: Filters::default() }]),
        request_timeout: None,
        backend_request_timeout: None,
    };
    let rule = Rule {
        route: "route/only".into(),
        name: "".into(),
        filters: Filters::default(),
        action: Action::Forward(forward),
    };
    let mut table = Table::builder();
    table.candidate(Candidate {
        listener: HostPattern::Any,
        host: HostPattern::Any,
        order: Order { precedence: std::cmp::Reverse(0), route: "route/only".into(), rule: 0, position: 0 },
        matcher: Matcher::prefix("/"),
        rule: Arc::new(rule),
    });
    let socket = Socket { address: listen, listeners: vec!["listener/only".into()], tls: None, table: table.build() };
    Config { sockets: vec![Arc::new(socket)], backends: [(Arc::clone(&backend.name), backend)].into() }
}
