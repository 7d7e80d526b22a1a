//! Discovery at scale: many streams that all hold everything, beside go-control-plane's snapshot cache.
//!
//! Measured is the control plane's process: its CPU time and its memory. The streams are incremental, subscribe to everything,
//! and acknowledge what they get. `GO_CONTROL_PLANE` is the peer's program, built from `tests/peers/go-control-plane`; without
//! it, the peer is left out.
//!
//! `cargo bench --bench discovery -- --backends 10000 --streams 1000 --changes 20`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../support/lib.rs"]
mod support;

mod client;
mod fleet;
mod planes;
mod wire;

use std::time::{Duration, Instant};

use self::client::Held;
use self::fleet::Fleet;
use self::planes::Plane;
use support::process::raise_open_files;
use support::{argument, median, millis, percentile};

/// As many as a server of HTTP/2 is usually asked to carry on one connection.
const STREAMS_A_CONNECTION: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (backends, changes) = (argument("--backends", 10_000), argument("--changes", 20));
    let most: usize = argument("--streams", 1_000);
    raise_open_files(4096);
    println!(
        "| control plane | Backends | streams | connections | first sync, s | CPU s | KiB a stream | change, median ms | 90 % ms | CPU us a change and stream | with what is held, s | CPU s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for streams in [1, 100, 1_000, 10_000].into_iter().filter(|streams| *streams <= most) {
        for plane in Plane::all(backends) {
            runtime.block_on(run(plane, backends, streams, changes));
        }
    }
}

async fn run(plane: Plane, backends: usize, streams: usize, changes: usize) {
    let connections = argument("--connections", streams.div_ceil(STREAMS_A_CONNECTION).max(10).min(streams));
    // One stream tells how much there is.
    let held = Held::read(&plane).await;
    settle(&plane).await;
    let (memory, cpu, began) = (plane.process.anonymous_kib(), plane.process.cpu_seconds(), Instant::now());
    let mut fleet = Fleet::open(&plane, streams, connections, None).await;
    fleet.until_all_have(held.resources).await;
    let (first, first_cpu) = (began.elapsed(), plane.process.cpu_seconds() - cpu);
    settle(&plane).await;
    let each = (plane.process.anonymous_kib() - memory) / streams as f64;

    let cpu = plane.process.cpu_seconds();
    let mut times = Vec::with_capacity(changes);
    for change in 0..changes {
        let before = fleet.responses();
        let began = Instant::now();
        plane.change(change);
        fleet.until_each_has_another(before).await;
        times.push(millis(began.elapsed()));
    }
    settle(&plane).await;
    let change_cpu = (plane.process.cpu_seconds() - cpu) * 1e6 / (changes * streams) as f64;

    drop(fleet);
    settle(&plane).await;
    let (cpu, began) = (plane.process.cpu_seconds(), Instant::now());
    let held = Held::read(&plane).await;
    let mut fleet = Fleet::open(&plane, streams, connections, Some(&held)).await;
    fleet.until_each_has_another(0).await;
    let (again, again_cpu) = (began.elapsed(), plane.process.cpu_seconds() - cpu);
    println!(
        "| {} | {backends} | {streams} | {connections} | {:.2} | {first_cpu:.2} | {each:.0} | {:.2} | {:.2} | {change_cpu:.1} | {:.2} | {again_cpu:.2} |",
        plane.name,
        first.as_secs_f64(),
        median(&times),
        percentile(&times, 90.0),
        again.as_secs_f64(),
    );
}

/// Until the process has nothing to do: its CPU time stands still.
async fn settle(plane: &Plane) {
    loop {
        let before = plane.process.cpu_seconds();
        tokio::time::sleep(Duration::from_millis(500)).await;
        if plane.process.cpu_seconds() - before < 0.02 {
            return;
        }
    }
}
