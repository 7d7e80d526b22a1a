//! A gRPC client that balances by itself goes where the control plane says.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::harness::rest::{BACKENDS, GATEWAYS, endpoints};
use crate::harness::{ControlPlane, backstay, manifest, port, tools};

/// The client, with the servers that it may find.
pub(super) struct Peer {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _scratch: tempfile::TempDir,
}

impl Peer {
    fn start(control_plane: &ControlPlane, port: u16) -> Option<Self> {
        Self::start_with(control_plane, port, &[])
    }

    /// The same with more options of the bootstrap.
    pub(super) fn start_with(control_plane: &ControlPlane, port: u16, more: &[&str]) -> Option<Self> {
        let python = tools::python_with_grpc()?;
        let scratch = tempfile::tempdir().unwrap();
        let xds = control_plane.xds().to_string();
        let printed = backstay([&["bootstrap", "grpc", "--xds", &xds, "--node", "client"], more].concat());
        let file = scratch.path().join("grpc.json");
        std::fs::write(&file, printed.stdout).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/envoy/peer.py");
        let mut command = Command::new(python);
        command.arg(script).arg(port.to_string()).env("GRPC_XDS_BOOTSTRAP", file);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut peer = Self { child, input, output, _scratch: scratch };
        assert_eq!(peer.output.next().unwrap().unwrap(), "ready");
        Some(peer)
    }

    /// The answer to a call.
    pub(super) fn call(&mut self, target: &str) -> String {
        writeln!(self.input, "{target}").unwrap();
        self.output.next().unwrap().unwrap()
    }

    /// Calls until the answer is this: what a change brings, it brings in its time.
    fn until(&mut self, target: &str, expected: &str) {
        let mut last = String::new();
        for _ in 0..10_000 {
            last = self.call(target);
            if last == expected {
                return;
            }
        }
        panic!("{target} is still answered with {last:?}, not {expected:?}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_proxy_finds_hosts_and_backends_and_follows_them() {
    let mut control_plane = ControlPlane::start();
    let port = port::free();
    let Some(mut peer) = Peer::start(&control_plane, port) else { return };
    let rest = control_plane.rest();
    let mut backend = manifest::backend("app", &["127.0.0.1"]);
    backend["spec"]["protocol"] = json!("h2c");
    rest.create(&backend).await;
    rest.create(&manifest::gateway("web", 8080)).await;
    rest.create(&manifest::route("app", "web", "app.example.com", "app", port)).await;

    for target in
        ["app.example.com".to_owned(), "app.example.com:8080".to_owned(), "app".to_owned(), format!("app:{port}")]
    {
        assert_eq!(peer.call(&target), "one", "{target}");
    }
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.2"])).await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    peer.until("app.example.com", "two");

    // Calls go on while nobody tells it anything, and it listens again to who comes back.
    control_plane.process.kill();
    assert_eq!(peer.call("app.example.com"), "two");
    control_plane.restart();
    let rest = control_plane.rest();
    rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.1"])).await;
    peer.until("app.example.com", "one");

    // A name that comes after it was asked for.
    rest.create(&manifest::route("late", "web", "late.example.com", "app", port)).await;
    peer.until("late.example.com", "one");
}
