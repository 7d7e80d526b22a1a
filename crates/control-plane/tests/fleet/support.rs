//! A control plane in this process, a client of its API, and proxies that hold what they are sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_control_plane::{ApiLimits, ControlPlane, Limits, Options};
use backstay_proto::discovery::Node;
use backstay_xds::client::{self, Handler, Rejection, Update};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, oneshot};

pub(crate) async fn start(folder: &std::path::Path) -> ControlPlane {
    start_with(folder, ApiLimits::default()).await
}

pub(crate) async fn start_with(folder: &std::path::Path, limits: ApiLimits) -> ControlPlane {
    let options = Options {
        limits: Limits { connections: limits, ..Limits::default() },
        api: "127.0.0.1:0".parse().unwrap(),
        xds: "127.0.0.1:0".parse().unwrap(),
        data_dir: folder.to_owned(),
        ..Options::default()
    };
    ControlPlane::start(options).await.unwrap()
}

pub(crate) struct Api(String, Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>);

impl Api {
    pub(crate) fn new(control: &ControlPlane) -> Self {
        Self(format!("http://{}", control.api_address()), Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.call_in(method, path, body, None).await
    }

    /// A call in a trace.
    pub(crate) async fn call_in(&self, method: &str, path: &str, body: &Value, trace: Option<&str>) -> (u16, Value) {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .unwrap();
        request
            .headers_mut()
            .extend(trace.map(|trace| (http::HeaderName::from_static("traceparent"), trace.parse().unwrap())));
        let response = self.1.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))))
    }

    /// Follows an object until `holds`.
    pub(crate) async fn wait(&self, plural: &str, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
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

pub(crate) const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
pub(crate) const POLICIES: &str = "/apis/backstay.dev/v1alpha1/backendpolicies";
pub(crate) const PROXIES: &str = "/apis/core.apoxy.dev/v1alpha2/proxies";
pub(crate) const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1";

pub(crate) async fn apply_route(api: &Api) {
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

pub(crate) fn backend(ip: &str) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "api"}, "spec": {"endpoints": [{"ip": ip}]}})
}

/// A policy for the Backend.
pub(crate) fn policy(settings: Value) -> Value {
    let mut spec = json!({"targetRefs": [{"name": "api"}]});
    spec.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "p"}, "spec": spec})
}

pub(crate) fn programmed(object: &Value) -> (String, String, i64) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition["type"] == "Programmed").unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"), found["observedGeneration"].as_i64().unwrap_or_default())
}

pub(crate) fn ready(fleet: &Value) -> String {
    let conditions = fleet["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
    found["reason"].as_str().unwrap_or_default().to_owned()
}

/// A proxy that holds what it is sent, but for what it was told to refuse.
#[derive(Default)]
pub(crate) struct Holder {
    pub(crate) held: BTreeMap<Arc<str>, (Arc<str>, Bytes)>,
    pub(crate) refuse: Option<fn(&Update) -> bool>,
    /// Each response is applied once there is a permit.
    pub(crate) permits: Option<Arc<Semaphore>>,
    pub(crate) told: Option<mpsc::UnboundedSender<Vec<String>>>,
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
pub(crate) struct Running {
    pub(crate) told: mpsc::UnboundedReceiver<Vec<String>>,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) task: tokio::task::JoinHandle<Holder>,
}

pub(crate) fn connect(control: &ControlPlane, holder: Holder) -> Running {
    connect_to(control, "", holder)
}

pub(crate) fn connect_to(control: &ControlPlane, fleet: &str, mut holder: Holder) -> Running {
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
    pub(crate) async fn stop(self) -> Holder {
        let _ = self.stop.send(());
        self.task.await.unwrap()
    }
}
