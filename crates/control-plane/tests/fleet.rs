//! The control plane as its clients see it: REST on one side, a proxy's discovery stream on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "fleet/secrets.rs"]
mod secrets;
#[path = "fleet/status.rs"]
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_control_plane::{ApiLimits, ControlPlane, Options, StartError};
use backstay_proto::config;
use backstay_proto::discovery::Node;
use backstay_xds::client::{self, Handler, Rejection, Update};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, oneshot};

async fn start(folder: &std::path::Path) -> ControlPlane {
    start_with(folder, ApiLimits::default()).await
}

async fn start_with(folder: &std::path::Path, limits: ApiLimits) -> ControlPlane {
    let options = Options {
        limits,
        api: "127.0.0.1:0".parse().unwrap(),
        xds: "127.0.0.1:0".parse().unwrap(),
        data_dir: folder.to_owned(),
        ..Options::default()
    };
    ControlPlane::start(options).await.unwrap()
}

struct Api(String, Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>);

impl Api {
    fn new(control: &ControlPlane) -> Self {
        Self(format!("http://{}", control.api_address()), Client::builder(TokioExecutor::new()).build_http())
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .unwrap();
        let response = self.1.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))))
    }

    /// Follows an object until `holds`.
    async fn wait(&self, plural: &str, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let uri = format!(
            "{}{plural}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name%3D{name}",
            self.0
        );
        let mut body = self.1.get(uri.parse().unwrap()).await.unwrap().into_body();
        let mut buffer = Vec::new();
        while let Some(frame) = body.frame().await {
            buffer.extend_from_slice(&frame.unwrap().into_data().unwrap());
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).unwrap();
                if event["type"] != "BOOKMARK" && holds(&event["object"]) {
                    return event["object"].clone();
                }
            }
        }
        panic!("the watch ended");
    }
}

const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1";

async fn apply_route(api: &Api) {
    let gateway = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "web"},
        "spec": {"gatewayClassName": "backstay", "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}});
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "all"},
        "spec": {"parentRefs": [{"name": "web"}],
                 "rules": [{"backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": "api", "port": 80}]}]}});
    for (path, body) in [
        (format!("{GATEWAYS}/namespaces/default/gateways"), gateway),
        (BACKENDS.to_owned(), backend("10.0.0.1")),
        (format!("{GATEWAYS}/namespaces/default/httproutes"), route),
    ] {
        let (status, answer) = api.call("POST", &path, &body).await;
        assert_eq!(status, 201, "{answer}");
    }
    // The route was the last, and it is what makes the Backend used: now all of it has been compiled.
    api.wait(BACKENDS, "api", |object| programmed(object).1 == "no proxy of default is connected").await;
}

fn backend(ip: &str) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "api"}, "spec": {"endpoints": [{"ip": ip}]}})
}

fn programmed(object: &Value) -> (String, String, i64) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition["type"] == "Programmed").unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"), found["observedGeneration"].as_i64().unwrap_or_default())
}

/// A proxy that holds what it is sent, but for what it was told to refuse.
#[derive(Default)]
struct Holder {
    held: BTreeMap<Arc<str>, (Arc<str>, Bytes)>,
    refuse: Option<fn(&Update) -> bool>,
    /// Each response is applied once there is a permit.
    permits: Option<Arc<Semaphore>>,
    told: Option<mpsc::UnboundedSender<Vec<String>>>,
}

impl Handler for Holder {
    async fn apply(&mut self, _: &str, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Vec<Rejection> {
        if let Some(permits) = &self.permits {
            permits.acquire().await.unwrap().forget();
        }
        let mut rejections = Vec::new();
        let mut names: Vec<String> = removed.iter().map(|name| format!("-{name}")).collect();
        for name in removed {
            self.held.remove(&name);
        }
        for update in updates {
            names.push(update.name.to_string());
            if self.refuse.is_some_and(|refuses| refuses(&update)) {
                let (field, message) = ("static".to_owned(), "no, thank you".to_owned());
                rejections.push(Rejection { name: update.name, field, message });
            } else {
                self.held.insert(update.name, (update.version, update.value));
            }
        }
        if let Some(told) = &self.told {
            let _ = told.send(names);
        }
        rejections
    }

    fn held(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        self.held.iter().map(|(name, (version, _))| (name.clone(), version.clone())).collect()
    }
}

/// A running proxy: what it is told, and how to stop it.
struct Running {
    told: mpsc::UnboundedReceiver<Vec<String>>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Holder>,
}

fn connect(control: &ControlPlane, holder: Holder) -> Running {
    connect_to(control, "", holder)
}

fn connect_to(control: &ControlPlane, fleet: &str, mut holder: Holder) -> Running {
    let (sender, told) = mpsc::unbounded_channel();
    holder.told = Some(sender);
    let endpoint = format!("http://{}", control.xds_address()).parse().unwrap();
    let node = Node { id: "edge-1".to_owned(), cluster: fleet.to_owned(), ..Node::default() };
    let (stop, stopped) = oneshot::channel::<()>();
    let options = client::Options::new(endpoint, node, backstay_proto::RESOURCE_TYPE_URL);
    let task = tokio::spawn(client::run(options, holder, async {
        let _ = stopped.await;
    }));
    Running { told, stop, task }
}

impl Running {
    async fn stop(self) -> Holder {
        let _ = self.stop.send(());
        self.task.await.unwrap()
    }
}

#[tokio::test]
async fn a_backend_is_programmed_once_the_proxy_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;

    let mut proxy = connect(&control, Holder::default());
    assert_eq!(
        proxy.told.recv().await.unwrap(),
        ["backend/api", "listener/default/web/http", "route/default/all"],
        "one response carries all kinds"
    );
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;

    let (_, changed) = api.call("PUT", &format!("{BACKENDS}/api"), &backend("10.0.0.2")).await;
    assert_eq!(changed["metadata"]["generation"], 2);
    assert_eq!(proxy.told.recv().await.unwrap(), ["backend/api"], "only what changed is sent");
    api.wait(BACKENDS, "api", |object| {
        programmed(object) == ("True".into(), "every connected proxy has acknowledged it".into(), 2)
    })
    .await;

    let holder = proxy.stop().await;
    let resource = config::Resource::decode(holder.held["backend/api"].1.clone()).unwrap();
    let Some(config::resource::Kind::Backend(sent)) = resource.kind else { panic!("{resource:?}") };
    let Some(config::backend::Discovery::Static(endpoints)) = sent.discovery else { panic!("{sent:?}") };
    assert_eq!(endpoints.endpoints[0].host, Some(config::endpoint::Host::Ip("10.0.0.2".to_owned())));
    control.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_told_in_the_objects_status_and_touches_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let proxy =
        connect(&control, Holder { refuse: Some(|update| &*update.name == "backend/api"), ..Holder::default() });
    let refused = api.wait(BACKENDS, "api", |object| programmed(object).1.contains("refused")).await;
    assert_eq!(programmed(&refused).1, "proxy edge-1 refused backend/api: static: no, thank you");
    api.wait(&format!("{GATEWAYS}/namespaces/default/gateways"), "web", |object| programmed(object).0 == "True").await;
    let fleet = api
        .wait("/apis/core.apoxy.dev/v1alpha2/proxies", "default", |object| {
            object["status"]["replicas"][0]["refused"].is_array()
        })
        .await;
    assert_eq!(fleet["status"]["replicas"][0]["refused"][0]["message"], "no, thank you");
    proxy.stop().await;
    control.shutdown().await;
}

const POLICIES: &str = "/apis/backstay.dev/v1alpha1/backendpolicies";

/// A policy for the Backend.
fn policy(settings: Value) -> Value {
    let mut spec = json!({"targetRefs": [{"name": "api"}]});
    spec.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "p"}, "spec": spec})
}

fn has_timeouts(update: &Update) -> bool {
    let resource = config::Resource::decode(update.value.clone()).unwrap();
    matches!(resource.kind, Some(config::resource::Kind::Backend(backend)) if backend.timeouts.is_some())
}

#[tokio::test]
async fn a_policy_is_programmed_when_proxies_serve_with_it_and_so_is_its_backend() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let permits = Arc::new(Semaphore::new(1));
    let mut proxy = connect(&control, Holder { permits: Some(permits.clone()), ..Holder::default() });
    proxy.told.recv().await.unwrap();
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;

    let (status, answer) = api.call("POST", POLICIES, &policy(json!({"timeouts": {"connect": "1s"}}))).await;
    assert_eq!(status, 201, "{answer}");
    let waiting = ("False".into(), "waiting for the proxies of default".into(), 1);
    api.wait(POLICIES, "p", |object| programmed(object) == waiting).await;
    api.wait(BACKENDS, "api", |object| programmed(object) == waiting).await;
    permits.add_permits(1);
    api.wait(POLICIES, "p", |object| programmed(object).0 == "True").await;
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn a_policy_that_a_proxy_refuses_is_not_programmed() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let mut proxy = connect(&control, Holder { refuse: Some(has_timeouts), ..Holder::default() });
    proxy.told.recv().await.unwrap();
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;

    let (status, answer) = api.call("POST", POLICIES, &policy(json!({"timeouts": {"connect": "1s"}}))).await;
    assert_eq!(status, 201, "{answer}");
    let refused = ("False".into(), "proxy edge-1 refused backend/api: static: no, thank you".into(), 1);
    api.wait(POLICIES, "p", |object| programmed(object) == refused).await;
    api.wait(BACKENDS, "api", |object| programmed(object) == refused).await;

    let (status, answer) = api.call("PUT", &format!("{POLICIES}/p"), &policy(json!({"limits": {"requests": 9}}))).await;
    assert_eq!(status, 200, "{answer}");
    let served = |generation| ("True".into(), "every connected proxy has acknowledged it".into(), generation);
    api.wait(POLICIES, "p", |object| programmed(object) == served(2)).await;
    api.wait(BACKENDS, "api", |object| programmed(object) == served(1)).await;
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn after_a_restart_a_proxy_is_sent_only_what_it_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    apply_route(&Api::new(&control)).await;
    let mut proxy = connect(&control, Holder::default());
    proxy.told.recv().await.unwrap();
    let holder = proxy.stop().await;
    control.shutdown().await;

    let control = start(folder.path()).await;
    let api = Api::new(&control);
    let (status, _) = api.call("PUT", &format!("{BACKENDS}/api"), &backend("10.0.0.3")).await;
    assert_eq!(status, 200);
    let mut proxy = connect(&control, holder);
    // The first response to a wildcard may be empty; what matters is that nothing known is sent again.
    loop {
        let told = proxy.told.recv().await.unwrap();
        if !told.is_empty() {
            assert_eq!(told, ["backend/api"]);
            break;
        }
    }
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn metrics_count_what_streams_do() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let mut proxy = connect(&control, Holder::default());
    proxy.told.recv().await.unwrap();
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
    let (status, text) = api.call("GET", "/metrics", &Value::Null).await;
    assert_eq!(status, 200);
    let text = text.as_str().unwrap();
    let created = r#"backstay_api_requests_total{method="POST",resource="backends.core.apoxy.dev",code="201"} 1"#;
    for line in [
        created,
        "backstay_store_writable 1",
        "backstay_xds_streams 1",
        "backstay_xds_resources_sent_total 3",
        "backstay_xds_rejected_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn addresses_that_others_can_reach_need_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { api: "0.0.0.0:0".parse().unwrap(), data_dir: folder.path().to_owned(), ..Options::default() };
    let refused = ControlPlane::start(options).await.unwrap_err();
    assert!(matches!(refused, StartError::Exposed { purpose: "the API", .. }), "{refused}");
}

const PROXIES: &str = "/apis/core.apoxy.dev/v1alpha2/proxies";

fn ready(fleet: &Value) -> String {
    let conditions = fleet["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
    found["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_fleet_that_is_deleted_takes_nothing_from_its_proxies_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let edge =
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "edge"}, "spec": {}});
    let of_edge = json!({"spec": {"gatewayClassName": "backstay",
        "infrastructure": {"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": "edge"}},
        "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}});
    let mut gateway =
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "web"}});
    gateway["spec"] = of_edge["spec"].clone();
    assert_eq!(api.call("POST", PROXIES, &edge).await.0, 201);
    api.wait(PROXIES, "edge", |fleet| ready(fleet) == "NoProxies").await;
    let web = format!("{GATEWAYS}/namespaces/default/gateways/web");
    let (status, answer) = api.call("PUT", &web, &gateway).await;
    assert_eq!(status, 200, "{answer}");
    let gateways = format!("{GATEWAYS}/namespaces/default/gateways");
    api.wait(&gateways, "web", |gateway| programmed(gateway).1 == "no proxy of edge is connected").await;

    let all = ["backend/api", "listener/default/web/http", "route/default/all"];
    let mut proxy = connect_to(&control, "edge", Holder::default());
    assert_eq!(proxy.told.recv().await.unwrap(), all);
    api.wait(PROXIES, "edge", |fleet| ready(fleet) == "Ready").await;
    assert_eq!(api.call("DELETE", &format!("{PROXIES}/edge"), &json!({})).await.0, 200);
    api.wait(&gateways, "web", |gateway| programmed(gateway).0 == "False").await;
    assert!(proxy.told.try_recv().is_err(), "nothing is taken from it");

    // The proxy has asked again ever since; now its fleet exists, and it holds all of it already.
    assert_eq!(api.call("POST", PROXIES, &edge).await.0, 201);
    api.wait(PROXIES, "edge", |fleet| ready(fleet) == "Ready").await;
    api.wait(&gateways, "web", |gateway| programmed(gateway).0 == "True").await;
    while let Ok(told) = proxy.told.try_recv() {
        assert_eq!(told, Vec::<String>::new());
    }
    let holder = proxy.stop().await;
    assert_eq!(holder.held.keys().map(|name| &**name).collect::<Vec<_>>(), all);
    control.shutdown().await;
}

#[tokio::test]
async fn a_restart_rewrites_no_status_that_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let proxy = connect(&control, Holder::default());
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
    let gateways = format!("{GATEWAYS}/namespaces/default/gateways");
    api.wait(&gateways, "web", |object| programmed(object).0 == "True").await;
    let holder = proxy.stop().await;
    let (_, before) = api.call("GET", &format!("{BACKENDS}/api"), &Value::Null).await;
    control.shutdown().await;

    let control = start(folder.path()).await;
    let api = Api::new(&control);
    let proxy = connect(&control, holder);
    // Whatever the start had to write of others has been written when this has.
    let mut other = backend("10.0.0.9");
    other["metadata"]["name"] = "other".into();
    assert_eq!(api.call("POST", BACKENDS, &other).await.0, 201);
    api.wait(BACKENDS, "other", |object| programmed(object).0 == "False").await;
    let (_, after) = api.call("GET", &format!("{BACKENDS}/api"), &Value::Null).await;
    assert_eq!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "{after:#}");
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn connections_that_say_nothing_keep_no_place() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let folder = tempfile::tempdir().unwrap();
    let limits = ApiLimits { header_timeout: std::time::Duration::from_millis(50), ..ApiLimits::default() };
    let control = start_with(folder.path(), limits).await;
    for address in [control.api_address(), control.xds_address()] {
        for begun in [&b""[..], b"PRI * HT"] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(begun).await.unwrap();
            // Ends only when the server closes; how matters to nobody.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
    assert_eq!(Api::new(&control).call("GET", BACKENDS, &Value::Null).await.0, 200);
    control.shutdown().await;
}
