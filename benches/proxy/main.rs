//! CPU seconds per 100,000 requests of the proxy, beside HAProxy, nginx and Envoy.
//!
//! One proxy thread on one CPU; the upstream (nginx) and the load (wrk) on the other. Every proxy sets X-Forwarded-For, keeps
//! its upstream connections and writes no access log. Rounds are interleaved, so that what the machine does besides
//! falls on all alike; quote the ratios. Peers that are not installed, or cannot do what a scenario asks, are left out.
//!
//! `cargo bench --bench proxy -- --scenario plain|routes|tls|dynamic|all --rounds 5 --seconds 8`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../support/lib.rs"]
mod support;

mod dns;
mod own;
mod peers;
mod scenario;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use scenario::{Load, Scenario};
use support::process::{Process, find, pinned, write};
use support::{argument, median, upstream};

const PROXY_CPU: usize = 0;
const OTHER_CPU: usize = 1;
/// Port of the upstream without TLS, and of the one with.
const UPSTREAM: u16 = 21000;
const TLS_UPSTREAM: u16 = 21443;

/// A proxy under load. The last process is the proxy itself, the others serve it.
struct Peer {
    name: &'static str,
    address: SocketAddr,
    processes: Vec<Process>,
}

fn main() {
    let (rounds, seconds) = (argument("--rounds", 5usize), argument("--seconds", 8u64));
    let wanted: String = argument("--scenario", "all".to_owned());
    for tool in ["wrk", "nginx", "taskset"] {
        assert!(find(tool).is_some(), "{tool} is needed (Debian: wrk, nginx-light, util-linux)");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = upstream::certificate(folder.path());
    let upstream = upstream::command(folder.path(), UPSTREAM, TLS_UPSTREAM);
    let mut upstream = Process::spawn("the upstream", &mut pinned(OTHER_CPU, &upstream));
    upstream.wait_for(SocketAddr::from(([127, 0, 0, 1], UPSTREAM)));
    dns::answer_everything_with_loopback();
    println!(
        "| scenario | body | proxy | CPU s per 100k requests | of HAProxy (range) | of Envoy (range) | requests/s | MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for scenario in Scenario::ALL {
        if wanted == "all" || wanted == scenario.name() {
            measure(scenario, folder.path(), &certificate, rounds, seconds);
        }
    }
}

fn measure(scenario: Scenario, folder: &Path, certificate: &Path, rounds: usize, seconds: u64) {
    let mut peers = vec![own::start(scenario, folder, certificate)];
    peers.extend(peers::start(scenario, folder, certificate));
    for load in scenario.loads() {
        let mut figures: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut rates: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for _ in 0..rounds {
            for peer in &peers {
                let proxy = peer.processes.last().expect("a proxy");
                let before = proxy.cpu_seconds();
                let (requests, rate) = run(folder, peer.address, &load, seconds);
                figures.entry(peer.name).or_default().push((proxy.cpu_seconds() - before) / requests * 100_000.0);
                rates.entry(peer.name).or_default().push(rate);
            }
        }
        for peer in &peers {
            let values = &figures[peer.name];
            let ratios = ["haproxy", "envoy"]
                .map(|base| figures.get(base).map_or_else(|| "-".to_owned(), |base| ratio(values, base)));
            let resident = peer.processes.last().map_or(0.0, Process::resident_mib);
            println!(
                "| {} | {} | {} | {:.2} | {} | {:.0} | {resident:.0} |",
                scenario.name(),
                load.body,
                peer.name,
                median(values),
                ratios.join(" | "),
                median(&rates[peer.name]),
            );
        }
    }
}

fn ratio(values: &[f64], base: &[f64]) -> String {
    let ratios: Vec<f64> = values.iter().zip(base).map(|(value, base)| value / base).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
    format!("{:.2} ({low:.2} to {high:.2})", median(&ratios))
}

/// Requests answered, and requests a second.
fn run(folder: &Path, address: SocketAddr, load: &Load, seconds: u64) -> (f64, f64) {
    let script = write(folder, "load.lua", &load.script);
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c64", &format!("-d{seconds}s"), "-s"]).arg(script).arg(format!("http://{address}"));
    let output = pinned(OTHER_CPU, &command).output().expect("wrk runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "the load saw errors:\n{text}");
    let line = text.lines().find(|line| line.contains("requests in")).unwrap_or_else(|| panic!("no result:\n{text}"));
    let requests: f64 = line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a count");
    assert!(requests > 0.0, "nothing was answered:\n{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok()).expect("a rate");
    (requests, rate)
}
