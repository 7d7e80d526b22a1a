//! Routing, from the manifests that users write to the upstream that a request reaches.

mod attachment;
mod cors;
mod filters;
mod matching;
mod sharing;
mod unhonoured;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::rest::ROUTES;
use crate::harness::traffic::Answer;
use crate::harness::upstream::Seen;
use crate::harness::{Client, ControlPlane, Proxy, Rest, Upstream, manifest, port};

/// A control plane, a proxy, and the upstreams `a`, `b` and `c`, which tell their name and what they were asked.
struct Stage {
    rest: Rest,
    client: Client,
    address: SocketAddr,
    upstreams: Vec<Upstream>,
    _processes: (ControlPlane, Proxy),
}

const NAMES: [&str; 3] = ["a", "b", "c"];

async fn tell(name: &'static str, seen: Seen) -> Response<Bytes> {
    let headers: serde_json::Map<String, Value> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
        .collect();
    let told = json!({"upstream": name, "path": seen.uri.to_string(), "headers": headers});
    Response::builder().header("x-upstream", name).header("x-drop", "me").body(Bytes::from(told.to_string())).unwrap()
}

impl Stage {
    /// With the Gateway `web`.
    async fn new() -> Self {
        let control_plane = ControlPlane::start();
        let proxy = Proxy::start(control_plane.xds());
        let rest = control_plane.rest();
        let mut upstreams = Vec::new();
        for name in NAMES {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            upstreams.push(Upstream::start(any, move |seen| tell(name, seen)).await);
            rest.create(&manifest::backend(name, &["127.0.0.1"])).await;
        }
        let listen = port::free();
        rest.create(&manifest::gateway("web", listen)).await;
        let address = SocketAddr::from(([127, 0, 0, 1], listen));
        Self { rest, client: Client::new(), address, upstreams, _processes: (control_plane, proxy) }
    }

    fn port(&self, backend: &str) -> u16 {
        self.upstreams[NAMES.iter().position(|name| *name == backend).unwrap()].port()
    }

    /// A backendRef.
    fn to(&self, backend: &str) -> Value {
        json!({"group": "core.apoxy.dev", "kind": "Backend", "name": backend, "port": self.port(backend)})
    }

    /// A rule with these matches that forwards to one backend.
    fn rule(&self, matches: Value, backend: &str) -> Value {
        json!({"matches": matches, "backendRefs": [self.to(backend)]})
    }

    /// Creates a route of `web`, and waits until proxies have it.
    async fn route(&self, name: &str, hostnames: &[&str], rules: Vec<Value>) {
        let mut route = manifest::route(name, "web", "unused", "a", 1);
        route["spec"]["hostnames"] = json!(hostnames);
        route["spec"]["rules"] = rules.into();
        self.rest.create(&route).await;
        self.rest.wait_for(&format!("{ROUTES}/{name}"), "Accepted").await;
        self.settled().await;
    }

    /// Waits until everything written so far is served: proxies take changes in order, so it is when a later one is.
    async fn settled(&self) {
        let marker = format!("marker-{}.test", uuid());
        let mut route = manifest::route(&marker, "web", &marker, "a", self.port("a"));
        route["spec"]["rules"][0]["filters"] =
            json!([{"type": "RequestRedirect", "requestRedirect": {"hostname": "marker.test"}}]);
        route["spec"]["rules"][0]["backendRefs"] = json!([]);
        self.rest.create(&route).await;
        crate::harness::traffic::until("the marker", || async {
            self.client.get(self.address, &marker, "/").await.is_ok_and(|answer| answer.status == StatusCode::FOUND)
        })
        .await;
    }

    async fn get(&self, host: &str, path: &str) -> Answer {
        self.client.get(self.address, host, path).await.unwrap()
    }

    async fn send(&self, method: &str, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: Vec<_> = [("host", host)].into_iter().chain(headers.iter().copied()).collect();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, self.address, path, &headers, "").await.unwrap()
    }

    /// Name of the upstream that a GET reaches, or the status that refuses it.
    async fn reaches(&self, host: &str, path: &str) -> String {
        reached(&self.get(host, path).await)
    }
}

fn uuid() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn reached(answer: &Answer) -> String {
    match answer.headers.get("x-upstream") {
        Some(name) => name.to_str().unwrap().to_owned(),
        None => answer.status.as_u16().to_string(),
    }
}
