//! A request in flight, and the connection that it came on: what whoever serves it is told of both.

mod client;
mod interim;
mod service;
mod stream_tunnel;
mod upgrade;

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request, StatusCode, Version};

use backstay_model::ClientLimits;
use backstay_model::route::PathMatch;

use crate::access::{Came, InTrace, Log, Record};
use crate::activity::{Cause, StreamActivity};
use crate::counts::Measured;
use crate::data_thread::Shared;
use crate::live::Live;
use crate::trace::{RequestTrace, Tracing};
use crate::trust::{Connection, Origin};

pub(crate) use client::{ClientConnection, ClientPermit};
pub(crate) use interim::Interims;
pub(crate) use service::Service;
pub(crate) use stream_tunnel::StreamTunnel;
pub(crate) use upgrade::{ClientTunnel, ClientUpgrade, StreamUpgrade};

/// What a request expects of an answer, whoever gives it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplyFormat {
    /// No body.
    pub(crate) head: bool,
    /// A gRPC status instead of an HTTP one.
    pub(crate) grpc: bool,
    /// Interim answers may come before it (RFC 9110, 15.2).
    pub(crate) interim: bool,
}

/// A request in flight: from its head to the last byte of its answer, or the end of the tunnel it became.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) client: Rc<ClientConnection>,
    /// Where the request comes from, where a proxy that is believed has passed it on.
    pub(crate) origin: Option<Box<Origin>>,
    pub(crate) started: Instant,
    /// What an answer of the proxy's own must look like.
    pub(crate) format: ReplyFormat,
    /// Line for the access log, when there is one, or for whoever looks.
    pub(crate) record: Option<Box<Record>>,
    /// What is recorded of it, where it is sampled.
    pub(crate) trace: Option<Rc<RequestTrace>>,
    /// What it is told apart by, where a collector is told how long requests took.
    measured: Option<Measured>,
    /// How far the request has come, where it shares its connection with others (HTTP/2).
    pub(crate) stream: Option<Rc<StreamActivity>>,
}

impl Exchange {
    /// `request` has come, on `stream` if it shares its connection with others.
    pub(crate) fn start<B>(
        client: &Rc<ClientConnection>,
        request: &Request<B>,
        stream: Option<Rc<StreamActivity>>,
    ) -> Self {
        let Shared { limits, metrics, trust, access_log, tracing, live, .. } = &*client.thread.shared;
        if client.activity.enter() == limits.max_streams && client.is_multiplexed() {
            metrics.streams_full.increment(1);
        }
        let connection =
            Connection { peer: client.peer, peer_value: &client.peer_value, secure: client.secure, port: client.port };
        let origin = trust.origin(request.headers(), connection);
        let came = || match &origin {
            Some(origin) => Came { client: origin.client, secure: origin.secure, ..client.came() },
            None => client.came(),
        };
        let (started, plan) = (Instant::now(), access_log.as_ref().and_then(Log::plan));
        let trace = match tracing.is_on() {
            true => tracing.begin(request.headers(), started, || client.thread.random()),
            false => None,
        };
        let mut record = plan.map(|plan| Box::new(Record::start(plan, came(), request)));
        if let Some(trace) = &trace {
            Self::note_trace(&mut record, trace, tracing, came(), request);
        }
        if live.is_watched() {
            Self::note_watched(&mut record, live, tracing, came(), request);
        }
        let format = ReplyFormat {
            head: request.method() == Method::HEAD,
            grpc: false,
            interim: request.version() > Version::HTTP_10,
        };
        let measured = metrics.request_times.is_on().then(|| {
            let secure = origin.as_ref().map_or(client.secure, |origin| origin.secure);
            Measured::begin(request.method(), request.version(), secure)
        });
        let exchange = Self { client: Rc::clone(client), origin, started, format, record, trace, measured, stream };
        if let Some(limits) = &client.limits {
            exchange.hold_to(limits);
        }
        exchange
    }

    /// Body and answer take no longer than the listener allows.
    #[cold]
    fn hold_to(&self, limits: &ClientLimits) {
        let started = tokio::time::Instant::now();
        let by = |limit: Option<Duration>| limit.and_then(|limit| started.checked_add(limit));
        let (body, answer) = (by(limits.request_timeout), by(limits.response_timeout));
        match &self.stream {
            Some(stream) => stream.allow(body, answer),
            None => self.client.activity.allow(body, answer),
        }
    }

    /// Address and port of whom the request is from.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.origin.as_ref().map_or(self.client.peer, |origin| origin.client)
    }

    /// Address of whom the request is from.
    pub(crate) fn address(&self) -> IpAddr {
        self.peer().ip()
    }

    /// Address of whom the request is from, as a header carries it.
    pub(crate) fn address_value(&self) -> &HeaderValue {
        self.origin.as_ref().map_or(&self.client.peer_value, |origin| &origin.client_value)
    }

    /// Whether whom the request is from speaks TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.origin.as_ref().map_or(self.client.secure, |origin| origin.secure)
    }

    /// `http` or `https`, as whom the request is from speaks.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    /// The port that whom the request is from has connected to.
    pub(crate) fn port(&self) -> u16 {
        self.origin.as_ref().map_or(self.client.port, |origin| origin.port)
    }

    /// Notes that the request is traced.
    #[cold]
    fn note_trace<B>(
        record: &mut Option<Box<Record>>,
        trace: &RequestTrace,
        tracing: &Tracing,
        came: Came<'_>,
        request: &Request<B>,
    ) {
        let record = record.get_or_insert_with(|| Self::unlogged(tracing, came, request));
        record.trace = Some(InTrace { id: trace.id, span: Some(trace.span) });
    }

    /// Notes what of the request whoever looks has asked for.
    #[cold]
    fn note_watched<B>(
        record: &mut Option<Box<Record>>,
        live: &Live,
        tracing: &Tracing,
        came: Came<'_>,
        request: &Request<B>,
    ) {
        let record = record.get_or_insert_with(|| Self::unlogged(tracing, came, request));
        record.headers = live.headers(request.headers());
    }

    /// What is told of a request comes of a record, whether or not it has a line.
    fn unlogged<B>(tracing: &Tracing, came: Came<'_>, request: &Request<B>) -> Box<Record> {
        let mut record = Record::start(Arc::clone(&tracing.plan), came, request);
        record.logged = false;
        Box::new(record)
    }

    /// The answer, which has begun, must have ended at `end`, whether or not the client reads it.
    pub(crate) fn end_by(&self, end: Option<tokio::time::Instant>) {
        match &self.stream {
            Some(stream) => stream.end_by(end),
            None => self.client.activity.end_by(end),
        }
    }

    /// The request ends before its end, because of `cause` unless another cause came before.
    pub(crate) fn ends(&self, cause: Cause) {
        if self.cause().is_none() {
            match &self.stream {
                Some(stream) => stream.cause().set(cause),
                None => self.client.activity.cause().set(cause),
            }
        }
    }

    /// Nobody waits for the answer any more, which should have ended at `due`. Returns why.
    pub(crate) fn left(&self, due: Option<tokio::time::Instant>) -> Cause {
        // A client that leaves is noticed at once, a time that is over perhaps not: it came first.
        let cause = if due.is_some_and(|due| due <= tokio::time::Instant::now()) {
            Cause::Deadline
        } else if self.client.thread.registry.has_ended() {
            Cause::Shutdown
        } else {
            Cause::Client
        };
        self.ends(cause);
        self.cause().unwrap_or(cause)
    }

    /// Why the request ends before its end, if it does.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let of_stream = self.stream.as_ref().and_then(|stream| stream.cause().get());
        of_stream.or_else(|| self.client.activity.cause().get())
    }

    /// Where interim answers go; `None` where the client knows none.
    pub(crate) fn interims(&self) -> Option<Interims> {
        self.format.interim.then(|| Interims::new(&self.client, self.stream.as_ref()))
    }

    /// The request is for a route, which matches `path`.
    #[inline]
    pub(crate) fn is_for(&mut self, path: &PathMatch) {
        if let Some(measured) = &mut self.measured {
            measured.route = self.client.thread.route_number(path);
        }
    }

    /// The client is told this.
    #[inline]
    pub(crate) fn answered(&mut self, status: StatusCode) {
        if let Some(measured) = &mut self.measured {
            measured.answered(status);
        }
    }

    /// Notes something for the access log.
    pub(crate) fn note(&mut self, note: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            note(record);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let told = self.record.as_ref().and_then(|_| self.cause()?.told());
        self.client.activity.leave();
        if let Some(measured) = &self.measured {
            let trace = self.trace.as_deref().map(RequestTrace::ids);
            self.client.thread.measure(measured, self.started.elapsed(), trace);
        }
        if let Some(mut record) = self.record.take() {
            if let Some((flag, details)) = told {
                record.flag = flag;
                record.details = details.into();
            }
            record.duration = self.started.elapsed();
            let thread = &self.client.thread;
            if thread.shared.live.is_watched() {
                thread.shared.live.ended(&record);
            }
            if let Some(trace) = &self.trace {
                trace.tell(&record, &thread.spans);
            }
            let Some(log) = thread.shared.access_log.as_ref().filter(|_| record.logged) else { return };
            let draw = |below| thread.random_below(below);
            if !record.plan.filter.passes(record.status, record.duration, record.is_flagged(), draw) {
                return;
            }
            if !log.write(record) {
                self.client.thread.shared.metrics.log_lines_dropped.increment(1);
            }
        }
    }
}
