//! An upgrade: every process of a release is replaced, one after another, under traffic and requests to the API, and no request fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::runs::{Release, TESTER};
use crate::harness::load::Way;
use crate::harness::tls::Session;
use crate::harness::{Client, Load, Upstream, etcd, port};

const HOST: &str = "app.example";
const MONITORING: u16 = 9902;

/// What connections are spread over: as a Service with a kubelet that probes, it goes on to send them to one that ends until it has noticed.
struct Balancer {
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

/// Somewhere that connections go while it is ready.
struct Target {
    address: SocketAddr,
    ready: AtomicBool,
}

impl Balancer {
    /// Passes on to those of `targets` that answer so when they are asked.
    async fn start<F: Future<Output = bool> + Send>(
        targets: &[SocketAddr],
        asks: impl Fn(usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = |address: &SocketAddr| Target { address: *address, ready: AtomicBool::new(true) };
        let targets: Arc<Vec<Target>> = Arc::new(targets.iter().map(target).collect());
        let mut tasks = Vec::new();
        for index in 0..targets.len() {
            let (targets, asks) = (Arc::clone(&targets), asks.clone());
            tasks.push(tokio::spawn(async move {
                // The period of a probe.
                let mut ticks = tokio::time::interval(Duration::from_millis(100));
                loop {
                    ticks.tick().await;
                    targets[index].ready.store(asks(index).await, Ordering::Relaxed);
                }
            }));
        }
        let next = AtomicUsize::new(0);
        tasks.push(tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let ready: Vec<_> = targets.iter().filter(|target| target.ready.load(Ordering::Relaxed)).collect();
                // Nobody is ready: the connection is closed.
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let Some(target) = ready.get(turn % ready.len().max(1)).map(|target| target.address) else { continue };
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(target).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        }));
        Self { address, tasks }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A Gateway and a route of a fleet. On one machine two proxies cannot have the same listener, so there is a fleet for each.
fn fleet(name: &str, listens: u16, upstream: u16) -> Vec<Value> {
    vec![
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"gatewayClassName": "backstay",
                "infrastructure": {"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": name}},
                "listeners": [{"name": "http", "protocol": "HTTP", "port": listens}]}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"parentRefs": [{"name": name}],
                "rules": [{"backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": "app", "port": upstream}]}]}}),
    ]
}

/// Applies objects as the pod of `helm test` would, and unless nobody is there yet, waits until they are in force.
async fn apply(release: &mut Release, name: &str, objects: &[Value], waits: bool) {
    let text = objects.iter().map(|object| format!("---\n{object}\n")).collect::<String>();
    let mut made = release.test.clone();
    for object in &mut made {
        if object["kind"] == "ConfigMap" {
            object["data"]["test.yaml"] = json!(text);
        } else if object["kind"] == "Pod" {
            object["metadata"]["name"] = json!(name);
            object["spec"]["containers"] = json!([]);
            let mut only = object["spec"]["initContainers"][0].clone();
            let last = if waits { usize::MAX } else { 3 };
            // apply -f FILE, and then how it waits.
            only["args"].as_array_mut().unwrap().truncate(last);
            object["spec"]["initContainers"] = json!([only]);
        }
    }
    let pod = release.cluster.apply(&made).await.remove(0);
    release.cluster.start(&pod).await;
}

/// A request to the API over TLS, one connection after the other, until it is told to stop. Yields how many there were.
async fn ask_the_api(address: SocketAddr, stop: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut session = Session::open(address, "localhost", &[]).await.expect("a connection to the API");
        for _ in 0..5 {
            let (status, body) = session.get("/version").await.expect("an answer of the API");
            assert_eq!(status.as_u16(), 200, "{body}");
            count += 1;
            if session.is_closing() {
                break;
            }
        }
    }
    count
}

/// An upstream that finds fault with bodies that have not come whole.
async fn expecting(address: SocketAddr, name: &'static str) -> Upstream {
    Upstream::start(address, move |seen| async move {
        let mut response = Response::new(Bytes::from_static(name.as_bytes()));
        if seen.method == Method::POST && seen.body != Way::BODY {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upgrade_fails_no_request() {
    if etcd::program().is_none() {
        return;
    }
    let cluster = etcd::blocking(|| etcd::Cluster::of(1));
    let one_replica = json!({"replicas": 1});
    let values = json!({
        "proxy": {"drainDelaySeconds": 1, "drainTimeoutSeconds": 10, "threads": 1, "monitoringPort": MONITORING},
        "controlPlane": {
            "drainDelaySeconds": 1,
            "store": {"type": "etcd", "etcd": {"endpoints": cluster.endpoints(), "prefix": "/upgrade"}},
        },
        "fleets": {"default": one_replica, "edge": one_replica},
    });
    let Some(mut release) = Release::of(values).await else { return };
    release.cluster.allow(TESTER);
    let control_planes = release.start("control-plane").await;
    release.ready(&control_planes).await;
    let edge = json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "edge"}});
    apply(&mut release, "fleet", &[edge], false).await;
    let proxies = release.start("proxy").await;
    release.ready(&proxies).await;

    let upstream = port::free();
    let one = expecting(SocketAddr::from(([127, 0, 0, 1], upstream)), "one").await;
    let _two = expecting(SocketAddr::from(([127, 0, 0, 2], upstream)), "two").await;
    let listens = [port::free(), port::free()];
    let backend = |ip: &str| {
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "app"},
            "spec": {"endpoints": [{"ip": ip}]}})
    };
    let mut objects = [fleet("default", listens[0], one.port()), fleet("edge", listens[1], one.port())].concat();
    objects.push(backend("127.0.0.1"));
    apply(&mut release, "first", &objects, true).await;

    // The pods are in the order of their fleets, as the listeners are.
    let addresses: Vec<_> = proxies.iter().map(|name| release.cluster.pod(name).address).collect();
    let asks = move |index: usize| {
        let monitoring = SocketAddr::from((addresses[index], MONITORING));
        async move {
            let answer = Client::new().get(monitoring, &monitoring.to_string(), "/ready").await;
            answer.is_ok_and(|answer| answer.status == 200)
        }
    };
    let traffic = Balancer::start(&listens.map(local), asks).await;
    let apis: Vec<_> =
        control_planes.iter().map(|name| SocketAddr::from((release.cluster.pod(name).address, 7080))).collect();
    let asked = apis.clone();
    let asks = move |index: usize| {
        let api = asked[index];
        async move {
            let Ok(mut session) = Session::open(api, "localhost", &[]).await else { return false };
            session.get("/readyz").await.is_ok_and(|(status, _)| status.as_u16() == 200)
        }
    };
    let api = Balancer::start(&apis, asks).await;

    let mut load = Load::start_by(&Way::ALL, traffic.address, HOST, "/");
    let stop = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn(ask_the_api(api.address, Arc::clone(&stop)));
    for (round, name) in control_planes.iter().enumerate() {
        load.more(100).await;
        release.cluster.terminate(name);
        load.more(100).await;
        // What is changed while one is away is in force with the other.
        let ip = if round % 2 == 0 { "127.0.0.2" } else { "127.0.0.1" };
        apply(&mut release, &format!("change-{round}"), &[backend(ip)], true).await;
        let answer = Client::new().get(traffic.address, HOST, "/").await.unwrap();
        assert_eq!(answer.text(), if round % 2 == 0 { "two" } else { "one" });
        release.cluster.start(name).await;
        release.ready(std::slice::from_ref(name)).await;
    }
    for name in &proxies {
        load.more(100).await;
        release.cluster.terminate(name);
        load.more(100).await;
        release.cluster.start(name).await;
        release.ready(std::slice::from_ref(name)).await;
    }
    load.more(100).await;
    stop.store(true, Ordering::Relaxed);
    let tally = load.stop().await;
    tally.assert_all_ok();
    assert!(tally.with_body("one") > 0 && tally.with_body("two") > 0, "{tally:?}");
    assert!(asking.await.expect("no request to the API fails") > 20);
}
