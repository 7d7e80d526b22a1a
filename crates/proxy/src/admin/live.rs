//! `GET /tap` and `GET /top`: what is served at this moment, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use backstay_live::{Filter, FilterError};
use backstay_proto::live;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::context::Admin;
use crate::attend::table;
use crate::live::{Look, Looking, Told};

/// How long one may look; whoever looks for longer asks again.
pub(super) const LONGEST: Duration = Duration::from_secs(3600);
/// How often something is said while nothing happens: that nobody listens any more is noticed when it is said.
const ALIVE: Duration = Duration::from_secs(5);

/// An answer that goes on.
pub(super) type Events = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// Why nothing is shown.
#[derive(Debug)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

impl From<FilterError> for Refused {
    fn from(error: FilterError) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

/// Requests, as the query asks for them.
pub(super) fn tap(admin: &Admin, query: Option<&str>) -> Result<Response<Events>, Refused> {
    let Asked { filter, limit, every } = read(query)?;
    if every != 0 {
        return Err(Refused(StatusCode::BAD_REQUEST, "interval is for /top".to_owned()));
    }
    let limit = backstay_live::limit(limit)?;
    let looking = begin(admin, &filter, Look::Requests(limit))?;
    let (end, node) = (Instant::now() + LONGEST, Arc::clone(&admin.node));
    let events = stream::unfold(looking, move |mut looking| {
        let node = Arc::clone(&node);
        async move {
            let told = tokio::select! {
                told = timeout(ALIVE, looking.requests()) => told,
                () = sleep_until(end) => return None,
            };
            let text = match told {
                Err(_) => match looking.missed() {
                    0 => ALIVE_COMMENT.to_owned(),
                    missed => event("missed", &missed),
                },
                Ok(Told { requests, missed }) => {
                    let mut text = String::new();
                    for mut request in requests {
                        request.proxy = node.to_string();
                        text.push_str(&event("request", &request));
                    }
                    if missed > 0 {
                        text.push_str(&event("missed", &missed));
                    }
                    text
                }
            };
            Some((Ok(Frame::data(Bytes::from(text))), looking))
        }
    });
    Ok(answer(events.boxed()))
}

/// Figures, as the query asks for them.
pub(super) fn top(admin: &Admin, query: Option<&str>) -> Result<Response<Events>, Refused> {
    let Asked { filter, limit, every } = read(query)?;
    if limit != 0 {
        return Err(Refused(StatusCode::BAD_REQUEST, "limit is for /tap".to_owned()));
    }
    let every = Duration::from_millis(backstay_live::interval(every)?.into());
    let looking = begin(admin, &filter, Look::Figures)?;
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (end, node, model) = (Instant::now() + LONGEST, admin.node.to_string(), Arc::clone(&admin.model));
    let state = (looking, ticks, true);
    let events = stream::unfold(state, move |(mut looking, mut ticks, first)| {
        let (node, model) = (node.clone(), Arc::clone(&model));
        async move {
            if first {
                ticks.tick().await;
                return Some((Ok(Frame::data(Bytes::from_static(ALIVE_COMMENT.as_bytes()))), (looking, ticks, false)));
            }
            ticks.tick().await;
            if Instant::now() >= end {
                return None;
            }
            let mut table = table(&mut looking, &model);
            table.proxies = vec![node];
            Some((Ok(Frame::data(Bytes::from(event("table", &table)))), (looking, ticks, false)))
        }
    });
    Ok(answer(events.boxed()))
}

/// A line that means nothing, of which every reader of events knows so.
const ALIVE_COMMENT: &str = ": still here\n\n";

fn begin(admin: &Admin, filter: &live::Filter, look: Look) -> Result<Looking, Refused> {
    let filter = Filter::read(filter)?;
    admin.live.look(filter, look).map_err(|error| Refused(StatusCode::TOO_MANY_REQUESTS, error.to_string()))
}

fn answer(events: BoxStream<'static, Result<Frame<Bytes>, Infallible>>) -> Response<Events> {
    let mut answer = Response::new(StreamBody::new(events));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}

/// An event, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> has it. JSON has no line break in it.
fn event(name: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    format!("event: {name}\ndata: {data}\n\n")
}

/// What a query asks for; 0 where it says nothing.
#[derive(Debug, Default)]
struct Asked {
    filter: live::Filter,
    limit: u32,
    every: u32,
}

/// Reads a query. What it does not know is refused: it would be a filter that lets everything pass.
fn read(query: Option<&str>) -> Result<Asked, Refused> {
    let mut asked = Asked::default();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "backend" => asked.filter.backend = value,
            "route" => asked.filter.route = value,
            "path" => asked.filter.path = value,
            "status" => asked.filter.status = value,
            "method" => asked.filter.method = value,
            "header" => asked.filter.headers.push(value),
            "min-duration" => asked.filter.min_duration_ms = milliseconds("min-duration", &value)?,
            "interval" => {
                let every = milliseconds("interval", &value)?;
                asked.every = u32::try_from(every).unwrap_or(u32::MAX).max(1);
            }
            "limit" => {
                let limit = value.strip_suffix("/s").unwrap_or(&value);
                let fault = FilterError { field: "limit", rule: "must be 1 to 10000 requests a second" };
                asked.limit = limit.parse().ok().filter(|limit| *limit > 0).ok_or(fault)?;
            }
            other => {
                let known = "backend, route, path, status, method, header, min-duration, limit (/tap), interval (/top)";
                return Err(Refused(StatusCode::BAD_REQUEST, format!("{other:?} is no parameter; there are {known}")));
            }
        }
    }
    Ok(asked)
}

/// A time such as `250ms`, `2s` or `1m`.
fn milliseconds(field: &'static str, text: &str) -> Result<u64, FilterError> {
    let read = || {
        let (digits, unit) = text.split_at_checked(text.find(|character: char| !character.is_ascii_digit())?)?;
        let count: u64 = digits.parse().ok()?;
        match unit {
            "ms" => Some(count),
            "s" => count.checked_mul(1000),
            "m" => count.checked_mul(60_000),
            _ => None,
        }
    };
    read().ok_or(FilterError { field, rule: "must be a time such as 250ms, 2s or 1m" })
}

#[cfg(test)]
mod tests;
