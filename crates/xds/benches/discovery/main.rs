//! The discovery server alone at scale: many streams that all hold everything, beside go-control-plane's snapshot cache. What a control
//! plane does besides is in the benchmark of the same name at the root.
//!
//! Measured is the server's process: its CPU time and its memory. `GO_CONTROL_PLANE` is the peer's program, built from
//! `tests/peers/go-control-plane`; without it, the peer is left out.
//!
//! `cargo bench -p backstay-xds --bench discovery -- --resources 10000 --streams 1000 --changes 20`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../../../../benches/discovery/client.rs"]
mod client;
#[path = "../../../../benches/discovery/fleet.rs"]
mod fleet;
mod planes;
mod serve;
#[path = "../../../../benches/discovery/wire.rs"]
mod wire;

use std::time::{Duration, Instant};

use self::client::Held;
use self::fleet::Fleet;
use self::planes::Plane;

/// The value of `--NAME VALUE` on the command line.
fn argument<T: std::str::FromStr>(name: &str, default: T) -> T {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name);
    at.and_then(|at| arguments.get(at + 1)).and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let resources = argument("--resources", 10_000);
    if std::env::args().any(|argument| argument == serve::MODE) {
        return runtime.block_on(serve::serve(
            resources,
            argument("-xds", planes::OWN.1),
            argument("-control", planes::OWN.0),
        ));
    }
    let (streams, changes) = (argument("--streams", 1_000), argument("--changes", 20));
    println!(
        "| server | resources | streams | connections | first sync, s | CPU s | KiB a stream | change, median ms | 90 % ms | CPU us a change and stream | with what is held, s | CPU s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for plane in Plane::all(resources) {
        runtime.block_on(run(plane, resources, streams, changes));
    }
}

#[allow(clippy::cast_precision_loss)]
async fn run(plane: Plane, resources: usize, streams: usize, changes: usize) {
    let connections = argument("--connections", streams.div_ceil(100).max(10).min(streams));
    let held = Held::read(&plane).await;
    plane.settle().await;
    let (memory, cpu, began) = (plane.anonymous_kib(), plane.cpu_seconds(), Instant::now());
    let mut fleet = Fleet::open(&plane, streams, connections, None).await;
    fleet.until_all_have(held.resources).await;
    let (first, first_cpu) = (began.elapsed(), plane.cpu_seconds() - cpu);
    plane.settle().await;
    let each = (plane.anonymous_kib() - memory) / streams as f64;
    let cpu = plane.cpu_seconds();
    let mut times: Vec<f64> = Vec::with_capacity(changes);
    for _ in 0..changes {
        let before = fleet.responses();
        let began = Instant::now();
        plane.change();
        fleet.until_each_has_another(before).await;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    plane.settle().await;
    let change_cpu = (plane.cpu_seconds() - cpu) * 1e6 / (changes * streams) as f64;
    drop(fleet);
    plane.settle().await;
    let held = Held::read(&plane).await;
    let (cpu, began) = (plane.cpu_seconds(), Instant::now());
    let mut fleet = Fleet::open(&plane, streams, connections, Some(&held)).await;
    fleet.until_each_has_another(0).await;
    let (again, again_cpu) = (began.elapsed(), plane.cpu_seconds() - cpu);
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get((times.len() - 1) * part / 100).copied().unwrap_or_default();
    println!(
        "| {} | {resources} | {streams} | {connections} | {:.2} | {first_cpu:.2} | {each:.0} | {:.2} | {:.2} | {change_cpu:.1} | {:.2} | {again_cpu:.2} |",
        plane.name,
        first.as_secs_f64(),
        at(50),
        at(90),
        again.as_secs_f64(),
    );
}

/// How long a process is watched for having nothing to do.
const REST: Duration = Duration::from_millis(500);
