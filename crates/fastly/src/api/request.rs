//! Reading requests.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use backstay_auth::User;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::failure::Failure;
use super::form::Fields;
use super::shared::{Api, BODY_UNIT};

/// A request, read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The parts of its path, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) fields: Fields,
    pub(crate) identity: Arc<User>,
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
    pub(crate) async fn read(api: &Api, parts: Parts, body: Body, identity: Arc<User>) -> Result<Self, Failure> {
        let path = split(parts.uri.path()).ok_or_else(|| Failure::bad_request("The path is not UTF-8 text"))?;
        let received = receive(api, body).await?;
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let fields =
            Fields::read(content_type, &received.bytes).map_err(|error| Failure::bad_request(error.to_string()))?;
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

/// The whole body, if it arrives in time and there is room for it.
async fn receive(api: &Api, body: Body) -> Result<Received<'_>, Failure> {
    let limit = api.options.body_timeout;
    timeout(limit, arrive(api, body)).await.unwrap_or_else(|_| Err(Failure::slow_body()))
}

async fn arrive(api: &Api, mut body: Body) -> Result<Received<'_>, Failure> {
    let limit = api.options.max_body_bytes;
    let mut received = Received { bytes: Vec::new(), room: None };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::bad_request(format!("The body could not be read: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if received.bytes.len() + data.len() > limit {
            return Err(Failure::too_large(limit));
        }
        received.extend(api, &data)?;
    }
    Ok(received)
}

/// A body that has arrived, or what has of it. Gives its room back when it is dropped.
#[derive(Debug)]
struct Received<'a> {
    bytes: Vec<u8>,
    room: Option<SemaphorePermit<'a>>,
}

impl<'a> Received<'a> {
    fn extend(&mut self, api: &'a Api, data: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(data);
        let held = self.room.as_ref().map_or(0, SemaphorePermit::num_permits);
        let needed = self.bytes.len().div_ceil(BODY_UNIT).saturating_sub(held);
        let Some(needed) = u32::try_from(needed).ok().filter(|needed| *needed > 0) else { return Ok(()) };
        let more = api.bodies.try_acquire_many(needed).map_err(|_| {
            api.options.meter.limited("max_bodies_bytes");
            Failure::too_many_requests()
        })?;
        match &mut self.room {
            Some(room) => room.merge(more),
            room => *room = Some(more),
        }
        Ok(())
    }
}
