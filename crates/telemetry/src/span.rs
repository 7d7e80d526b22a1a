//! What is told of something that took time.

use std::time::{Duration, Instant, SystemTime};

use backstay_proto::otlp::common::v1::KeyValue;
use backstay_proto::otlp::trace::v1::{self, status};
use backstay_trace::{SpanId, TraceId};

pub use backstay_proto::otlp::trace::v1::span::SpanKind;

/// When something was, by the clock that everybody has: taken once, so that what follows is in its order whatever the clock does.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    wall: SystemTime,
    monotonic: Instant,
}

/// Something that took time, within a trace.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its trace.
    pub trace: TraceId,
    /// Itself.
    pub id: SpanId,
    /// What it is part of.
    pub parent: Option<SpanId>,
    /// Whose side of a request it is.
    pub kind: SpanKind,
    /// What it is called: of few names, whatever clients send.
    pub name: String,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// What else is known of it.
    pub attributes: Vec<KeyValue>,
    /// Why it failed, if it did; may be empty.
    pub error: Option<String>,
}

impl Timed {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now() }
    }

    /// At both of these, which are one moment.
    #[must_use]
    pub const fn at(wall: SystemTime, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// When that was, by the clock that only goes on.
    #[must_use]
    pub const fn instant(&self) -> Instant {
        self.monotonic
    }

    /// What `later` is, in nanoseconds since 1970.
    #[must_use]
    pub fn nanos(&self, later: Instant) -> u64 {
        nanos(self.wall + later.saturating_duration_since(self.monotonic))
    }
}

/// Nanoseconds since 1970; 0 before.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The flag of a trace that is sampled (Trace Context, 3.2.2.4).
const SAMPLED: u32 = 1;

impl From<Span> for v1::Span {
    fn from(span: Span) -> Self {
        let Span { trace, id, parent, kind, name, start, end, attributes, error } = span;
        let failed = |message| v1::Status { message, code: status::StatusCode::Error.into() };
        Self {
            trace_id: trace.to_bytes().to_vec().into(),
            span_id: id.to_bytes().to_vec().into(),
            parent_span_id: parent.map(|parent| parent.to_bytes().to_vec().into()).unwrap_or_default(),
            flags: SAMPLED,
            name,
            kind: kind.into(),
            start_time_unix_nano: start,
            end_time_unix_nano: end.max(start),
            attributes,
            status: error.map(failed),
            ..Self::default()
        }
    }
}
