//! Memory of the proxy beside Envoy's, HAProxy's and nginx's: per idle connection of a client, per backend, and after a burst.
//!
//! Each proxy has one worker and is started anew for each row. What is counted is anonymous memory (`Pss_Anon` of
//! `/proc/PID/smaps_rollup`), so code and what is shared with other processes do not count. Peers that are not installed
//! are left out.
//!
//! `cargo bench --bench memory -- --scenario connections|backends|burst|all --small 1000 --large 10000`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../support/lib.rs"]
mod support;

mod backends;
mod burst;
mod client;
mod connections;
mod own;
mod peers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use support::process::{Process, raise_open_files};
use support::{argument, upstream};

/// Ports of the upstream without TLS, and with.
const UPSTREAM: u16 = 21600;
const TLS_UPSTREAM: u16 = 21643;

/// How long a proxy is left alone before it is measured.
const QUIET: Duration = Duration::from_secs(5);

/// What the programs share.
struct Bench {
    folder: tempfile::TempDir,
    authority: PathBuf,
    runtime: tokio::runtime::Runtime,
    /// How many connections or backends there are, the smaller number first.
    counts: [usize; 2],
}

/// A running proxy. The last process is the proxy itself.
struct Proxy {
    name: &'static str,
    plain: SocketAddr,
    /// HTTP/2 without TLS.
    http2: SocketAddr,
    tls: SocketAddr,
    processes: Vec<Process>,
}

impl Proxy {
    /// In KiB.
    fn memory(&self) -> f64 {
        self.processes.last().map_or(0.0, Process::anonymous_kib)
    }
}

/// Starts a proxy with this many backends: `/rN` leads to backend `N`, and everything if there is but one. `None` if it is not
/// installed.
type Start = fn(&Bench, usize) -> Option<Proxy>;

/// A scenario and its name.
type Scenario = (&'static str, fn(&Bench));

const SCENARIOS: [Scenario; 3] =
    [("connections", connections::run), ("backends", backends::run), ("burst", burst::run)];

const PROXIES: [Start; 4] = [own::start, peers::envoy, peers::haproxy, peers::nginx];

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench {
        authority: upstream::certificate(folder.path()),
        folder,
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
        counts: [argument("--small", 1_000), argument("--large", 10_000)],
    };
    raise_open_files(bench.counts[1] + 1_000);
    let wanted: String = argument("--scenario", "all".to_owned());
    for (name, run) in SCENARIOS {
        if wanted == "all" || wanted == name {
            run(&bench);
        }
    }
}

impl Bench {
    /// Starts the upstream, which lives as long as the result.
    fn upstream(&self) -> Process {
        let mut command = upstream::command(self.folder.path(), UPSTREAM, TLS_UPSTREAM);
        let mut process = Process::spawn("the upstream", &mut command);
        process.wait_for(SocketAddr::from(([127, 0, 0, 1], UPSTREAM)));
        process
    }

    fn rest(&self, time: Duration) {
        // The clients go on: they answer what is asked of an idle connection.
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}
