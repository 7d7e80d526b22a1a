//! A client of the control plane's REST API: what the subcommands need, with TLS or without.

mod apply;
mod args;
mod connector;
mod discovery;
mod error;
mod merge;
mod segment;
mod server;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use backstay_certificate::ClientFiles;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};

pub(crate) use self::apply::apply;
pub(crate) use self::args::ServerArgs;
use self::connector::Connector;
pub(crate) use self::discovery::{Discovery, ResourceType};
pub(crate) use self::error::{Error, Status};
pub(crate) use self::segment::{Segment, escape};
pub(crate) use self::server::Server;
pub(crate) use self::watch::Watch;

/// To establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
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

/// A client of one control plane.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    server: Server,
    http: HttpClient<Connector, Full<Bytes>>,
    grpc: Connector,
    /// File of the token that is sent with each request, and read for each.
    token: Option<PathBuf>,
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
    /// A client of the control plane at `server`. Connects when it is first used.
    pub(crate) fn new(server: Server) -> Self {
        Self::trusting(server, ClientFiles::default(), None)
    }

    /// A client that trusts and shows what is in these files.
    pub(crate) fn trusting(server: Server, files: ClientFiles, token: Option<PathBuf>) -> Self {
        let grpc = Connector::new(files.clone(), &[b"h2"], CONNECT_TIMEOUT);
        let connector = Connector::new(files, &[b"http/1.1"], CONNECT_TIMEOUT);
        let http = HttpClient::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Self { server, http, grpc, token, fastly_key: None }
    }

    /// Sends this token with every request.
    pub(crate) fn with_fastly_key(self, key: String) -> Self {
        Self { fastly_key: Some(FastlyKey(key)), ..self }
    }

    /// A channel for gRPC to the same control plane.
    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        let endpoint =
            Endpoint::from_shared(self.server.uri("")).map_err(|error| Error::unreachable(&self.server, &error))?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT);
        let channel = endpoint.connect_with_connector(self.grpc.clone()).await;
        channel.map_err(|error| Error::unreachable(&self.server, &error))
    }

    /// What is sent to prove who asks, if anything.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        let Some(path) = &self.token else { return Ok(None) };
        let unfit = |reason: String| Error::Token { path: path.clone(), reason };
        let token = std::fs::read_to_string(path).map_err(|error| unfit(error.to_string()))?;
        let value = HeaderValue::try_from(format!("Bearer {}", token.trim()));
        let mut value = value.map_err(|_| unfit("a token is one line of visible ASCII".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
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
        if let Some(value) = self.authorization()? {
            request = request.header(AUTHORIZATION, value);
        }
        let mut content = Bytes::new();
        if let Some((media_type, value)) = body {
            request = request.header(CONTENT_TYPE, media_type);
            content = Bytes::from(value.to_string());
        }
        let request = request.body(Full::new(content)).map_err(|source| self.malformed(path, &source))?;
        let response = self.http.request(request).await.map_err(|error| Error::unreachable(&self.server, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status();
        let body = self.read(response.into_body()).await?;
        Err(Error::Refused(Status::of(code, &body)))
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
