//! What the access log says about a request.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::counts::CallOutcome;
use crate::local_reply::Flag;

/// What the access log says about a request. Everything a client wrote is kept as it came and escaped when written.
#[derive(Debug)]
pub struct Record {
    pub(crate) start: SystemTime,
    pub(crate) client: SocketAddr,
    pub(crate) method: Method,
    pub(crate) authority: Option<HeaderValue>,
    pub(crate) target: Uri,
    pub(crate) protocol: Version,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) request_id: Option<HeaderValue>,
    pub(crate) status: u16,
    pub(crate) flag: Flag,
    /// Why it was not tried again.
    pub(crate) retry_flag: Flag,
    pub(crate) details: Cow<'static, str>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) duration: Duration,
    /// The endpoint that answered, or that was tried last.
    pub(crate) upstream: Option<SocketAddr>,
    /// When it was given to a connection to that endpoint, if it was.
    pub(crate) sent: Option<Instant>,
    /// When it began, by the same clock.
    pub(crate) begun: Instant,
    /// Headers that somebody who looks has asked for.
    pub(crate) headers: Box<[(HeaderName, HeaderValue)]>,
    /// How often the request was tried; 0 where the proxy answered without.
    pub(crate) attempts: u32,
    pub(crate) route: Option<Arc<str>>,
    pub(crate) backend: Option<Arc<str>>,
    /// The destination that a sequence has selected.
    pub(crate) destination: Option<Arc<str>>,
    /// Why there is no answer from it.
    pub(crate) cause: Option<&'static str>,
    /// The calls of a composition.
    pub(crate) calls: Box<[CallRecord]>,
}

/// What the access log says about a call of a composition.
#[derive(Debug)]
pub(crate) struct CallRecord {
    pub(crate) name: Arc<str>,
    pub(crate) outcome: CallOutcome,
    pub(crate) duration: Duration,
    /// The endpoint that answered.
    pub(crate) upstream: Option<SocketAddr>,
}

impl Serialize for CallRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("outcome", self.outcome.as_str())?;
        map.serialize_entry("duration_ms", &(self.duration.as_micros() as f64 / 1000.0))?;
        map.serialize_entry("upstream", &self.upstream)?;
        map.end()
    }
}

impl Record {
    pub(crate) fn start<B>(client: SocketAddr, request: &Request<B>) -> Self {
        Self {
            start: SystemTime::now(),
            client,
            method: request.method().clone(),
            authority: None,
            target: request.uri().clone(),
            protocol: request.version(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            request_id: None,
            // Stays when the client leaves before there is an answer, as in Envoy's log.
            status: 0,
            retry_flag: Flag::None,
            flag: Flag::DownstreamConnectionTermination,
            details: Cow::Borrowed("downstream_remote_disconnect"),
            bytes_in: 0,
            bytes_out: 0,
            duration: Duration::ZERO,
            upstream: None,
            sent: None,
            begun: Instant::now(),
            headers: Box::default(),
            attempts: 0,
            route: None,
            backend: None,
            destination: None,
            cause: None,
            calls: Box::default(),
        }
    }

    /// How long the endpoint had the request that answered or was tried last; `None` where none had it.
    pub(crate) fn upstream_time(&self) -> Option<Duration> {
        Some((self.begun + self.duration).saturating_duration_since(self.sent?))
    }
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A clock that is set beyond what a date can say is the year 1970.
        let start = Timestamp::try_from(self.start).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start_time", &format_args!("{start:.6}"))?;
        map.serialize_entry("method", self.method.as_str())?;
        map.serialize_entry("authority", &self.authority.as_ref().map(text))?;
        map.serialize_entry("path", &self.target.path_and_query().map_or("", http::uri::PathAndQuery::as_str))?;
        map.serialize_entry("protocol", protocol(self.protocol))?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("flags", &flags(self.flag, self.retry_flag))?;
        map.serialize_entry("details", &self.details)?;
        map.serialize_entry("bytes_received", &self.bytes_in)?;
        map.serialize_entry("bytes_sent", &self.bytes_out)?;
        map.serialize_entry("duration_ms", &(self.duration.as_micros() as f64 / 1000.0))?;
        map.serialize_entry("upstream", &self.upstream)?;
        map.serialize_entry("attempts", &self.attempts)?;
        if let Some(time) = self.upstream_time() {
            map.serialize_entry("upstream_ms", &(time.as_micros() as f64 / 1000.0))?;
        }
        map.serialize_entry("route", &self.route)?;
        map.serialize_entry("backend", &self.backend)?;
        if self.destination.is_some() || self.cause.is_some() {
            map.serialize_entry("destination", &self.destination)?;
            map.serialize_entry("cause", &self.cause)?;
        }
        if !self.calls.is_empty() {
            map.serialize_entry("calls", &self.calls)?;
        }
        map.serialize_entry("request_id", &self.request_id.as_ref().map(text))?;
        map.serialize_entry("client", &self.client)?;
        map.serialize_entry("user_agent", &self.user_agent.as_ref().map(text))?;
        map.end()
    }
}

/// The flags of a request, as they are written.
pub(crate) fn flags(flag: Flag, retry: Flag) -> Cow<'static, str> {
    match (flag, retry) {
        (only, Flag::None) | (Flag::None, only) => only.as_str().into(),
        (flag, retry) if flag == retry => flag.as_str().into(),
        // In Envoy's order, by when each is known.
        (flag, retry) => format!("{},{}", retry.as_str(), flag.as_str()).into(),
    }
}

/// What a version of HTTP is called.
pub(crate) fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}
