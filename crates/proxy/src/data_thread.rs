//! What a data thread keeps, for the connections and requests that it serves.
//!
//! Nothing here accepts, reads or answers: the tasks that do share it.
//!
//! # Layout
//!
//! - `registry`: connections from clients, as the sweep and a drain see them. `streams`: the requests among them that share a
//!   connection.
//! - `socket`: what a listening socket serves now. `timers`: those that requests borrow.

mod registry;
mod socket;
mod streams;
mod timers;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backstay_http1::HeadLimits;
use backstay_model::route::PathMatch;
use backstay_proto::otlp::trace::v1::Span;
use backstay_telemetry::Lane;
use backstay_trace::{SpanId, TraceId};
use backstay_upstream::{LINGER, OwnAddresses, Settings};
use http::HeaderValue;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt};
use tokio::time::Instant;

use crate::access;
use crate::body::BodyProgress;
use crate::counts::{Measured, RequestLane, RouteNumber, ServerMetrics};
use crate::limits::Limits;
use crate::live::Live;
use crate::process::Seldom;
use crate::tokens::Grants;
use crate::trace::Tracing;
use crate::trust::Trust;
use crate::upgrades::Upgrades;
use crate::upstream::{Connector, Upstreams};

pub(crate) use registry::{Membership, Registry};
pub(crate) use socket::CurrentSocket;
pub(crate) use streams::Streams;
pub(crate) use timers::{Timer, Timers};

/// What all threads share. Read-only, or counted atomically.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) upgrades: Upgrades,
    pub(crate) trust: Trust,
    pub(crate) metrics: Arc<ServerMetrics>,
    pub(crate) access_log: Option<access::Log>,
    /// Which requests are sampled.
    pub(crate) tracing: Arc<Tracing>,
    /// Who looks at requests while they happen.
    pub(crate) live: Arc<Live>,
    /// Addresses this process listens on.
    pub(crate) own: OwnAddresses,
    /// Tokens that calls carry.
    pub(crate) grants: Grants,
    /// When it was last said that connections are not accepted.
    pub(crate) accept_warned: Seldom,
}

impl Shared {
    /// With no addresses yet.
    pub(crate) fn new(
        limits: Limits,
        (upgrades, trust): (Upgrades, Trust),
        metrics: Arc<ServerMetrics>,
        access_log: Option<access::Log>,
        (tracing, live): (Arc<Tracing>, Arc<Live>),
    ) -> Self {
        Self {
            limits,
            upgrades,
            trust,
            metrics,
            access_log,
            tracing,
            live,
            own: Arc::default(),
            grants: Grants::default(),
            accept_warned: Seldom::default(),
        }
    }
}

/// State of one thread, shared by its tasks.
#[derive(Debug)]
pub(crate) struct DataThread {
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstreams: Upstreams,
    /// Copies of requests in flight.
    pub(crate) mirrors: Cell<usize>,
    pub(crate) registry: Rc<Registry>,
    pub(crate) streams: Rc<Streams>,
    pub(crate) timers: Rc<Timers>,
    /// Where spans of its requests are left.
    pub(crate) spans: Lane<Span>,
    /// How long its requests took, where a collector is told.
    request_times: RefCell<RequestLane>,
    /// Requests that were answered before all of them had arrived, and since when.
    lingering: RefCell<Vec<(Instant, Rc<BodyProgress>)>>,
    random: RefCell<SmallRng>,
    /// How often the thread looks at all that goes on.
    period: Cell<Duration>,
    /// The date as it was last said, and the second that it is right in.
    date: RefCell<(u64, HeaderValue)>,
}

impl DataThread {
    /// A thread that serves nothing yet.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let limits = &shared.limits;
        let settings = Settings {
            stream_window: limits.stream_window,
            head: HeadLimits { max_size: limits.max_head_size, max_headers: limits.max_headers },
            max_idle: limits.max_idle_upstream,
        };
        Self {
            upstreams: Upstreams::new(Connector::new(Arc::clone(&shared.own)), settings),
            spans: shared.tracing.lane(),
            request_times: RefCell::default(),
            mirrors: Cell::new(0),
            registry: Rc::default(),
            streams: Rc::default(),
            timers: Rc::default(),
            lingering: RefCell::default(),
            random: RefCell::new(rand::make_rng()),
            period: Cell::new(limits.sweep_period(None)),
            date: RefCell::new((0, HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))),
            shared,
        }
    }

    /// A number that differs from thread to thread and from start to start. It is not fit for secrets.
    pub(crate) fn random(&self) -> u64 {
        self.random.borrow_mut().next_u64()
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn random_below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.random.borrow_mut().random_range(0..bound) }
    }

    /// The number that requests of the route that matches `path` are measured by.
    pub(crate) fn route_number(&self, path: &PathMatch) -> RouteNumber {
        self.request_times.borrow_mut().route(&self.shared.metrics.request_times, path)
    }

    /// Counts how long a request took, with its trace if it is sampled.
    pub(crate) fn measure(&self, measured: &Measured, took: Duration, trace: Option<(TraceId, SpanId)>) {
        self.request_times.borrow_mut().record(&self.shared.metrics.request_times, measured, took, trace);
    }

    /// The date as answers carry it (RFC 9110, 6.6.1).
    pub(crate) fn date(&self) -> HeaderValue {
        let now = SystemTime::now();
        let second = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut said = self.date.borrow_mut();
        if said.0 != second
            && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(now))
        {
            *said = (second, date);
        }
        said.1.clone()
    }

    /// How long to wait from one sweep to the next.
    pub(crate) fn sweep_period(&self) -> Duration {
        self.period.get()
    }

    /// Times as short as `shortest` are to be kept to, where there are any but the proxy's own.
    pub(crate) fn keep_to(&self, shortest: Option<Duration>) {
        self.period.set(self.shared.limits.sweep_period(shortest));
    }

    /// A request was answered before all of it had arrived: its client has a moment to notice, or to finish.
    pub(crate) fn linger(&self, rest: Rc<BodyProgress>) {
        self.lingering.borrow_mut().push((Instant::now(), rest));
    }

    /// Looks at all that goes on: cuts what is slow, closes what is idle, on both sides.
    pub(crate) fn sweep(&self, now: Instant) {
        let limits = &self.shared.limits;
        let idle = self.registry.sweep(now, limits);
        self.shared.metrics.idle_timeouts.increment(idle);
        let ended = self.streams.sweep(now, limits.stream_idle_timeout);
        self.shared.metrics.stream_idle_timeouts.increment(ended.still);
        self.shared.metrics.request_timeouts.increment(ended.too_long);
        self.upstreams.sweep(now);
        self.lingering.borrow_mut().retain(|(since, rest)| {
            if now.duration_since(*since) >= LINGER {
                rest.abandon();
            }
            rest.is_under_way()
        });
    }
}
