//! A client without sockets.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use backstay_auth::Caller;
use backstay_fastly::api::{Options, router};
use backstay_store::{Memory, Store};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// A client of an API that has a store of its own.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) store: Arc<dyn Store>,
    router: Router,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(options: Options) -> Self {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        Self { router: router(store.clone(), options).layer(axum::Extension(Caller::anyone())), store }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("fastly-key", "t");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    /// Sends what must be done, and yields its body.
    pub(crate) async fn done(&self, method: Method, path: &str, body: &str) -> Value {
        let answer = self.send(method.clone(), path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path} {body}: {}", answer.body);
        answer.body
    }

    /// Makes a service, and yields its path.
    pub(crate) async fn service(&self, name: &str) -> String {
        let made = self.done(Method::POST, "/service", &format!("name={name}")).await;
        format!("/service/{}", made["id"].as_str().unwrap())
    }
}
