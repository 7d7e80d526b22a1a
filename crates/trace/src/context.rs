//! How requests carry traces.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{SpanId, TraceId};

#[cfg(test)]
mod tests;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const B3: HeaderName = HeaderName::from_static("b3");
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const PARENT_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// How a request carries its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `traceparent` and `tracestate`.
    W3c,
    /// `b3`.
    B3,
    /// `X-B3-TraceId` and its like.
    B3Multiple,
}

/// The span that a request was sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

/// What a request says of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The span that it was sent in; B3 can say that nothing is sampled without one.
    pub parent: Option<Parent>,
    /// Whether that is sampled; `None` where the decision is left to whoever gets it.
    pub sampled: Option<bool>,
    /// How it says so.
    pub format: Format,
}

impl Incoming {
    /// What `headers` say; of several ways the first in the order of [`Format`].
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        // To look at all lines once costs less than to ask for names, and most requests have none of these.
        let (mut traceparent, mut b3_line, mut is_several) = (Line::None, Line::None, false);
        for (name, value) in headers {
            match name.as_str() {
                "traceparent" => traceparent.add(value),
                "b3" => b3_line.add(value),
                "x-b3-traceid" | "x-b3-sampled" | "x-b3-flags" => is_several = true,
                _ => {}
            }
        }
        let one = |name| headers.get(name).map(HeaderValue::as_bytes);
        let found = traceparent.only().and_then(w3c).or_else(|| b3_line.only().and_then(b3));
        match found {
            None if is_several => several(one(TRACE_ID), one(SPAN_ID), one(SAMPLED), one(FLAGS)),
            found => found,
        }
    }
}

/// The lines of one name. Of several none can be told to be right.
#[derive(Clone, Copy)]
enum Line<'a> {
    None,
    Only(&'a [u8]),
    Several,
}

impl<'a> Line<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::None => Self::Only(value.as_bytes()),
            Self::Only(_) | Self::Several => Self::Several,
        };
    }

    fn only(self) -> Option<&'a [u8]> {
        match self {
            Self::Only(value) => Some(value),
            Self::None | Self::Several => None,
        }
    }
}

impl Format {
    /// The format of this name: `w3c`, `b3` or `b3multi`, and the names that `OTEL_PROPAGATORS` has for them.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "w3c" | "tracecontext" => Some(Self::W3c),
            "b3" => Some(Self::B3),
            "b3multi" => Some(Self::B3Multiple),
            _ => None,
        }
    }

    /// Has `headers` say that the request is sent in `span` of `trace`, whose own parent is `parent`, and that it is sampled. What of
    /// `tracestate` cannot be meant any more goes: it belongs to a `traceparent`, which is another trace's where `is_root`.
    pub fn write(self, headers: &mut HeaderMap, trace: TraceId, span: SpanId, parent: Option<SpanId>, is_root: bool) {
        let digits = |text: String| HeaderValue::try_from(text).ok();
        match self {
            Self::W3c => {
                if is_root {
                    headers.remove(TRACESTATE);
                }
                insert(headers, TRACEPARENT, digits(format!("00-{trace}-{span}-01")));
            }
            Self::B3 => {
                let parent = parent.map(|parent| format!("-{parent}")).unwrap_or_default();
                insert(headers, B3, digits(format!("{trace}-{span}-1{parent}")));
            }
            Self::B3Multiple => {
                insert(headers, TRACE_ID, digits(trace.to_string()));
                insert(headers, SPAN_ID, digits(span.to_string()));
                match parent {
                    Some(parent) => insert(headers, PARENT_ID, digits(parent.to_string())),
                    None => drop(headers.remove(PARENT_ID)),
                }
                // That a trace is debugged stays; it is sampled in any case.
                if headers.get(FLAGS).is_none_or(|flags| flags != "1") {
                    insert(headers, SAMPLED, Some(HeaderValue::from_static("1")));
                }
            }
        }
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// `00-TRACE-SPAN-FLAGS` in lower case; versions to come may have more behind it (Trace Context, 3.2 and 4.3).
fn w3c(value: &[u8]) -> Option<Incoming> {
    let (head, rest) = value.split_at_checked(55)?;
    let dashes = [2, 35, 52].iter().all(|at| head.get(*at) == Some(&b'-'));
    let (version, flags) = (head.get(..2)?, head.get(53..)?);
    let (trace, span) = (head.get(3..35)?, head.get(36..52)?);
    let is_known = match version {
        b"ff" => false,
        b"00" => rest.is_empty(),
        _ => rest.is_empty() || rest.first() == Some(&b'-'),
    };
    // Without a branch for each: they are looked at together.
    let has_upper = head.iter().fold(false, |upper, byte| upper | byte.is_ascii_uppercase());
    if !dashes || !is_known || has_upper {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16);
    let (&[high, low], &[upper, lower]) = (version, flags) else { return None };
    let (_, _, _, flags) = (digit(high)?, digit(low)?, digit(upper)?, digit(lower)?);
    let parent = Parent { trace: TraceId::parse(trace)?, span: SpanId::parse(span)? };
    Some(Incoming { parent: Some(parent), sampled: Some(flags & 1 == 1), format: Format::W3c })
}

/// `TRACE-SPAN-SAMPLED-PARENT`, where the last two may be left out, or the third alone.
fn b3(value: &[u8]) -> Option<Incoming> {
    let incoming = |parent, sampled| Some(Incoming { parent, sampled, format: Format::B3 });
    let mut parts = value.split(|byte| *byte == b'-');
    let first = parts.next()?;
    if first.len() == 1 {
        return if parts.next().is_none() { incoming(None, Some(sampled(first)?)) } else { None };
    }
    let parent = Parent { trace: TraceId::parse(first)?, span: SpanId::parse(parts.next()?)? };
    let decision = match parts.next() {
        None => None,
        Some(text) => Some(sampled(text)?),
    };
    if let Some(grandparent) = parts.next() {
        SpanId::parse(grandparent)?;
    }
    match parts.next() {
        None => incoming(Some(parent), decision),
        Some(_) => None,
    }
}

fn several(
    trace: Option<&[u8]>,
    span: Option<&[u8]>,
    decision: Option<&[u8]>,
    flags: Option<&[u8]>,
) -> Option<Incoming> {
    let decision = match (flags, decision) {
        (Some(b"1"), _) => Some(true),
        (_, None) => None,
        (_, Some(text)) => Some(sampled(text)?),
    };
    let parent = match (trace, span) {
        (Some(trace), Some(span)) => Some(Parent { trace: TraceId::parse(trace)?, span: SpanId::parse(span)? }),
        (None, None) if decision.is_some() => None,
        _ => return None,
    };
    Some(Incoming { parent, sampled: decision, format: Format::B3Multiple })
}

/// `1`, `0` or `d`, and the words that old clients have for them.
fn sampled(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}
