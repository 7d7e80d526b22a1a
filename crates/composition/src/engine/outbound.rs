//! The request of a call.

use std::time::Duration;

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, RANGE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, USER_AGENT,
};
use http::{HeaderMap, Method};

use crate::plan::{CallPlan, RequestRules, Role};
use crate::url::Query;

/// What a client asks for, as far as calls are made of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Parameters of the path, and whatever else patterns may name: names without braces, values decoded.
    pub parameters: Vec<(String, String)>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The query, without its question mark, as it was received.
    pub query: String,
    /// The client's address, for `X-Forwarded-For`.
    pub client: String,
    /// The host that the client asked for, for `X-Forwarded-Host`.
    pub host: HeaderValue,
    /// Whether there is a body.
    pub body: RequestBody,
}

/// Whether a request has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// None.
    Empty,
    /// One, of whatever length.
    Present,
}

/// Which call an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId {
    pub(super) call: u16,
    pub(super) copy: u16,
}

/// A call to make.
#[derive(Clone, Debug)]
pub struct Call {
    /// What to hand its answer in with.
    pub id: CallId,
    /// The position of the call in the plan.
    pub position: usize,
    /// The method.
    pub method: Method,
    /// The path, and the query if there is one.
    pub target: String,
    /// The header fields, without `Host`, which is for whoever picks the endpoint to say.
    pub headers: HeaderMap,
    /// The body.
    pub body: CallBody,
    /// Whether the answer counts. Nothing has to be handed in for a call whose answer does not.
    pub role: Role,
    /// When the call has failed if it has not answered, from the start of the composition; of a shadow call, from when it is sent.
    pub deadline: Duration,
    /// How long it may take besides, from when it is sent. Each of several copies has less than the deadline.
    pub timeout: Option<Duration>,
    /// Whether an answer that is passed through has to be decompressed, because it was this engine that asked for gzip.
    pub undo_gzip: bool,
    /// The parameters, earlier answers' included, for whatever modifies the call.
    pub parameters: Vec<(String, String)>,
}

/// The body of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallBody {
    /// None.
    Empty,
    /// The client's, of unknown length: `Transfer-Encoding: chunked` in HTTP/1.1.
    Chunked,
    /// The client's, with the length that the client gave.
    Sized,
}

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const FORWARDED_VIA: HeaderName = HeaderName::from_static("x-forwarded-via");

/// What is about one connection alone (RFC 9110, 7.6.1).
pub(super) const OF_THE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What of a client's request goes on to any backend.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) headers: HeaderMap,
    pub(super) query: Query,
    pub(super) body: RequestBody,
}

impl Admitted {
    pub(super) fn new(rules: &RequestRules, request: &Request) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            if *name != HOST && !OF_THE_CONNECTION.contains(name) && rules.headers.admits(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        // What the client says of itself in these is replaced, not added to.
        if let Ok(client) = HeaderValue::from_str(&request.client) {
            headers.insert(FORWARDED_FOR, client);
        }
        headers.insert(FORWARDED_HOST, request.host.clone());
        let product = if headers.contains_key(USER_AGENT) { FORWARDED_VIA } else { USER_AGENT };
        headers.insert(product, rules.product.clone());
        let mut query = Query::parse(&request.query);
        rules.query.apply(&mut query);
        Self { headers, query, body: request.body }
    }

    /// The header fields, the query, and how the body is sent, of one call.
    pub(super) fn for_call(&self, call: &CallPlan) -> (HeaderMap, String, CallBody, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if call.headers.admits(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        let length = headers.remove(CONTENT_LENGTH);
        let body = match (self.body, length) {
            (RequestBody::Empty, _) => CallBody::Empty,
            (RequestBody::Present, Some(_)) => CallBody::Sized,
            (RequestBody::Present, None) => CallBody::Chunked,
        };
        let asks_for_gzip =
            !headers.contains_key(ACCEPT_ENCODING) && !headers.contains_key(RANGE) && call.method != Method::HEAD;
        if asks_for_gzip {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut query = self.query.clone();
        call.query.apply(&mut query);
        (headers, query.encode(), body, asks_for_gzip)
    }
}
