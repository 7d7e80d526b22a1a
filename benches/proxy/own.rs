//! Backstay under load: a control plane, a proxy, and the manifests of a scenario.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::scenario::{MANY, Scenario};
use crate::support::manifests::{backend, gateway, many, route, rule};
use crate::support::process::{Process, backstay, pinned, write};
use crate::{PROXY_CPU, Peer, TLS_UPSTREAM, UPSTREAM, dns};

const LISTENER: u16 = 21001;

/// Starts both and applies the manifests.
pub fn start(scenario: Scenario, folder: &Path, certificate: &Path) -> Peer {
    let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let (api, xds, listener) = (local(21080), local(21081), local(LISTENER));
    let mut control = backstay();
    control.args(["control-plane", "--api", &api.to_string(), "--xds", &xds.to_string(), "--data-dir"]);
    control.arg(folder.join(format!("store-{}", scenario.name())));
    let mut control = Process::spawn("the control plane", &mut control);
    control.wait_for(api);
    let mut proxy = backstay();
    proxy.args(["proxy", "--threads", "1", "--admin", "127.0.0.1:21901", "--control-plane", &format!("http://{xds}")]);
    proxy.args(["--dns-server", &format!("127.0.0.1:{}", dns::PORT)]);
    let mut proxy = Process::spawn("the proxy", &mut pinned(PROXY_CPU, &proxy));

    let manifests = write(folder, "manifests.yaml", &manifests(scenario, certificate));
    let server = format!("http://{api}");
    let mut apply = backstay();
    apply.args(["apply", "--wait", "--timeout", "120s", "--server", &server, "-f"]).arg(manifests);
    let applied = Command::output(&mut apply).expect("backstay runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    proxy.wait_for(listener);
    Peer { name: "backstay", address: listener, processes: vec![control, proxy] }
}

fn manifests(scenario: Scenario, certificate: &Path) -> String {
    let mut text = String::new();
    gateway(&mut text, &format!("{{name: http, protocol: HTTP, port: {LISTENER}}}"));
    match scenario {
        Scenario::Plain => {
            backend(&mut text, "b0", "{endpoints: [{ip: 127.0.0.1}]}");
            route(&mut text, "all", &[rule("/", "b0", UPSTREAM)]);
        }
        Scenario::Routes => many(&mut text, MANY, UPSTREAM),
        Scenario::Tls => {
            backend(&mut text, "b0", "{protocol: tls, endpoints: [{ip: 127.0.0.1}]}");
            route(&mut text, "all", &[rule("/", "b0", TLS_UPSTREAM)]);
            let pem = fs::read_to_string(certificate).expect("the authority");
            let pem: String = pem.lines().map(|line| format!("    {line}\n")).collect();
            let _ = write!(
                text,
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: authority, namespace: default}}\nstringData:\n  ca.crt: |\n{pem}\
                 ---\napiVersion: backstay.dev/v1alpha1\nkind: BackendPolicy\nmetadata: {{name: b0}}\n\
                 spec: {{targetRefs: [{{name: b0}}], tls: {{sni: upstream.test, caCertificateRef: {{name: authority}}}}}}\n"
            );
        }
        Scenario::Dynamic => {
            backend(&mut text, "b0", "{dynamicProxy: {dnsCacheConfig: {maxHosts: 4096, dnsLookupFamily: v4_only}}}");
            route(&mut text, "all", &[rule("/", "b0", UPSTREAM)]);
            text.push_str(
                "---\napiVersion: backstay.dev/v1alpha1\nkind: BackendPolicy\nmetadata: {name: b0}\n\
                 spec: {targetRefs: [{name: b0}], dynamicProxy: {addresses: {allow: [127.0.0.0/8]}}}\n",
            );
        }
    }
    text
}
