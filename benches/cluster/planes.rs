//! Control planes without TLS, on one etcd, and what they serve.

use std::net::SocketAddr;

use crate::create::BACKENDS;
use crate::member::Member;
use crate::support::backend;
use crate::support::http::Client;
use crate::support::process::{Process, backstay};

const GATEWAY_API: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default";

/// The most rules that one HTTPRoute takes.
const RULES: usize = 16;

const CLIENTS: usize = 32;

/// A control plane.
pub struct Plane {
    pub process: Process,
    pub api: SocketAddr,
    pub xds: SocketAddr,
    pub type_url: &'static str,
    /// How many resources it serves.
    pub resources: usize,
}

impl Plane {
    /// Begins one that serves so many resources. It is not ready yet.
    pub fn begin(member: &Member, index: u16, resources: usize) -> Self {
        let [api, xds] = [0, 1].map(|step| SocketAddr::from(([127, 0, 0, 1], 21720 + 2 * index + step)));
        let mut command = backstay();
        command.args(["control-plane", "--store", &member.store()]);
        command.args(["--api", &api.to_string(), "--xds", &xds.to_string()]);
        command.args(["--limit", "max-streams=100000"]);
        // A line for each stream would be most of what is measured.
        command.env("RUST_LOG", "warn");
        let process = Process::spawn("the control plane", &mut command);
        Self { process, api, xds, type_url: "type.googleapis.com/backstay.config.v1.Resource", resources }
    }

    /// Waits until it is ready: everything was read and compiled once.
    pub fn wait(&mut self) {
        // It does not listen before.
        self.process.wait_for_long(self.api);
        assert_eq!(Client::connect(self.api).get("/readyz").status, 200);
    }

    /// A figure of its metrics.
    pub fn metric(&self, name: &str) -> f64 {
        let answer = Client::connect(self.api).get("/metrics");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("there is no {name}"))
    }
}

/// One Gateway, Backends, and routes that lead to all of them. Returns how many resources these are for proxies.
pub fn fill(api: SocketAddr, backends: usize) -> usize {
    let post = |client: &mut Client, path: &str, body: &str| {
        let answer = client.post(path, body);
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    };
    let gateway = r#"{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{"name":"web"},"spec":{"gatewayClassName":"backstay","listeners":[{"name":"http","protocol":"HTTP","port":21689}]}}"#;
    post(&mut Client::connect(api), &format!("{GATEWAY_API}/gateways"), gateway);
    let routes = backends.div_ceil(RULES);
    std::thread::scope(|scope| {
        for first in 0..CLIENTS {
            scope.spawn(move || {
                let mut client = Client::connect(api);
                for number in (first..backends).step_by(CLIENTS) {
                    post(&mut client, BACKENDS, &backend(&format!("b{number}"), "127.0.0.1"));
                }
                for index in (first..routes).step_by(CLIENTS) {
                    let rules: Vec<_> = (index * RULES..((index + 1) * RULES).min(backends)).map(rule).collect();
                    post(&mut client, &format!("{GATEWAY_API}/httproutes"), &route(index, &rules.join(",")));
                }
            });
        }
    });
    backends + routes + 1
}

fn rule(number: usize) -> String {
    format!(
        r#"{{"matches":[{{"path":{{"type":"Exact","value":"/b{number}"}}}}],"backendRefs":[{{"group":"core.apoxy.dev","kind":"Backend","name":"b{number}","port":8080}}]}}"#
    )
}

fn route(index: usize, rules: &str) -> String {
    format!(
        r#"{{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{{"name":"r{index}"}},"spec":{{"parentRefs":[{{"name":"web"}}],"rules":[{rules}]}}}}"#
    )
}
