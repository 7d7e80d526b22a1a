//! What compositions cost, beside the engine of KrakenD CE: CPU seconds of the process per 100,000 requests, the slowest 1 %, memory.
//!
//! One proxy thread on one CPU, and the engine with `GOMAXPROCS=1` on the same; the backends (nginx) and the load (wrk) on the other.
//! Before anything is measured the bodies of both are compared. Rounds are interleaved, so that what the machine does besides falls
//! on both alike; quote the ratios. The engine is `tests/peers/krakend-engine`: Go is needed, or its binary in `KRAKEND_ENGINE`.
//!
//! `cargo bench --bench krakend -- --scenario opaque|one|merged|large|all --rounds 5 --seconds 8`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../support/lib.rs"]
mod support;

mod engine;
mod own;
mod scenario;

use std::net::SocketAddr;
use std::process::Command;

use scenario::Scenario;
use support::http::Client;
use support::process::{Process, find, pinned};
use support::{argument, median};

const PROXY_CPU: usize = 0;
const OTHER_CPU: usize = 1;
const BACKENDS: u16 = 21800;

/// A gateway under load. The last process is the one that is measured.
struct Gateway {
    name: &'static str,
    address: SocketAddr,
    processes: Vec<Process>,
}

/// What a gateway came to, a figure for each round.
#[derive(Default)]
struct Figures {
    cpu: Vec<f64>,
    slowest: Vec<f64>,
    rate: Vec<f64>,
}

fn main() {
    let (rounds, seconds) = (argument("--rounds", 5usize), argument("--seconds", 8u64));
    let wanted: String = argument("--scenario", "all".to_owned());
    for tool in ["wrk", "nginx", "taskset"] {
        assert!(find(tool).is_some(), "{tool} is needed (Debian: wrk, nginx-light, util-linux)");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let backends = scenario::backends(folder.path(), BACKENDS);
    let mut backends = Process::spawn("the backends", &mut pinned(OTHER_CPU, &backends));
    backends.wait_for(SocketAddr::from(([127, 0, 0, 1], BACKENDS)));
    let gateways = [own::start(folder.path()), engine::start(folder.path())];
    println!(
        "| scenario | gateway | CPU s per 100k requests | of the engine (range) | p99 ms | requests/s | MiB | of the engine |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for scenario in Scenario::ALL {
        if wanted == "all" || wanted == scenario.name() {
            same_bodies(scenario, &gateways);
            measure(scenario, &gateways, rounds, seconds);
        }
    }
}

/// Fails unless both gateways answer alike.
fn same_bodies(scenario: Scenario, gateways: &[Gateway; 2]) {
    let [own, engine] = gateways.each_ref().map(|gateway| {
        let answer = Client::connect(gateway.address).get(scenario.path());
        assert_eq!(answer.status, 200, "{} answers {}", gateway.name, scenario.path());
        answer.body
    });
    assert!(own == engine, "{}: the bodies differ", scenario.name());
}

fn measure(scenario: Scenario, gateways: &[Gateway; 2], rounds: usize, seconds: u64) {
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..rounds {
        for (gateway, figures) in gateways.iter().zip(&mut figures) {
            load(gateway, scenario, seconds, figures);
        }
    }
    let memory = gateways.each_ref().map(|gateway| gateway.processes.last().map_or(0.0, Process::resident_mib));
    let ratios: Vec<f64> = figures[0].cpu.iter().zip(&figures[1].cpu).map(|(own, engine)| own / engine).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
    let of_engine = [
        (format!("{:.3} ({low:.3} to {high:.3})", median(&ratios)), format!("{:.2}", memory[0] / memory[1])),
        ("1".to_owned(), "1".to_owned()),
    ];
    for index in 0..gateways.len() {
        let (figures, (cpu, share)) = (&figures[index], &of_engine[index]);
        println!(
            "| {} | {} | {:.2} | {cpu} | {:.2} | {:.0} | {:.0} | {share} |",
            scenario.name(),
            gateways[index].name,
            median(&figures.cpu),
            median(&figures.slowest),
            median(&figures.rate),
            memory[index],
        );
    }
}

/// Loads a gateway, and notes what that took.
fn load(gateway: &Gateway, scenario: Scenario, seconds: u64, figures: &mut Figures) {
    let process = gateway.processes.last().expect("a process");
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c64", "--latency", "--timeout", "10s", &format!("-d{seconds}s")]);
    command.arg(format!("http://{}{}", gateway.address, scenario.path()));
    let before = process.cpu_seconds();
    let output = pinned(OTHER_CPU, &command).output().expect("wrk runs");
    let used = process.cpu_seconds() - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "the load saw errors:\n{text}");
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).map(str::trim);
    let line = text.lines().find(|line| line.contains("requests in")).unwrap_or_else(|| panic!("no result:\n{text}"));
    let requests: f64 = line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a count");
    figures.cpu.push(used / requests * 100_000.0);
    figures.rate.push(after("Requests/sec:").and_then(|rate| rate.parse().ok()).expect("a rate"));
    figures.slowest.push(after("99%").and_then(milliseconds).expect("a percentile"));
}

/// What wrk writes as `1.25ms`, `850.00us` or `1.02s`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let (number, factor) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number.parse::<f64>().ok()? * factor)
}
