//! Reading requests.

use std::borrow::Cow;

use axum::body::Body;
use backstay_auth::Identity;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;

use super::failure::Failure;
use super::form::Fields;
use super::options::Options;

/// A request, read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The parts of its path, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) fields: Fields,
    pub(crate) identity: Identity,
    /// Where the client says that it sent it.
    pub(crate) origin: String,
    pub(crate) headers: HeaderMap,
}

/// The parts of a path: split at slashes first, then decoded, so that a name may hold a slash. None when a name is no text.
pub(crate) fn split(path: &str) -> Option<Vec<String>> {
    let decode = |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8().ok().map(Cow::into_owned);
    path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

impl Call {
    /// Reads everything of a request.
    pub(crate) async fn read(options: &Options, parts: Parts, body: Body, identity: Identity) -> Result<Self, Failure> {
        let path = split(parts.uri.path()).ok_or_else(|| Failure::bad_request("The path is not UTF-8 text"))?;
        let body = receive(options, body).await?;
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let fields = Fields::read(content_type, &body).map_err(|error| Failure::bad_request(error.to_string()))?;
        let query = parts.uri.query().unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or("localhost");
        let origin = format!("http://{host}");
        Ok(Self { method: parts.method, path, query, fields, identity, origin, headers: parts.headers })
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

async fn receive(options: &Options, body: Body) -> Result<bytes::Bytes, Failure> {
    let limit = options.max_body_bytes;
    let collected = timeout(options.body_timeout, Limited::new(body, limit).collect()).await;
    match collected.map_err(|_| Failure::slow_body())? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::too_large(limit)),
        Err(error) => Err(Failure::bad_request(format!("The body could not be read: {error}"))),
    }
}
