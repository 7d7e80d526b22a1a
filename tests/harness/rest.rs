//! A client of the control plane's API, as plain as can be: what it does is what is tested.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::PATIENCE;
use super::traffic::describe;

/// A client of one API.
#[derive(Debug, Clone)]
pub struct Rest {
    api: SocketAddr,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// Path of the Backends.
pub const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
/// Path of the fleets.
pub const PROXIES: &str = "/apis/core.apoxy.dev/v1alpha2/proxies";
/// Path of the GatewayClasses.
pub const CLASSES: &str = "/apis/gateway.networking.k8s.io/v1/gatewayclasses";
/// Path of the Gateways of the namespace `default`.
pub const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";
/// Path of the HTTPRoutes of the namespace `default`.
pub const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
/// Path of the Secrets of the namespace `default`.
pub const SECRETS: &str = "/api/v1/namespaces/default/secrets";
/// Path of the BackendPolicies.
pub const POLICIES: &str = "/apis/backstay.dev/v1alpha1/backendpolicies";

impl Rest {
    /// A client of the API at `api`.
    pub fn new(api: SocketAddr) -> Self {
        Self { api, http: HttpClient::builder(TokioExecutor::new()).build(HttpConnector::new()) }
    }

    /// Sends a request. `Err` is a connection that could not be made or broke.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, Bytes), String> {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.api));
        let request = request.header(ACCEPT, "application/json").header(CONTENT_TYPE, media_type);
        let exchange = async {
            let response = self.http.request(request.body(Full::new(body.into())).unwrap()).await;
            let response = response.map_err(|error| describe(&error))?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(|error| describe(&error))?;
            Ok((status, body.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    /// Sends a request and reads the answer as JSON; text becomes a JSON string.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: impl Into<Bytes>,
    ) -> (StatusCode, Value) {
        let (status, body) = self.try_send(method, path, media_type, body).await.unwrap();
        let text = || Value::from(String::from_utf8_lossy(&body).into_owned());
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, "", "").await
    }

    pub async fn post(&self, path: &str, object: &Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, "application/json", object.to_string()).await
    }

    pub async fn put(&self, path: &str, object: &Value) -> (StatusCode, Value) {
        self.send(Method::PUT, path, "application/json", object.to_string()).await
    }

    /// Sends a merge patch.
    pub async fn patch(&self, path: &str, patch: &Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, path, "application/merge-patch+json", patch.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::DELETE, path, "", "").await
    }

    /// Creates an object, or fails the test.
    pub async fn create(&self, object: &Value) -> Value {
        // A field that is not known would otherwise be left out with no more than a warning.
        let path = format!("{}?fieldValidation=Strict", collection(object));
        let (status, stored) = self.post(&path, object).await;
        assert_eq!(status, StatusCode::CREATED, "{stored:#}");
        stored
    }

    /// Changes an object with a merge patch, or fails the test.
    pub async fn change(&self, path: &str, patch: &Value) -> Value {
        let (status, stored) = self.patch(path, patch).await;
        assert_eq!(status, StatusCode::OK, "{stored:#}");
        stored
    }

    /// Reads an object, or fails the test.
    pub async fn read(&self, path: &str) -> Value {
        let (status, object) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{object:#}");
        object
    }

    /// Watches the object at `path` until `holds` says so, and yields it as it was then.
    pub async fn wait_until(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = tokio::time::timeout(PATIENCE, self.watch_until(path, &holds, &mut last)).await;
        found.unwrap_or_else(|_| panic!("{path} did not become {what}; the last of it:\n{last:#}"))
    }

    /// Watches the object at `path` until it has this condition, for its generation as it is then.
    pub async fn wait_for(&self, path: &str, condition: &str) -> Value {
        self.wait_until(path, condition, |object| is_true(object, condition)).await
    }

    /// Waits until a proxy of the fleet is connected and refuses nothing.
    pub async fn wait_for_ready(&self, fleet: &str) -> Value {
        let ready = |object: &Value| {
            let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
            conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        };
        self.wait_until(&format!("{PROXIES}/{fleet}"), "Ready", ready).await
    }

    async fn watch_until(&self, path: &str, holds: &impl Fn(&Value) -> bool, last: &mut Value) -> Value {
        let (collection, name) = path.rsplit_once('/').unwrap();
        let uri = format!("http://{}{collection}?watch=true&fieldSelector=metadata.name%3D{name}", self.api);
        loop {
            let request =
                Request::builder().uri(&uri).header(ACCEPT, "application/json").body(Full::default()).unwrap();
            let response = self.http.request(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "watch {path}");
            let (mut body, mut buffer) = (response.into_body(), Vec::new());
            while let Some(frame) = body.frame().await {
                // A watch that breaks off is begun again, as every client does.
                let Ok(frame) = frame else { break };
                buffer.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let mut event: Value = serde_json::from_slice(&line).unwrap();
                    assert_ne!(event["type"], "ERROR", "watch {path}: {event}");
                    *last = event["object"].take();
                    if holds(last) {
                        return last.clone();
                    }
                }
            }
        }
    }
}

/// Whether the object has this condition, for its generation as it is.
pub fn is_true(object: &Value, condition: &str) -> bool {
    let own = &object["status"]["conditions"];
    // Routes have their conditions with each parent, and one of them once more by themselves.
    let of_parents = object["status"]["parents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_parents: Vec<_> = of_parents.iter().map(|parent| &parent["conditions"]).collect();
    let holds = |conditions: &Value| {
        let conditions = conditions.as_array().map(Vec::as_slice).unwrap_or_default();
        conditions.iter().any(|known| {
            known["type"] == condition
                && known["status"] == "True"
                && known["observedGeneration"] == object["metadata"]["generation"]
        })
    };
    let is_of_parents = object["status"]["parents"].is_array();
    if is_of_parents { !of_parents.is_empty() && of_parents.into_iter().all(holds) } else { holds(own) }
}

/// Path of the collection that an object belongs to.
pub fn collection(object: &Value) -> String {
    let known = [
        ("Backend", BACKENDS),
        ("Proxy", PROXIES),
        ("GatewayClass", CLASSES),
        ("Gateway", GATEWAYS),
        ("HTTPRoute", ROUTES),
        ("Secret", SECRETS),
        ("BackendPolicy", POLICIES),
        ("Namespace", "/api/v1/namespaces"),
    ];
    let kind = object["kind"].as_str().unwrap();
    let path = known.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("no path for {kind}")).1;
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => path.replace("/namespaces/default/", &format!("/namespaces/{namespace}/")),
        None => path.to_owned(),
    }
}

/// A merge patch that replaces the endpoints of a Backend.
pub fn endpoints(ips: &[&str]) -> Value {
    json!({"spec": {"endpoints": ips.iter().map(|ip| json!({"ip": ip})).collect::<Vec<_>>()}})
}
