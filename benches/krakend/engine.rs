//! The engine of KrakenD CE.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scenario::configuration;
use crate::support::process::{Process, pinned, write};
use crate::{Gateway, PROXY_CPU};

const PORT: u16 = 21811;

/// Starts it with the configuration.
pub fn start(folder: &Path) -> Gateway {
    let binary = std::env::var_os("KRAKEND_ENGINE").map_or_else(|| build(folder), PathBuf::from);
    let mut command = Command::new(binary);
    command.arg("serve").arg(write(folder, "engine.json", &configuration(PORT)));
    let address = SocketAddr::from(([127, 0, 0, 1], PORT));
    let mut process = Process::spawn("the engine", pinned(PROXY_CPU, &command).env("GOMAXPROCS", "1"));
    process.wait_for(address);
    Gateway { name: "engine of KrakenD", address, processes: vec![process] }
}

fn build(folder: &Path) -> PathBuf {
    let binary = folder.join("krakend-engine");
    let mut go = Command::new("go");
    go.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/krakend-engine"));
    let built = go.args(["build", "-o"]).arg(&binary).arg(".").status();
    assert!(built.is_ok_and(|status| status.success()), "Go is needed, or the binary of the engine in KRAKEND_ENGINE");
    binary
}
