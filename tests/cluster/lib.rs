//! Three members of etcd, three control planes and six proxies, of which one after another is killed, hangs or is cut off while four
//! clients write, three watch, and requests are served.
//!
//! `BACKSTAY_FAULTS` is how many times; what happens is chosen by `BACKSTAY_SEED`, which is printed.

mod checker;
mod clients;
mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::clients::{Clients, Served, Shared};
use self::wire::Wire;
use crate::harness::etcd::{Cluster, blocking, program};
use crate::harness::process::Process;
use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::{Client, ControlPlane, Proxy, Rest, Upstream, manifest, port, say};

const PROXIES: usize = 6;

/// A control plane, and its ways to the members of etcd.
struct Plane {
    process: Process,
    wires: Vec<Wire>,
    api: u16,
    xds: u16,
}

impl Plane {
    async fn start(cluster: &Cluster) -> Self {
        let mut wires = Vec::new();
        for member in cluster.endpoints() {
            wires.push(Wire::to(member.parse().unwrap()).await);
        }
        let (api, xds) = (port::free(), port::free());
        let process = Self::launch(&wires, api, xds);
        process.wait_for_line("API on");
        Self { process, wires, api, xds }
    }

    fn launch(wires: &[Wire], api: u16, xds: u16) -> Process {
        let members: Vec<_> = wires.iter().map(|wire| wire.address().to_string()).collect();
        let store = format!("etcd://{}/cluster", members.join(","));
        ControlPlane::begin_on_at(&store, &format!("127.0.0.1:{api}"), &format!("127.0.0.1:{xds}"))
    }

    fn restart(&mut self) {
        self.process.kill();
        self.process = Self::launch(&self.wires, self.api, self.xds);
        self.process.wait_for_line("API on");
    }

    fn set_cut(&self, cut: bool) {
        self.wires.iter().for_each(|wire| wire.set_cut(cut));
    }
}

/// A proxy of a fleet of its own, since all are on one machine, and its directory.
struct Edge {
    proxy: Proxy,
    fleet: String,
    planes: String,
    state: tempfile::TempDir,
}

impl Edge {
    fn start(fleet: &str, planes: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (fleet, planes) = (fleet.to_owned(), planes.to_owned());
        Self { proxy: Self::launch(&fleet, &planes, state.path()), fleet, planes, state }
    }

    fn launch(fleet: &str, planes: &str, state: &std::path::Path) -> Proxy {
        let state = state.to_str().unwrap();
        let more = ["--control-plane", planes, "--fleet", fleet, "--state-dir", state, "--threads", "1"];
        Proxy::start_with("127.0.0.1:1".parse().unwrap(), &more)
    }

    fn restart(&mut self) {
        self.proxy.process.kill();
        self.proxy = Self::launch(&self.fleet, &self.planes, self.state.path());
    }
}

/// Serves one host by the proxy of each fleet, on a port of its own.
async fn serve(rest: &Rest, upstream: u16) -> Vec<u16> {
    let ports: Vec<u16> = (0..PROXIES).map(|_| port::free()).collect();
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    for (index, listen) in ports.iter().enumerate() {
        let fleet = format!("edge-{index}");
        rest.create(&json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": fleet}}))
            .await;
        let mut gateway = manifest::gateway(&fleet, *listen);
        gateway["spec"]["infrastructure"] =
            json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": fleet}});
        rest.create(&gateway).await;
        rest.create(&manifest::route(&fleet, &fleet, "app.example", "app", upstream)).await;
    }
    ports
}

/// A generator that is the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn time(&mut self) -> Duration {
        Duration::from_millis(200 + 50 * self.below(30) as u64)
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_dies_hangs_or_is_cut_off_no_acknowledged_write_and_no_request_is_lost() {
    if program().is_none() {
        return;
    }
    let seed = setting("BACKSTAY_SEED", u64::from(std::process::id()));
    say(&format!("cluster: BACKSTAY_SEED={seed}"));
    let mut chance = Chance(seed);
    let mut cluster = blocking(|| Cluster::of(3));
    let mut planes = Vec::new();
    for _ in 0..3 {
        planes.push(Plane::start(&cluster).await);
    }
    let rest = Rest::new(([127, 0, 0, 1], planes[0].api).into());
    let upstream = Upstream::answering_on(([0, 0, 0, 0], 0).into(), "app").await;
    let ports = serve(&rest, upstream.port()).await;
    let mut edges = Vec::new();
    for index in 0..PROXIES {
        // Each begins with another control plane.
        let order = (0..3).map(|step| format!("http://127.0.0.1:{}", planes[(index + step) % 3].xds));
        edges.push(Edge::start(&format!("edge-{index}"), &order.collect::<Vec<_>>().join(",")));
        rest.wait_for(&format!("{GATEWAYS}/edge-{index}"), "Programmed").await;
    }
    let shared = Arc::new(Shared::new(planes.iter().map(|plane| plane.api).collect(), &ports));
    let clients = Clients::start(&shared).await;
    for round in 0..setting("BACKSTAY_FAULTS", 8) {
        let time = chance.time();
        let index = chance.below(3);
        let kind = chance.below(7);
        announce(round, kind, index, time);
        match kind {
            0 => {
                blocking(|| cluster.kill(index));
                tokio::time::sleep(time).await;
                blocking(|| cluster.start(index));
            }
            1 => {
                cluster.signal(index, "STOP");
                tokio::time::sleep(time).await;
                cluster.signal(index, "CONT");
            }
            2 => blocking(|| planes[index].restart()),
            3 => {
                planes[index].process.signal("STOP");
                tokio::time::sleep(time).await;
                planes[index].process.signal("CONT");
            }
            4 => {
                planes[index].set_cut(true);
                tokio::time::sleep(time).await;
                planes[index].set_cut(false);
            }
            other => {
                let index = chance.below(PROXIES);
                shared.excused[index].store(true, Ordering::SeqCst);
                if other == 5 {
                    blocking(|| edges[index].restart());
                } else {
                    edges[index].proxy.process.signal("STOP");
                    tokio::time::sleep(time).await;
                    edges[index].proxy.process.signal("CONT");
                }
                serves(ports[index]).await;
                shared.excused[index].store(false, Ordering::SeqCst);
            }
        }
        // The next fault finds clients at work, not on their way back.
        shared.another_write(4).await;
    }
    let healed = Instant::now();
    // All proxies answer for the last change, whichever control plane they are at.
    let last = rest
        .change(&format!("{BACKENDS}/app"), &json!({"spec": {"endpoints": [{"ip": "127.0.0.1"}, {"ip": "127.0.0.2"}]}}))
        .await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    let converged = healed.elapsed();
    let revision = last["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    let (history, served, longest) = clients.stop(&shared, revision).await;
    assert!(history.acknowledged.len() > 4, "{}", history.acknowledged.len());
    assert_eq!(history.faults(), Vec::<String>::new(), "seed {seed}");
    let Served { requests, failures } = served;
    assert_eq!(failures, Vec::<String>::new(), "seed {seed}, of {requests} requests");
    say(&format!(
        "cluster: {} writes acknowledged, {} unknown, longest without one {longest:?}; {requests} requests; converged in {converged:?}",
        history.acknowledged.len(),
        history.unknown.len(),
    ));
}

fn announce(round: u64, kind: usize, index: usize, time: Duration) {
    const KINDS: [&str; 7] = [
        "etcd is killed",
        "etcd hangs",
        "a control plane is killed",
        "a control plane hangs",
        "a control plane is cut off from etcd",
        "a proxy is killed",
        "a proxy hangs",
    ];
    say(&format!("cluster: round {round}: {} ({index}, {time:?})", KINDS[kind]));
}

/// Waits until a proxy that was started again serves.
async fn serves(port: u16) {
    let client = Client::new();
    crate::harness::traffic::until("served again", || async {
        client.get(([127, 0, 0, 1], port).into(), "app.example", "/").await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

/// The value that a client has written to an object.
fn value(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"]["value"].as_str()
}
