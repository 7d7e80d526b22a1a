//! Sends a request to a backend, until one of its endpoints answers or there is no point in trying.

use std::num::NonZeroU16;
use std::rc::Rc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version, header};
use hyper::body::Incoming;

use super::body::{Progress, RequestBody};
use super::endpoint;
use super::failure::Failure;
use super::headers::Hop;
use crate::config::{Backend, Discovery};
use crate::upstream::{Lease, Pool, Upstream};

/// How a request may be sent.
#[derive(Debug)]
pub(super) struct Plan {
    /// Port of the endpoints; `None` takes the authority's.
    port: Option<NonZeroU16>,
    /// What to resolve, for a dynamic backend.
    authority: Option<HeaderValue>,
    /// It has no body and does no harm when sent twice (RFC 9110, 9.2.2).
    repeatable: bool,
    /// How far its body has come, if it has one.
    pub(super) sent: Option<Rc<Progress>>,
}

impl Plan {
    /// How the request of `parts`, `hop` and `body` may be sent to `backend`.
    pub(super) fn new(
        backend: &Backend,
        port: Option<NonZeroU16>,
        parts: &Parts,
        hop: &Hop,
        body: &RequestBody,
    ) -> Self {
        let authority = match backend.discovery {
            Discovery::Addresses(_) => None,
            Discovery::Dynamic(_) => parts.headers.get(header::HOST).cloned(),
        };
        let repeatable = body.is_empty() && hop.upgrade.is_none() && parts.method.is_idempotent();
        Self { port, authority, repeatable, sent: body.progress() }
    }

    /// Sends the request. A kept connection may turn out to be closed by the endpoint: then the request goes out again on a
    /// new one, if none of it was sent, or if it may be repeated.
    pub(super) async fn run(&self, upstream: &Upstream, mut request: Request<RequestBody>) -> Result<Reply, Failure> {
        let route = endpoint::route(upstream, self.port, self.authority.as_ref()).await?;
        let mut unsent = 0;
        let mut fresh = false;
        loop {
            let (pool, mut lease) = endpoint::acquire(upstream, &route, fresh).await?;
            let spare = (lease.reused && self.repeatable).then(|| Spare::of(&request));
            let mut error = match lease.send(request).await {
                Ok(response) => return Ok(Reply { response, lease, pool }),
                Err(error) => error,
            };
            let message = error.take_message();
            let failure = if self.sent.as_ref().is_some_and(|sent| sent.failed.get()) {
                Failure::Client
            } else {
                Failure::of(&error.into_error(), lease.is_closed())
            };
            request = match (message, spare) {
                // Nothing was sent; an endpoint that closes even new connections gets one more chance.
                (Some(request), _) if lease.reused || unsent == 0 => {
                    unsent += usize::from(!lease.reused);
                    request
                }
                (None, Some(spare)) if matches!(failure, Failure::Terminated) => {
                    fresh = true;
                    spare.into_request()
                }
                _ => return Err(failure),
            };
            upstream.backend.metrics.retries.increment(1);
        }
    }
}

/// The head of an answer, and the connection that the rest comes on.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
    pub(super) pool: Rc<Pool>,
}

/// What it takes to send a request without a body again.
struct Spare {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

impl Spare {
    fn of(request: &Request<RequestBody>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
        }
    }

    fn into_request(self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::empty());
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }
}
