//! What is asked of the API, as whoever started the console.

mod kinds;
mod live;

use std::sync::Arc;
use std::time::Duration;

use backstay_api_client::credential::Shown;
use backstay_api_client::{Connector, Protocol, Secret, Target, client};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::sync::Mutex;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};

pub(crate) use self::kinds::{Kind, Object, namespace};

/// Media type of objects.
pub(crate) const JSON: &str = "application/json";
/// Media type of tables that the server has made.
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// From a request to the last byte of its answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 20;
/// Objects to a page of a list.
const PAGE: usize = 500;
/// Objects of a list that are looked at.
const MOST: usize = 20_000;

type Http = Client<Connector, Full<Bytes>>;
type Certificate = (Vec<u8>, Secret);

/// The API.
#[derive(Debug)]
pub(crate) struct Api {
    target: Arc<Target>,
    http: Mutex<Option<(Option<Certificate>, Http)>>,
}

/// Why there is no answer, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    /// What was answered; none where nothing was.
    pub(crate) status: Option<StatusCode>,
    pub(crate) message: String,
}

impl ApiError {
    fn unreachable(message: impl Into<String>) -> Self {
        Self { status: None, message: message.into() }
    }
}

impl From<backstay_api_client::Error> for ApiError {
    fn from(error: backstay_api_client::Error) -> Self {
        Self::unreachable(error.to_string())
    }
}

impl Api {
    pub(crate) fn new(target: Target) -> Self {
        Self { target: Arc::new(target), http: Mutex::default() }
    }

    /// Whom it asks.
    pub(crate) fn server(&self) -> String {
        self.target.address.to_string()
    }

    /// The namespace of the kubeconfig's context.
    pub(crate) fn namespace(&self) -> &str {
        self.target.namespace.as_deref().unwrap_or("default")
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str, accept: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, accept, None).await
    }

    /// Reads what is no document.
    pub(crate) async fn text(&self, path: &str) -> Result<String, ApiError> {
        let reading = self.exchange(Method::GET, path, "text/plain", None);
        let late = |_| ApiError::unreachable("no answer in time");
        let bytes = tokio::time::timeout(TIMEOUT, reading).await.map_err(late)??;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes.
    pub(crate) async fn put(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, JSON, Some((JSON, Bytes::from(object.to_string())))).await
    }

    /// Makes.
    pub(crate) async fn post(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        self.call(Method::POST, path, JSON, Some((JSON, Bytes::from(object.to_string())))).await
    }

    /// Deletes, as `options` say.
    pub(crate) async fn delete(&self, path: &str, options: &Value) -> Result<Value, ApiError> {
        self.call(Method::DELETE, path, JSON, Some((JSON, Bytes::from(options.to_string())))).await
    }

    /// Changes something that has no body.
    pub(crate) async fn put_nothing(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, JSON, Some(("application/x-www-form-urlencoded", Bytes::new()))).await
    }

    /// All items of a list, over as many pages as it has; `Err` where it is longer than anybody could look at.
    pub(crate) async fn list(&self, path: &str, query: &str) -> Result<Vec<Value>, ApiError> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let list = self.get(&format!("{path}?limit={PAGE}{query}{next}"), JSON).await?;
            items.extend(list["items"].as_array().cloned().unwrap_or_default());
            match list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) if items.len() < MOST => next = format!("&continue={}", escape(token)),
                _ => return Ok(items),
            }
        }
    }

    /// The whole table of a list: its columns, and its rows.
    pub(crate) async fn table(&self, path: &str, query: &str) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        let mut next = String::new();
        loop {
            let mut list = self.get(&format!("{path}?limit={PAGE}{query}{next}"), TABLE).await?;
            if columns.is_empty() {
                columns = taken(&mut list["columnDefinitions"]);
            }
            rows.extend(taken(&mut list["rows"]));
            match list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) if rows.len() < MOST => next = format!("&continue={}", escape(token)),
                _ => return Ok((columns, rows)),
            }
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Value, ApiError> {
        let server = self.server();
        let late = |_| ApiError::unreachable(format!("{server} gave no answer within {} s", TIMEOUT.as_secs()));
        let bytes = tokio::time::timeout(TIMEOUT, self.exchange(method, path, accept, body)).await.map_err(late)??;
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Bytes, ApiError> {
        let server = self.server();
        let broke = |error: &dyn std::fmt::Display| ApiError::unreachable(format!("{server}: {error}"));
        let shown = self.target.credential.show().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(self.target.address.uri(path))
            .header(ACCEPT, accept)
            .header(USER_AGENT, concat!("backstay-console/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &shown.token {
            request = request.header(AUTHORIZATION, client::bearer(token)?);
        }
        // The Fastly API knows callers by a header of its own, and takes any key where nobody is asked who they are.
        if !path.starts_with("/api") {
            let key = shown.token.as_ref().map_or("backstay-console", Secret::expose);
            let mut key = http::HeaderValue::try_from(key).map_err(|error| broke(&error))?;
            key.set_sensitive(true);
            request = request.header("fastly-key", key);
        }
        let mut content = Bytes::new();
        if let Some((media_type, bytes)) = body {
            request = request.header(CONTENT_TYPE, media_type);
            content = bytes;
        }
        let request = request.body(Full::new(content)).map_err(|error| broke(&error))?;
        let response = self.client(&shown).await?.request(request).await;
        let response = response.map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            ApiError::unreachable(format!("{server} cannot be reached: {cause}"))
        })?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|error| broke(&error))?;
        let bytes = bytes.to_bytes();
        if status.is_success() {
            return Ok(bytes);
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let said = value["message"].as_str().or_else(|| value["detail"].as_str()).or_else(|| value["msg"].as_str());
        Err(ApiError { status: Some(status), message: said.map_or_else(|| status.to_string(), str::to_owned) })
    }

    async fn client(&self, shown: &Shown) -> Result<Http, ApiError> {
        let mut known = self.http.lock().await;
        if let Some((certificate, client)) = &*known
            && *certificate == shown.certificate
        {
            return Ok(client.clone());
        }
        let connector = client::connector(&self.target, shown, Protocol::Http1)?;
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        *known = Some((shown.certificate.clone(), client.clone()));
        Ok(client)
    }

    /// A connection for gRPC, and the token that goes with each call.
    async fn channel(&self) -> Result<(Channel, Option<AsciiMetadataValue>), ApiError> {
        let shown = self.target.credential.show().await?;
        let connector = client::connector(&self.target, &shown, Protocol::Http2)?;
        let token = shown.token.as_ref().map(client::bearer).transpose()?;
        let token = token.and_then(|token| AsciiMetadataValue::try_from(token.as_bytes()).ok());
        let broke = |error: tonic::transport::Error| ApiError::unreachable(format!("{}: {error}", self.server()));
        // The connector knows whether there is TLS.
        let uri = self.server().replacen("https://", "http://", 1);
        let endpoint = Endpoint::from_shared(uri).map_err(broke)?.connect_timeout(TIMEOUT).timeout(TIMEOUT);
        Ok((endpoint.connect_with_connector(connector).await.map_err(broke)?, token))
    }
}

fn taken(value: &mut Value) -> Vec<Value> {
    match value.take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// A segment of a path, or a value in a query.
pub(crate) fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
