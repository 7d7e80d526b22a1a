//! Both addresses of the control plane over TLS: what is spoken, who may connect, and what happens when what they show changes.

mod credentials;
mod front_proxy;
mod handshakes;
mod hidden;
mod joining;
mod people;
mod rotation;
mod scan;
mod sealed;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::tls::Authority;
use crate::harness::{ControlPlane, PATIENCE, Proxy, backstay, manifest, port, tools};

/// The token of whoever may do everything at the API, in the files of tokens. Where there is no file it is not looked at.
const OPERATOR: &str = "operator";

/// A control plane with certificates of an authority of the test, and files in a folder.
pub(crate) struct Secured {
    pub(crate) folder: tempfile::TempDir,
    authority: Authority,
    /// Where its certificate is.
    pub(crate) ca: String,
}

impl Secured {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, authority.pem()).unwrap();
        authority.issue(&["localhost", "127.0.0.1"]).write(folder.path(), "server");
        let ca = path.to_str().unwrap().to_owned();
        Self { folder, authority, ca }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn start(&self, more: &[&str]) -> ControlPlane {
        let (cert, key) = (self.text("server.crt"), self.text("server.key"));
        let arguments = [&["--tls-cert", &cert, "--tls-key", &key], more].concat();
        ControlPlane::start_with(&arguments)
    }

    /// A proxy that trusts it, with further arguments.
    fn proxy(&self, xds: SocketAddr, more: &[&str]) -> Proxy {
        let address = format!("https://{xds}");
        Proxy::start_with(xds, &[&["--control-plane", &address, "--ca", &self.ca], more].concat())
    }

    /// Applies objects and waits until proxies serve them.
    pub(crate) async fn apply(&self, api: SocketAddr, objects: &[Value]) {
        let (ca, file, objects) = (self.ca.clone(), self.path("objects.json"), objects.to_vec());
        tokio::task::spawn_blocking(move || apply(api, &ca, &file, &objects)).await.unwrap();
    }

    /// A token file of these names, each its own token, with fleets; and of the operator.
    pub(crate) fn write_tokens(&self, tokens: &[(&str, &str)]) -> String {
        let entry = |(name, fleets): &(&str, &str)| {
            let digest = backstay_auth::Digest::of(name);
            format!("- {{name: {name}, sha256: {digest}, fleets: {fleets}}}\n")
        };
        let path = self.path("tokens.yaml");
        let entries: String = tokens.iter().map(entry).collect();
        let digest = backstay_auth::Digest::of(OPERATOR);
        let operator = format!("- {{name: {OPERATOR}, sha256: {digest}, groups: ['system:masters']}}\n");
        crate::harness::tls::replace(&path, &format!("tokens:\n{operator}{entries}"));
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        crate::harness::tls::replace(&self.path(name), text);
        self.text(name)
    }
}

/// Applies objects over TLS, and waits until proxies serve them.
fn apply(api: SocketAddr, ca: &str, file: &Path, objects: &[Value]) {
    apply_with(api, ca, file, objects, &["--wait"]);
}

/// Applies objects over TLS.
pub(crate) fn apply_without_waiting(api: SocketAddr, ca: &str, file: &Path, objects: &[Value]) {
    apply_with(api, ca, file, objects, &[]);
}

fn apply_with(api: SocketAddr, ca: &str, file: &Path, objects: &[Value], more: &[&str]) {
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    std::fs::write(file, list.to_string()).unwrap();
    let server = format!("https://{api}");
    let file = file.to_str().unwrap();
    let token = format!("{file}.token");
    std::fs::write(&token, OPERATOR).unwrap();
    let arguments = ["apply", "-f", file, "--server", &server, "--ca", ca, "--token-file", &token];
    let output = backstay([&arguments[..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A Gateway on a port of its own with a route for `any.example` to an upstream.
pub(crate) fn objects(upstream: u16) -> (u16, [Value; 3]) {
    let listen = port::free();
    let backend = manifest::backend("app", &["127.0.0.1"]);
    let route = manifest::route("app", "web", "any.example", "app", upstream);
    (listen, [backend, manifest::gateway("web", listen), route])
}

/// What curl prints, and its exit code. `None`, aloud, where there is no curl.
fn curl(arguments: &[&str]) -> Option<(String, i32)> {
    if !tools::answers("curl", &["--version"]) {
        tools::lacking("curl", "the addresses are not tried with it");
        return None;
    }
    let seconds = PATIENCE.as_secs().to_string();
    let output = Command::new("curl").args(["-sS", "--max-time", &seconds]).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some((said, output.status.code().unwrap_or(-1)))
}

/// The value of a metric of a control plane over TLS.
async fn metric(api: SocketAddr, name: &str) -> f64 {
    let session = crate::harness::tls::Session::open(api, "127.0.0.1", &["http/1.1"]).await.unwrap();
    let mut session = session.with_token(OPERATOR);
    let (_, text) = session.get("/metrics").await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}
