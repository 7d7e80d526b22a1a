//! Who takes part: members of etcd, control planes, and proxies that serve.

use std::ffi::OsString;

use http::Method;
use serde_json::json;

use super::clock::Clock;
use super::wire::Wire;
use crate::harness::etcd::{Cluster, blocking};
use crate::harness::process::Process;
use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::{Client, ControlPlane, Proxy, Rest, Upstream, manifest, port, traffic};

/// The host that proxies serve.
pub const HOST: &str = "app.example";

/// All of them.
pub struct Scene {
    pub cluster: Cluster,
    pub planes: Vec<Plane>,
    pub edges: Vec<Edge>,
    _upstreams: [Upstream; 2],
}

impl Scene {
    /// Three members, three control planes, and so many proxies, each of a fleet of its own, which all serve one Backend.
    pub async fn start(proxies: usize) -> Self {
        let cluster = blocking(|| Cluster::on_disks(3));
        let mut planes = Vec::new();
        for _ in 0..3 {
            planes.push(Plane::start(&cluster).await);
        }
        let rest = Rest::new(([127, 0, 0, 1], planes[0].api).into());
        let one = Upstream::answering_on(([127, 0, 0, 1], 0).into(), "one").await;
        let two = Upstream::answering_on(([127, 0, 0, 2], one.port()).into(), "two").await;
        rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
        let mut edges = Vec::new();
        for index in 0..proxies {
            let (fleet, listen) = (format!("edge-{index}"), port::free());
            rest.create(
                &json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": fleet}}),
            )
            .await;
            let mut gateway = manifest::gateway(&fleet, listen);
            gateway["spec"]["infrastructure"] =
                json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": fleet}});
            rest.create(&gateway).await;
            rest.create(&manifest::route(&fleet, &fleet, HOST, "app", one.port())).await;
            // Each begins with another control plane.
            let order = (0..3).map(|step| format!("http://127.0.0.1:{}", planes[(index + step) % 3].xds));
            edges.push(Edge::start(&fleet, listen, &order.collect::<Vec<_>>().join(",")));
            rest.wait_for(&format!("{GATEWAYS}/{fleet}"), "Programmed").await;
        }
        Self { cluster, planes, edges, _upstreams: [one, two] }
    }

    pub fn apis(&self) -> Vec<u16> {
        self.planes.iter().map(|plane| plane.api).collect()
    }

    /// Changes what is served, by the first control plane. Returns the revision of that.
    pub async fn change(&self) -> u64 {
        let rest = Rest::new(([127, 0, 0, 1], self.planes[0].api).into());
        let changed = json!({"spec": {"endpoints": [{"ip": "127.0.0.2"}]}});
        let changed = rest.change(&format!("{BACKENDS}/app"), &changed).await;
        changed["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until each proxy serves what was changed.
    pub async fn all_serve_it(&self) {
        for edge in &self.edges {
            edge.answers(|answer| answer == "two").await;
        }
    }

    /// Waits until the status says that all do.
    pub async fn status_says_so(&self) {
        Rest::new(([127, 0, 0, 1], self.planes[0].api).into()).wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    }
}

/// A control plane, its ways to the members of etcd, and its wall clock where that can be set.
pub struct Plane {
    pub process: Process,
    pub clock: Option<Clock>,
    pub api: u16,
    wires: Vec<Wire>,
    xds: u16,
}

impl Plane {
    async fn start(cluster: &Cluster) -> Self {
        let mut wires = Vec::new();
        for member in cluster.endpoints() {
            wires.push(Wire::to(member.parse().unwrap()).await);
        }
        let (api, xds, clock) = (port::free(), port::free(), Clock::new());
        let process = Self::launch(&wires, api, xds, clock.as_ref());
        process.wait_for_line("API on");
        Self { process, clock, api, wires, xds }
    }

    fn launch(wires: &[Wire], api: u16, xds: u16, clock: Option<&Clock>) -> Process {
        let members: Vec<_> = wires.iter().map(|wire| wire.address().to_string()).collect();
        let store = format!("etcd://{}/cluster", members.join(","));
        let environment: Vec<(&str, OsString)> = clock.map(Clock::environment).unwrap_or_default();
        ControlPlane::begin_on_at(&store, &format!("127.0.0.1:{api}"), &format!("127.0.0.1:{xds}"), &environment)
    }

    pub fn restart(&mut self) {
        self.end();
        self.process = Self::launch(&self.wires, self.api, self.xds, self.clock.as_ref());
        self.process.wait_for_line("API on");
    }

    fn end(&mut self) {
        self.process.kill();
        Clock::forget(self.process.id());
    }

    /// Waits until it takes now for a time that is so many seconds from now, as what it would write says.
    pub async fn says_it_is(&self, ahead: i64) {
        let (client, api) = (Client::new(), ([127, 0, 0, 1], self.api).into());
        let (path, json) = (format!("{BACKENDS}?dryRun=All"), [("content-type", "application/json")]);
        traffic::until("the time", || async {
            let body = manifest::backend("never", &["127.0.0.1"]).to_string();
            let answer = client.request(Method::POST, api, &path, &json, body).await;
            let created = answer.ok().filter(|answer| answer.status == 201).and_then(|answer| {
                answer.json()["metadata"]["creationTimestamp"].as_str()?.parse::<jiff::Timestamp>().ok()
            });
            created.is_some_and(|time| (time.as_second() - jiff::Timestamp::now().as_second() - ahead).abs() < 600)
        })
        .await;
    }

    pub fn set_cut(&self, cut: bool) {
        self.wires.iter().for_each(|wire| wire.set_cut(cut));
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.end();
    }
}

/// A proxy of a fleet of its own, since all are on one machine, and its directory.
pub struct Edge {
    pub proxy: Proxy,
    pub port: u16,
    fleet: String,
    planes: String,
    state: tempfile::TempDir,
}

impl Edge {
    fn start(fleet: &str, port: u16, planes: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (fleet, planes) = (fleet.to_owned(), planes.to_owned());
        Self { proxy: Self::launch(&fleet, &planes, state.path()), port, fleet, planes, state }
    }

    fn launch(fleet: &str, planes: &str, state: &std::path::Path) -> Proxy {
        let state = state.to_str().unwrap();
        let more = ["--control-plane", planes, "--fleet", fleet, "--state-dir", state, "--threads", "1"];
        Proxy::start_with("127.0.0.1:1".parse().unwrap(), &more)
    }

    pub fn restart(&mut self) {
        self.proxy.process.kill();
        self.proxy = Self::launch(&self.fleet, &self.planes, self.state.path());
    }

    /// Waits until it answers a request, with what is asked for.
    pub async fn answers(&self, expected: impl Fn(&str) -> bool) {
        let client = Client::new();
        let address = ([127, 0, 0, 1], self.port).into();
        traffic::until("the answer", || async {
            let answer = client.get(address, HOST, "/").await;
            answer.is_ok_and(|answer| answer.status == 200 && expected(&answer.text()))
        })
        .await;
    }
}
