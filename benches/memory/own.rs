//! Backstay: a control plane, a proxy, and the manifests.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::support::manifests::{backend, gateway, many, route, rule};
use crate::support::process::{Process, backstay, control_plane, write};
use crate::{Bench, Proxy, UPSTREAM};

const PLAIN: u16 = 21601;
const TLS: u16 = 21602;

/// Starts both and applies the manifests.
pub fn start(bench: &Bench, backends: usize) -> Option<Proxy> {
    let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let (api, xds) = (local(21680), local(21681));
    let data = tempfile::tempdir_in(bench.folder.path()).expect("a folder");
    let control = control_plane(data.path(), api, xds);
    let manifests = write(bench.folder.path(), "manifests.yaml", &manifests(bench, backends));
    // With the proxy connected, so that the wait ends when it has taken in everything.
    let mut proxy = backstay();
    proxy.args(["proxy", "--threads", "1", "--admin", "127.0.0.1:21690", "--control-plane", &format!("http://{xds}")]);
    let mut proxy = Process::spawn("the proxy", proxy.env("RUST_LOG", "error"));
    let mut apply = backstay();
    apply.args(["apply", "--wait", "--timeout", "300s", "--server", &format!("http://{api}"), "-f"]).arg(manifests);
    let applied = Command::output(&mut apply).expect("backstay runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    proxy.wait_for(local(PLAIN));
    let processes = vec![control, proxy];
    Some(Proxy { name: "backstay", plain: local(PLAIN), http2: local(PLAIN), tls: local(TLS), processes })
}

fn manifests(bench: &Bench, backends: usize) -> String {
    let mut text = String::new();
    let mut listeners = format!("{{name: http, protocol: HTTP, port: {PLAIN}}}");
    if backends == 1 {
        // Each socket has a table of its own, so with many routes there is only the one that is used.
        let _ = write!(
            listeners,
            ", {{name: https, protocol: HTTPS, port: {TLS}, tls: {{certificateRefs: [{{name: web}}]}}}}"
        );
    }
    gateway(&mut text, &listeners);
    if backends == 1 {
        backend(&mut text, "b0", "{endpoints: [{ip: 127.0.0.1}]}");
        route(&mut text, "all", &[rule("/", "b0", UPSTREAM)]);
    } else {
        many(&mut text, backends, UPSTREAM);
    }
    let file = |name: &str| {
        let pem = fs::read_to_string(bench.folder.path().join(name)).expect("a file");
        pem.lines().fold(String::new(), |text, line| text + "    " + line + "\n")
    };
    let _ = write!(
        text,
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: web, namespace: default}}\ntype: kubernetes.io/tls\n\
         stringData:\n  tls.crt: |\n{}  tls.key: |\n{}",
        file("upstream.pem"),
        file("upstream.key")
    );
    text
}
