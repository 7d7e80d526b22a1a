//! A client of the Fastly API, as plain as scripts are: forms, and a token.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::PATIENCE;

/// A client of one control plane's Fastly API.
#[derive(Debug, Clone)]
pub struct Fastly {
    api: SocketAddr,
    token: String,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The `detail` of a refusal, or else its `msg`.
    pub fn reason(&self) -> String {
        let text = self.body["detail"].as_str().or_else(|| self.body["msg"].as_str());
        text.unwrap_or_default().to_owned()
    }
}

impl Fastly {
    /// A client with any token.
    pub fn new(api: SocketAddr) -> Self {
        Self::with_token(api, "t")
    }

    /// A client with this token.
    pub fn with_token(api: SocketAddr, token: &str) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { api, token: token.to_owned(), http }
    }

    /// Sends a request with these headers besides the token.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.api));
        if !self.token.is_empty() {
            request = request.header("fastly-key", &self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let exchange = async {
            let response = self.http.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
            Answer { status: parts.status, headers: parts.headers, body }
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time")
    }

    /// Sends a form.
    pub async fn form(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        self.send(method, path, &[("content-type", "application/x-www-form-urlencoded")], pairs.join("&")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.form(Method::POST, path, fields).await
    }

    pub async fn put(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.form(Method::PUT, path, fields).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "").await
    }

    /// Makes something, or fails the test.
    pub async fn make(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::OK, "POST {path} {fields:?}: {}", answer.body);
        answer.body
    }

    /// Reads something, or fails the test.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "GET {path}: {}", answer.body);
        answer.body
    }

    /// Makes a service, and yields the path of its first version.
    pub async fn service(&self, name: &str) -> (String, String) {
        let service = self.make("/service", &[("name", name)]).await;
        let id = service["id"].as_str().unwrap().to_owned();
        let version = format!("/service/{id}/version/1");
        (id, version)
    }
}
