//! Requests to a server: a document for a document.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::address::Address;
use crate::connect::{Connector, Protocol};
use crate::credential::{Secret, Shown};
use crate::error::Error;
use crate::kubeconfig::Target;

/// From the request to the last byte of its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most of an answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// What documents are sent as, and those that are applied.
const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

type Http = Client<Connector, Full<Bytes>>;
/// Chain and key, PEM.
type Certificate = (Vec<u8>, Secret);

/// A server that is asked questions.
#[derive(Debug)]
pub struct ApiServer {
    target: Target,
    /// The client, and the certificate that it shows: another is made for another.
    client: Mutex<Option<(Option<Certificate>, Http)>>,
}

impl ApiServer {
    /// A server. Connects when it is first asked.
    ///
    /// # Errors
    /// When its authorities cannot be used, or a credential would be sent where others can read it.
    pub fn new(target: Target) -> Result<Self, Error> {
        if target.credential.is_some() && !target.address.is_private() {
            return Err(Error::Exposed(target.address.to_string()));
        }
        connector(&target, &Shown::default(), Protocol::Http1)?;
        Ok(Self { target, client: Mutex::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.target.address
    }

    /// Sends a document, and reads the one that is answered.
    ///
    /// # Errors
    /// When there is no answer in time, or it is a refusal, or no document.
    pub async fn post(&self, path: &str, document: &Value) -> Result<Value, Error> {
        let body = Bytes::from(document.to_string());
        let bytes = self.call((Method::POST, JSON), &self.target.address.uri(path), body).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.malformed(error))
    }

    /// Applies a document on the server, as `manager`, whose fields in it become what the document says, whoever had them before. It is
    /// made where it is not there. Source: Kubernetes, server-side apply.
    ///
    /// # Errors
    /// When there is no answer in time, or it is a refusal.
    pub async fn apply(&self, path: &str, manager: &str, document: &Value) -> Result<(), Error> {
        let url = format!("{}?fieldManager={manager}&force=true", self.target.address.uri(path));
        // JSON is YAML.
        self.call((Method::PATCH, APPLY), &url, Bytes::from(document.to_string())).await.map(drop)
    }

    /// Reads a document at a whole URL of the same server.
    ///
    /// # Errors
    /// When there is no answer in time, or it is a refusal.
    pub async fn get(&self, url: &str) -> Result<Bytes, Error> {
        self.call((Method::GET, JSON), url, Bytes::new()).await
    }

    async fn call(&self, method: (Method, &'static str), url: &str, body: Bytes) -> Result<Bytes, Error> {
        let late = |_| self.unreachable(format!("no answer within {} s", TIMEOUT.as_secs()));
        tokio::time::timeout(TIMEOUT, self.exchange(method, url, body)).await.map_err(late)?
    }

    async fn exchange(
        &self,
        (method, content_type): (Method, &'static str),
        url: &str,
        body: Bytes,
    ) -> Result<Bytes, Error> {
        let shown = self.target.credential.show().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("backstay/", env!("CARGO_PKG_VERSION")));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(token) = &shown.token {
            request = request.header(AUTHORIZATION, bearer(token)?);
        }
        let request = request.body(Full::new(body)).map_err(|error| self.malformed(error))?;
        let client = self.client(&shown).await?;
        let response = client.request(request).await.map_err(|error| self.unreachable(causes(&error)))?;
        let code = response.status();
        if !code.is_success() {
            return Err(Error::Refused { server: self.target.address.to_string(), code: code.as_u16() });
        }
        let read = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        Ok(read.map_err(|error| self.unreachable(error.to_string()))?.to_bytes())
    }

    async fn client(&self, shown: &Shown) -> Result<Http, Error> {
        let mut known = self.client.lock().await;
        if let Some((certificate, client)) = &*known
            && *certificate == shown.certificate
        {
            return Ok(client.clone());
        }
        let connector = connector(&self.target, shown, Protocol::Http1)?;
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        *known = Some((shown.certificate.clone(), client.clone()));
        Ok(client)
    }

    fn unreachable(&self, why: String) -> Error {
        Error::Unreachable { server: self.target.address.to_string(), why }
    }

    fn malformed(&self, why: impl std::fmt::Display) -> Error {
        Error::Malformed { server: self.target.address.to_string(), why: why.to_string() }
    }
}

/// What makes connections to a server, showing what there is to show.
///
/// # Errors
/// When its authorities or the certificate cannot be used.
pub fn connector(target: &Target, shown: &Shown, protocol: Protocol) -> Result<Connector, Error> {
    if !target.address.is_tls() {
        return Ok(Connector::plain());
    }
    Connector::tls(target.authorities.as_deref(), target.server_name.clone(), shown, protocol)
}

/// A token as a header has it (RFC 6750, 2.1), which is kept out of debug output.
///
/// # Errors
/// When there are characters in it that no header can have.
pub fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
    let mut value =
        value.map_err(|_| Error::Tls { what: "the token", why: "it cannot be sent in a header".to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error and what it came from.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !told.contains(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        next = error.source();
    }
    told
}
