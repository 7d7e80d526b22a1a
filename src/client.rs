//! A client of the control plane's API: what the subcommands need, over TLS where the address asks for it.

mod apply;
mod args;
mod discovery;
mod error;
mod merge;
mod segment;
mod server;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use backstay_api_client::credential::Shown;
use backstay_api_client::{Connector, Protocol, Target, client};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::sync::OnceCell;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint};

pub(crate) use self::apply::apply;
pub(crate) use self::args::ServerArgs;
pub(crate) use self::discovery::{Discovery, ResourceType};
pub(crate) use self::error::{Error, Status};
pub(crate) use self::segment::{Segment, escape};
pub(crate) use self::server::Server;
pub(crate) use self::watch::Watch;

/// From the request to the answer's last byte; watches are exempt.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Larger answers are refused. Lists are read in pages, so nothing honest comes near.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;
/// Objects per page of a list.
pub(crate) const PAGE: usize = 500;

/// Media type of objects.
pub(crate) const JSON: &str = "application/json";
/// Media type of a merge patch.
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
/// Media types for tables rendered by the server.
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

type Http = HttpClient<Connector, Full<Bytes>>;

/// A client of one control plane.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    server: Server,
    target: Arc<Target>,
    /// Made with the first request: what is shown to the server may have to be asked for.
    http: Arc<OnceCell<Http>>,
    /// For the Fastly API.
    fastly_key: Option<FastlyKey>,
}

/// A token. Its debug output does not have it.
#[derive(Clone)]
struct FastlyKey(String);

impl std::fmt::Debug for FastlyKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(hidden)")
    }
}

impl Client {
    /// A client of a control plane. Connects when it is first used.
    pub(crate) fn of(target: Target) -> Self {
        let server = Server::of(&target.address);
        Self { server, target: Arc::new(target), http: Arc::default(), fastly_key: None }
    }

    /// Sends this token with every request.
    pub(crate) fn with_fastly_key(self, key: String) -> Self {
        Self { fastly_key: Some(FastlyKey(key)), ..self }
    }

    /// Whether it says who asks.
    pub(crate) fn has_credential(&self) -> bool {
        self.target.credential.is_some()
    }

    /// Where it is, and as whom it is asked.
    pub(crate) fn target(&self) -> Target {
        Target::clone(&self.target)
    }

    /// Whom it asks.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Sends a request without a body and reads the answer as JSON.
    pub(crate) async fn get(&self, path: &str, accept: &str) -> Result<Value, Error> {
        self.call(Method::GET, path, accept, None).await
    }

    /// Sends a request and reads the answer as JSON.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Value, Error> {
        let exchange = async {
            let response = self.send(method, path, accept, body).await?;
            let bytes = self.read(response.into_body()).await?;
            serde_json::from_slice(&bytes).map_err(|source| self.malformed(path, &source))
        };
        tokio::time::timeout(REQUEST_TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err(Error::Timeout { server: self.server.clone(), after: REQUEST_TIMEOUT }))
    }

    /// Starts a watch. The answer's head must arrive in time; events may take as long as they take.
    pub(crate) async fn watch(&self, path: &str, accept: &str) -> Result<Watch, Error> {
        let head = tokio::time::timeout(REQUEST_TIMEOUT, self.send(Method::GET, path, accept, None)).await;
        let response = head.map_err(|_| Error::Timeout { server: self.server.clone(), after: REQUEST_TIMEOUT })??;
        Ok(Watch::new(self.server.clone(), response.into_body()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Response<Incoming>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.server.uri(path))
            .header(ACCEPT, accept)
            .header(USER_AGENT, concat!("backstay/", env!("CARGO_PKG_VERSION")));
        if let Some(FastlyKey(key)) = &self.fastly_key {
            request = request.header("fastly-key", key);
        }
        let shown = self.target.credential.show().await?;
        // The key of the Fastly API is who sends it, where there is one.
        if let (Some(token), None) = (&shown.token, &self.fastly_key) {
            request = request.header(AUTHORIZATION, client::bearer(token)?);
        }
        let mut content = Bytes::new();
        if let Some((media_type, value)) = body {
            request = request.header(CONTENT_TYPE, media_type);
            content = Bytes::from(value.to_string());
        }
        let request = request.body(Full::new(content)).map_err(|source| self.malformed(path, &source))?;
        let http = self.http.get_or_try_init(|| async { self.connect(&shown) }).await?;
        let response = http.request(request).await.map_err(|error| Error::unreachable(&self.server, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status();
        let body = self.read(response.into_body()).await?;
        Err(Error::Refused(Status::of(code, &body)))
    }

    fn connect(&self, shown: &Shown) -> Result<Http, Error> {
        let connector = client::connector(&self.target, shown, Protocol::Http1)?;
        Ok(HttpClient::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
    }

    /// A connection for gRPC, and the token that goes with each call.
    ///
    /// # Errors
    /// When there is none in time.
    pub(crate) async fn channel(&self, timeout: Duration) -> Result<(Channel, Option<AsciiMetadataValue>), Error> {
        let shown = self.target.credential.show().await?;
        let connector = client::connector(&self.target, &shown, Protocol::Http2)?;
        let token = shown.token.as_ref().map(client::bearer).transpose()?;
        let token = token.and_then(|token| AsciiMetadataValue::try_from(token.as_bytes()).ok());
        let unreachable = |error: tonic::transport::Error| Error::unreachable(&self.server, &error);
        // The connector knows whether there is TLS.
        let uri = self.server.uri("").replacen("https://", "http://", 1);
        let endpoint = Endpoint::from_shared(uri).map_err(unreachable)?.connect_timeout(timeout).timeout(timeout);
        let channel = endpoint.connect_with_connector(connector).await.map_err(unreachable)?;
        Ok((channel, token))
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Error> {
        let read = Limited::new(body, MAX_RESPONSE_BYTES).collect().await;
        read.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() {
                return Error::TooLarge { server: self.server.clone(), limit: MAX_RESPONSE_BYTES };
            }
            Error::unreachable(&self.server, &*error)
        })
    }

    fn malformed(&self, path: &str, reason: &dyn std::fmt::Display) -> Error {
        Error::Malformed { server: self.server.clone(), path: path.to_owned(), reason: reason.to_string() }
    }
}
