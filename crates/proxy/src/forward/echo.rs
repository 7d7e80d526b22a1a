//! A request that is its own answer, for tests of what arrives here.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use backstay_composition::Query;
use backstay_model::route::DecodedPath;
use backstay_model::{Echo, Respond};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Body as _;
use serde::Serialize;

use super::asked::Asked;
use super::reply;
use super::response_body::ResponseBody;
use crate::body::{ClientBody, RequestBody};
use crate::config::Rule;
use crate::exchange::Exchange;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A request that is told what it was.
#[derive(Debug)]
pub(super) struct Echoing {
    exchange: Exchange,
    rule: Arc<Rule>,
    parts: Parts,
    host: HeaderValue,
    body: RequestBody,
    echo: Echo,
}

/// Answers a request with itself.
pub(super) fn decide(
    exchange: Exchange,
    parts: Parts,
    incoming: ClientBody,
    asked: &Asked<'_>,
    echo: Echo,
) -> Box<Echoing> {
    let body = RequestBody::client(incoming, &exchange.client.activity, exchange.stream.as_ref());
    let (rule, host) = (Arc::clone(asked.matched.rule), asked.raw.clone());
    Box::new(Echoing { exchange, rule, parts, host, body, echo })
}

/// The names and their order are those of KrakenD's engine.
#[derive(Serialize)]
struct Told<'a> {
    req_uri: &'a str,
    req_uri_details: BTreeMap<&'static str, String>,
    req_method: &'a str,
    req_querystring: BTreeMap<String, Vec<String>>,
    req_body: String,
    req_headers: BTreeMap<String, Vec<String>>,
}

impl Echoing {
    /// Reads what is told of the body, and answers.
    pub(super) async fn run(self: Box<Self>) -> Response<ResponseBody> {
        let Self { mut exchange, rule, parts, host, mut body, echo } = *self;
        let progress = body.progress();
        let mut read = Vec::new();
        while read.len() < echo.body_bytes {
            let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await else { break };
            if let Ok(data) = frame.into_data() {
                let room = echo.body_bytes - read.len();
                read.extend_from_slice(data.get(..room).unwrap_or(&data));
            }
        }
        exchange.note(|record| record.bytes_in = progress.as_ref().map_or(0, |progress| progress.bytes.get()));
        if let Some(rest) = progress.filter(|progress| progress.is_under_way()) {
            let thread = Rc::clone(&exchange.client.thread);
            thread.linger(rest);
        }
        let text = told(&parts, &host, &read);
        let mut respond = Respond::text(StatusCode::OK, text);
        respond.content_type = JSON;
        reply::respond(exchange, &respond, None, [&*rule.filters])
    }
}

fn told(parts: &Parts, host: &HeaderValue, body: &[u8]) -> String {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path();
    let details = BTreeMap::from([
        ("fragment", String::new()),
        ("host", text(host)),
        ("path", DecodedPath::of(path).map_or_else(|| path.to_owned(), |path| path.as_str().to_owned())),
        ("query", query.encode()),
        ("user", String::new()),
    ]);
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let values = query.values().map(|(name, values)| (lossy(name), values.iter().map(|value| lossy(value)).collect()));
    let told = Told {
        req_uri: parts.uri.path_and_query().map_or("", |target| target.as_str()),
        req_uri_details: details,
        req_method: parts.method.as_str(),
        req_querystring: values.collect(),
        req_body: lossy(body),
        req_headers: fields(&parts.headers),
    };
    // As Go escapes JSON: none of these is anything but part of a text.
    let json = serde_json::to_string(&told).unwrap_or_default();
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn fields(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let names = headers.keys().filter(|name| **name != header::HOST);
    names.map(|name| (canonical(name), headers.get_all(name).iter().map(text).collect())).collect()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The name as Go writes it: the first letter, and each after a hyphen, in upper case.
fn canonical(name: &HeaderName) -> String {
    let mut upper = true;
    let letters = name.as_str().chars().map(|letter| {
        let shown = if upper { letter.to_ascii_uppercase() } else { letter };
        upper = letter == '-';
        shown
    });
    letters.collect()
}
