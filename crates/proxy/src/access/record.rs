//! What the access log says about a request.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backstay_trace::{Incoming, SpanId, TraceId};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};

use super::plan::{Captured, Plan};
use crate::counts::CallOutcome;
use crate::local_reply::Flag;

/// What the access log says about a request. Everything a client wrote is kept as it came and escaped when written.
#[derive(Debug)]
pub struct Record {
    /// What its line is made of.
    pub(crate) plan: Arc<Plan>,
    /// Whether it has one; if not, it is kept to be told of as a span.
    pub(crate) logged: bool,
    pub(crate) start: SystemTime,
    pub(crate) client: SocketAddr,
    /// The address that the client connected to.
    pub(crate) local: SocketAddr,
    /// Whether the client speaks TLS; how is said where it is asked for.
    pub(crate) secure: bool,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) method: Method,
    pub(crate) authority: Option<HeaderValue>,
    pub(crate) target: Uri,
    pub(crate) protocol: Version,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) request_id: Option<HeaderValue>,
    /// The trace that it is part of.
    pub(crate) trace: Option<InTrace>,
    pub(crate) request_headers: Captured,
    pub(crate) response_headers: Captured,
    pub(crate) trailers: Captured,
    pub(crate) status: u16,
    pub(crate) flag: Flag,
    /// Why it was not tried again.
    pub(crate) retry_flag: Flag,
    pub(crate) details: Cow<'static, str>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) duration: Duration,
    /// When there was the head of the endpoint's answer.
    pub(crate) response_after: Option<Duration>,
    /// The endpoint that answered, or that was tried last.
    pub(crate) upstream: Option<SocketAddr>,
    /// This end of the connection to it, where lines tell it.
    pub(crate) upstream_local: Option<SocketAddr>,
    /// When it was given to a connection to that endpoint, if it was.
    pub(crate) sent: Option<Instant>,
    /// When it began, by the same clock.
    pub(crate) begun: Instant,
    /// Headers that somebody who looks has asked for.
    pub(crate) headers: Box<[(HeaderName, HeaderValue)]>,
    /// How often the request was tried; 0 where the proxy answered without.
    pub(crate) attempts: u32,
    pub(crate) route: Option<Arc<str>>,
    /// What of its path the route matches, where it is traced.
    pub(crate) matched: Option<Box<str>>,
    pub(crate) backend: Option<Arc<str>>,
    /// The destination that a sequence has selected.
    pub(crate) destination: Option<Arc<str>>,
    /// Why there is no answer from it.
    pub(crate) cause: Option<&'static str>,
    /// The calls of a composition.
    pub(crate) calls: Box<[CallRecord]>,
}

/// The trace that a request is part of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InTrace {
    pub(crate) id: TraceId,
    /// The proxy's own span, where one is recorded.
    pub(crate) span: Option<SpanId>,
}

/// How a client speaks TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientTls {
    /// `TLSv1.2` or `TLSv1.3`.
    pub(crate) version: &'static str,
    /// The cipher suite, as the IANA calls it.
    pub(crate) cipher: &'static str,
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

/// The connection that a request came on, as far as its line tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came<'a> {
    pub(crate) client: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) secure: bool,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) server_name: Option<&'a str>,
}

impl Record {
    pub(crate) fn start<B>(plan: Arc<Plan>, came: Came<'_>, request: &Request<B>) -> Self {
        let parent = Incoming::read(request.headers()).and_then(|incoming| incoming.parent);
        Self {
            start: SystemTime::now(),
            client: came.client,
            local: came.local,
            secure: came.secure,
            tls: came.tls,
            server_name: came.server_name.filter(|_| plan.tells_tls).map(Into::into),
            method: request.method().clone(),
            authority: None,
            target: request.uri().clone(),
            protocol: request.version(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            request_id: None,
            trace: parent.map(|parent| InTrace { id: parent.trace, span: None }),
            request_headers: plan.of_request(request.headers()),
            response_headers: Box::default(),
            trailers: Box::default(),
            // Stays when the client leaves before there is an answer, as in Envoy's log.
            status: 0,
            retry_flag: Flag::None,
            flag: Flag::DownstreamConnectionTermination,
            details: Cow::Borrowed("downstream_remote_disconnect"),
            bytes_in: 0,
            bytes_out: 0,
            duration: Duration::ZERO,
            response_after: None,
            upstream: None,
            upstream_local: None,
            sent: None,
            begun: Instant::now(),
            headers: Box::default(),
            attempts: 0,
            route: None,
            matched: None,
            backend: None,
            destination: None,
            cause: None,
            calls: Box::default(),
            plan,
            logged: true,
        }
    }

    /// The headers that go on are these: those that tell of the client are made.
    pub(crate) fn going_on(&mut self, headers: &HeaderMap) {
        let plan = Arc::clone(&self.plan);
        plan.complete(&mut self.request_headers, headers);
    }

    /// Whether something went wrong that has a flag.
    pub(crate) fn is_flagged(&self) -> bool {
        self.flag != Flag::None || self.retry_flag != Flag::None
    }

    /// What went wrong, in Envoy's letters.
    pub(crate) fn flags(&self) -> Cow<'static, str> {
        flags(self.flag, self.retry_flag)
    }

    /// Path and query as they came.
    pub(super) fn path(&self) -> &str {
        self.target.path_and_query().map_or("", http::uri::PathAndQuery::as_str)
    }

    /// Whether a sequence has something to tell of it.
    pub(super) fn is_of_destination(&self) -> bool {
        self.destination.is_some() || self.cause.is_some()
    }

    /// How long the endpoint had the request that answered or was tried last; `None` where none had it.
    pub(crate) fn upstream_time(&self) -> Option<Duration> {
        Some((self.begun + self.duration).saturating_duration_since(self.sent?))
    }
}

pub(super) fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
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
