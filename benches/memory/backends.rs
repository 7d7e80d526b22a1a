//! Memory per backend, each with a route of its own: configured, after one request to each, and once its connection is gone.

use crate::client::{Client, Kind};
use crate::{Bench, PROXIES, QUIET, Start};

pub fn run(bench: &Bench) {
    println!(
        "| backends | proxy | KiB each, configured | KiB each, after a request | KiB each, connection closed | MiB in all |"
    );
    println!("|---|---|---|---|---|---|");
    for start in PROXIES {
        let Some(empty) = configured(bench, start) else { continue };
        for count in bench.counts {
            measure(bench, start, count, empty);
        }
    }
    println!();
}

/// Memory with one backend, in KiB.
fn configured(bench: &Bench, start: Start) -> Option<f64> {
    let _upstream = bench.upstream();
    let proxy = start(bench, 1)?;
    let client = Client::new(&bench.authority);
    bench.runtime.block_on(async {
        assert_eq!(client.connect(Kind::Http1, proxy.plain).await.get("/").await, 128);
    });
    bench.rest(QUIET);
    Some(proxy.memory())
}

fn measure(bench: &Bench, start: Start, count: usize, empty: f64) {
    let upstream = bench.upstream();
    // Who has no way to do this has said so with one.
    let Some(proxy) = start(bench, count) else { return };
    bench.rest(QUIET);
    let configured = proxy.memory();
    let client = Client::new(&bench.authority);
    bench.runtime.block_on(async {
        let mut connection = client.connect(Kind::Http1, proxy.plain).await;
        for number in 0..count {
            assert_eq!(connection.get(&format!("/r{number}/")).await, 128);
        }
    });
    bench.rest(QUIET);
    let used = proxy.memory();
    drop(upstream);
    bench.rest(QUIET);
    let closed = proxy.memory();
    let each = |memory: f64| (memory - empty) / count as f64;
    println!(
        "| {count} | {} | {:.1} | {:.1} | {:.1} | {:.0} |",
        proxy.name,
        each(configured),
        each(used),
        each(closed),
        used / 1024.0
    );
}
