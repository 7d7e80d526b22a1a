//! The router over a store, and requests to it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use backstay_kube::{Options, bootstrap, router};
use backstay_resources::Registry;
use backstay_store::{Memory, Store};
use futures::StreamExt;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

pub(crate) const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
pub(crate) const TABLE: (&str, &str) = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
pub(crate) const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");
pub(crate) const JSON_PATCH: (&str, &str) = ("content-type", "application/json-patch+json");

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) shutdown: watch::Sender<bool>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the code, and returns the body.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// Checks that it is a failure of this code and reason, and returns the `Status`.
    #[track_caller]
    pub(crate) fn failure(self, code: u16, reason: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        let status = self.expect(code);
        assert_eq!(status["kind"], "Status", "{status}");
        assert_eq!(status["apiVersion"], "v1");
        assert_eq!(status["status"], "Failure");
        assert_eq!(status["code"], code);
        assert_eq!(status["reason"], reason, "{status}");
        status
    }
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(Memory::new(), Options::default()).await
    }

    pub(crate) async fn with(store: Memory, options: Options) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        bootstrap(&store, &Registry::built_in()).await.unwrap();
        let (shutdown, stops) = watch::channel(false);
        Self { router: router(Arc::clone(&store), &Registry::built_in(), options, stops), store, shutdown }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call("PUT", path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, kind: (&str, &str), body: &Value) -> Reply {
        self.call("PATCH", path, &[kind], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, &[], Body::empty()).await
    }

    /// Creates a Backend and returns it.
    pub(crate) async fn backend(&self, name: &str) -> Value {
        self.post(BACKENDS, &backend(name)).await.expect(201)
    }

    pub(crate) async fn watch(&self, query: &str) -> Watch {
        self.watch_at(BACKENDS, query, &[]).await
    }

    pub(crate) async fn watch_at(&self, path: &str, query: &str, headers: &[(&str, &str)]) -> Watch {
        let mut request = Request::builder().uri(format!("{path}?watch=true&{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        Watch { stream: response.into_body().into_data_stream(), buffer: Vec::new() }
    }
}

/// The events of a watch.
pub(crate) struct Watch {
    stream: BodyDataStream,
    buffer: Vec<u8>,
}

impl Watch {
    /// The next event, `None` when the watch has ended, which it must on a whole line.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            // Only so that a broken watch fails a test instead of stopping it.
            let chunk = tokio::time::timeout(Duration::from_secs(7200), self.stream.next()).await.expect("an event");
            match chunk {
                Some(chunk) => self.buffer.extend_from_slice(&chunk.unwrap()),
                None => {
                    assert!(self.buffer.is_empty(), "the last line is cut off");
                    return None;
                }
            }
        }
    }

    /// Checks the next event.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: &str, name: &str) -> impl Future<Output = Value> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        async move {
            let event = self.next().await.expect("an event");
            assert_eq!(event["type"], kind.as_str(), "{event}");
            assert_eq!(event["object"]["metadata"]["name"], name.as_str(), "{event}");
            event["object"].clone()
        }
    }
}

pub(crate) fn backend(name: &str) -> Value {
    json!({
        "apiVersion": "core.apoxy.dev/v1alpha2",
        "kind": "Backend",
        "metadata": {"name": name},
        "spec": {"endpoints": [{"fqdn": "example.com"}]},
    })
}

pub(crate) fn labelled(name: &str, label: &str, value: &str) -> Value {
    let mut object = backend(name);
    object["metadata"]["labels"] = json!({label: value});
    object
}

/// The resource version of an object or a list, as a number.
pub(crate) fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().expect("a resource version").parse().unwrap()
}

/// The names of the items of a list.
pub(crate) fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no items: {list}"));
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}
