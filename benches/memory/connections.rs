//! Memory per idle connection of a client, each after one request.

use std::time::Duration;

use crate::client::{Client, Connection, Kind};
use crate::{Bench, PROXIES, Proxy, QUIET, Start};

pub fn run(bench: &Bench) {
    let _upstream = bench.upstream();
    let [small, large] = bench.counts;
    println!(
        "| idle connections | proxy | KiB each, of {small} | KiB each, of {large} | MiB before | MiB with {large} |"
    );
    println!("|---|---|---|---|---|---|");
    for (kind, name) in [(Kind::Http1, "HTTP/1.1"), (Kind::Http2, "HTTP/2"), (Kind::Tls, "HTTP/1.1 over TLS")] {
        for start in PROXIES {
            measure(bench, start, kind, name);
        }
    }
    println!();
}

fn measure(bench: &Bench, start: Start, kind: Kind, name: &str) {
    let Some(proxy) = start(bench, 1) else { return };
    let client = Client::new(&bench.authority);
    // What the first requests bring into being belongs to no connection.
    drop(open(bench, &client, &proxy, kind, 10));
    bench.rest(QUIET);
    let before = proxy.memory();
    let mut connections = Vec::new();
    let figures = bench.counts.map(|count| {
        connections.extend(open(bench, &client, &proxy, kind, count - connections.len()));
        bench.rest(QUIET);
        let memory = proxy.memory();
        let closed = connections.iter().filter(|connection| connection.is_closed()).count();
        assert_eq!(closed, 0, "{} has closed connections", proxy.name);
        (memory, (memory - before) / connections.len() as f64)
    });
    let [(_, small), (total, large)] = figures;
    println!("| {name} | {} | {small:.1} | {large:.1} | {:.0} | {:.0} |", proxy.name, before / 1024.0, total / 1024.0);
    drop(connections);
    bench.rest(Duration::from_millis(100));
}

fn open(bench: &Bench, client: &Client, proxy: &Proxy, kind: Kind, count: usize) -> Vec<Connection> {
    let address = match kind {
        Kind::Http1 => proxy.plain,
        Kind::Http2 => proxy.http2,
        Kind::Tls => proxy.tls,
    };
    bench.runtime.block_on(async {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let mut connection = client.connect(kind, address).await;
            assert_eq!(connection.get("/").await, 128);
            connections.push(connection);
        }
        connections
    })
}
