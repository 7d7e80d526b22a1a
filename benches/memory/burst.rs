//! Whether memory comes back after many large answers at once.

use std::time::Duration;

use futures::future::join_all;

use crate::client::{Client, Kind};
use crate::support::process::Process;
use crate::{Bench, PROXIES, QUIET, Start};

/// Answers at once.
const CONCURRENT: usize = 1_000;
/// How long the proxy is left alone afterwards, with the connections still open.
const AFTER: Duration = Duration::from_secs(30);

pub fn run(bench: &Bench) {
    let _upstream = bench.upstream();
    println!(
        "| {CONCURRENT} answers at once | proxy | MiB before | most MiB | MiB after 30 s | MiB, connections closed |"
    );
    println!("|---|---|---|---|---|---|");
    for (path, length, name) in [("/large.bin", 64 << 10, "64 KiB"), ("/huge.bin", 1 << 20, "1 MiB")] {
        for start in PROXIES {
            measure(bench, start, path, length, name);
        }
    }
    println!();
}

fn measure(bench: &Bench, start: Start, path: &str, length: usize, name: &str) {
    let Some(proxy) = start(bench, 1) else { return };
    let client = Client::new(&bench.authority);
    bench.runtime.block_on(async {
        assert_eq!(client.connect(Kind::Http1, proxy.plain).await.get("/").await, 128);
    });
    bench.rest(QUIET);
    let before = proxy.memory();
    let mut connections = Vec::with_capacity(CONCURRENT);
    let most = bench.runtime.block_on(async {
        for _ in 0..CONCURRENT {
            connections.push(client.connect(Kind::Http1, proxy.plain).await);
        }
        let answers = connections.iter_mut().map(|connection| async {
            assert_eq!(connection.get(path).await, length);
        });
        let mut all = std::pin::pin!(join_all(answers));
        let mut most = before;
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            tokio::select! {
                _ = &mut all => return most,
                _ = looks.tick() => most = most.max(proxy.processes.last().map_or(0.0, Process::anonymous_kib_now)),
            }
        }
    });
    bench.rest(AFTER);
    let after = proxy.memory();
    let closed = connections.iter().filter(|connection| connection.is_closed()).count();
    assert_eq!(closed, 0, "{} has closed connections", proxy.name);
    drop(connections);
    bench.rest(QUIET);
    let mib = |kib: f64| kib / 1024.0;
    println!(
        "| {name} | {} | {:.0} | {:.0} | {:.0} | {:.0} |",
        proxy.name,
        mib(before),
        mib(most),
        mib(after),
        mib(proxy.memory())
    );
}
