//! Takes a request to a backend, and its answer back.

use std::future::{Future, poll_fn};
use std::num::NonZeroU16;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::Sleep;

use super::body::{Answer, Body, RequestBody};
use super::endpoint::{self, Route};
use super::failure::Failure;
use super::head::Head;
use super::{headers, is_repeatable, local, mirror, tunnel};
use crate::config::{Backend, Filters, Flag, Forward, Refusal, Target};
use crate::filter;
use crate::route::Matched;
use crate::server::Exchange;
use crate::upstream::{Lease, Pool, Upstream};

const NO_BACKEND: Refusal = Refusal::fixed(StatusCode::INTERNAL_SERVER_ERROR, "", Flag::NoRoute, "no_backend");
const UNSENDABLE: Refusal = Refusal::fixed(
    StatusCode::BAD_REQUEST,
    "the rewritten request target is not valid",
    Flag::DownstreamProtocolError,
    "invalid_rewritten_target",
);

/// Counts a request as active at its backend.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) upstream: Rc<Upstream>,
}

impl Active {
    fn count(upstream: Rc<Upstream>) -> Self {
        upstream.backend.metrics.active.increment(1.0);
        Self { upstream }
    }

    fn answered(&self, status: StatusCode, after: Duration) {
        let metrics = &self.upstream.backend.metrics;
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = metrics.requests.get(class) {
            counter.increment(1);
        }
        metrics.latency.record(after.as_secs_f64());
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.upstream.backend.metrics.active.decrement(1.0);
    }
}

/// Forwards a request to one of the rule's targets.
pub(super) async fn forward(
    mut exchange: Exchange,
    mut parts: Parts,
    incoming: Incoming,
    authority: &HeaderValue,
    matched: Matched<'_>,
    forward: &Forward,
) -> Response<Body> {
    let shard = Rc::clone(&exchange.local.shard);
    let choice = if forward.targets.all().len() > 1 { shard.random_below(forward.targets.total()) } else { 0 };
    let Some(weighted) = forward.targets.choose(choice) else { return local::refuse(exchange, NO_BACKEND) };
    let filters = [&matched.rule.filters, &weighted.filters];
    let (backend, port) = match &weighted.target {
        Target::Backend { backend, port } => (backend, *port),
        Target::Respond(respond) => return local::respond(exchange, respond, filters),
    };
    let client_upgrade = parts.extensions.remove::<OnUpgrade>();
    let mut body = RequestBody::client(incoming);
    let Some(head) = outgoing(&mut exchange, parts, authority, matched.prefix, filters, &body) else {
        return local::refuse(exchange, UNSENDABLE);
    };
    exchange.note(|record| record.backend = Some(Arc::clone(&backend.name)));
    for mirror in filters.iter().flat_map(|filters| &filters.mirrors) {
        mirror::copy(&shard, mirror, &head, &mut body);
    }
    let mut deadline = deadline(forward, exchange.started);
    let active = Active::count(shard.upstreams.get(backend, || shard.random()));
    let sent = body.progress();
    let attempt = Attempt { upstream: &active.upstream, backend, port };
    let upgrades = head.upgrade.is_some();
    let outcome = match within(&mut deadline, pin!(attempt.run(head, body))).await {
        Some(outcome) => outcome,
        None => {
            backend.metrics.timeouts.increment(1);
            Err(Failure::Timeout)
        }
    };
    let outcome = outcome.and_then(|reply| {
        exchange.note(|record| record.upstream = Some(reply.pool.address()));
        let switching = reply.response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if !headers::is_plainly_framed(reply.response.headers()) {
            return Err(Failure::Protocol("upstream_transfer_encoding"));
        }
        if switching && !(upgrades && client_upgrade.is_some()) {
            return Err(Failure::Protocol("upgrade_not_asked_for"));
        }
        Ok(reply)
    });
    let reply = match outcome {
        Ok(reply) => reply,
        Err(failure) => {
            let refusal = failure.into_refusal();
            active.answered(refusal.status, exchange.started.elapsed());
            exchange.note(|record| record.bytes_in = sent.map_or(0, |sent| sent.bytes.get()));
            return local::fail(exchange, refusal, filters);
        }
    };
    let status = reply.response.status();
    active.answered(status, exchange.started.elapsed());
    exchange.note(|record| {
        record.status = status.as_u16();
        record.flag = Flag::None;
        record.details = "via_upstream".into();
    });
    let mut response = if status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = client_upgrade
    {
        tunnel::open(exchange, client, reply.response, reply.lease, active)
    } else {
        let (mut parts, incoming) = reply.response.into_parts();
        parts.version = Version::HTTP_11;
        headers::strip(&mut parts.headers);
        let answer = Answer { incoming, lease: Some(reply.lease), deadline, active, sent, complete: false };
        Response::from_parts(parts, Body::upstream(answer, exchange))
    };
    for filters in filters {
        filter::edit(response.headers_mut(), &filters.response_headers);
    }
    response
}

/// The head to send: without what belongs to the client's connection, with what tells about the client, edited and
/// rewritten. `None` when the rewritten path is no valid target.
fn outgoing(
    exchange: &mut Exchange,
    parts: Parts,
    authority: &HeaderValue,
    prefix: Option<usize>,
    filters: [&Filters; 2],
    body: &RequestBody,
) -> Option<Head> {
    let Parts { method, uri, version, mut headers, .. } = parts;
    let hop = headers::strip(&mut headers);
    let local = &exchange.local;
    // The client is told to continue as soon as its body is read, which is before the upstream could ask for it.
    headers.remove(header::EXPECT);
    headers::join_cookies(version, &mut headers);
    headers::append_forwarded_for(&mut headers, &local.peer_value);
    headers.insert(headers::FORWARDED_PROTO, HeaderValue::from_static(local.scheme()));
    if !headers.contains_key(headers::REQUEST_ID) {
        headers.insert(headers::REQUEST_ID, headers::request_id(local.shard.random(), local.shard.random()));
    }
    exchange.note(|record| record.request_id = headers.get(headers::REQUEST_ID).cloned());
    if headers.get(header::HOST) != Some(authority) {
        headers.insert(header::HOST, authority.clone());
    }
    for filters in filters {
        filter::edit(&mut headers, &filters.request_headers);
    }
    let [rule, target] = filters;
    if let Some(host) = target.rewrite_host.as_ref().or(rule.rewrite_host.as_ref()) {
        headers.insert(header::HOST, host.clone());
        headers.insert(headers::FORWARDED_HOST, authority.clone());
    } else if !headers.contains_key(header::HOST) {
        headers.insert(header::HOST, authority.clone());
    }
    let rewritten = target
        .rewrite_path
        .as_ref()
        .or(rule.rewrite_path.as_ref())
        .and_then(|edit| filter::rewrite(edit, uri.path(), prefix));
    let path = match rewritten {
        Some(path) => filter::with_query(path, uri.query())?,
        None => uri.into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")),
    };
    let chunked = !body.is_empty() && !headers.contains_key(header::CONTENT_LENGTH);
    Some(Head { method, path, headers, chunked, upgrade: hop.upgrade, trailers: hop.trailers })
}

/// When the answer must have ended.
fn deadline(forward: &Forward, started: Instant) -> Option<Pin<Box<Sleep>>> {
    let request = forward.request_timeout.map(|timeout| started + timeout);
    let attempt = forward.backend_request_timeout.map(|timeout| Instant::now() + timeout);
    let first = match (request, attempt) {
        (Some(request), Some(attempt)) => request.min(attempt),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return None,
    };
    Some(Box::pin(tokio::time::sleep_until(first.into())))
}

/// `work`, unless the deadline comes first.
async fn within<T>(deadline: &mut Option<Pin<Box<Sleep>>>, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        match deadline {
            Some(deadline) => deadline.as_mut().poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

/// The head of an answer, and the connection that the rest comes on.
pub(super) struct Reply {
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
    pub(super) pool: Rc<Pool>,
}

/// One request to one backend.
pub(super) struct Attempt<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) backend: &'a Backend,
    pub(super) port: Option<NonZeroU16>,
}

impl Attempt<'_> {
    /// Sends the request. A kept connection may turn out to be closed by the endpoint: then the request goes out again on a
    /// new one, if none of it was sent, or if it has no body and may be repeated.
    pub(super) async fn run(&self, head: Head, body: RequestBody) -> Result<Reply, Failure> {
        let authority = head.headers.get(header::HOST).cloned().ok_or(Failure::NoEndpoint)?;
        let route = endpoint::route(self.upstream, self.port, &authority).await?;
        let repeatable = body.is_empty() && head.upgrade.is_none() && is_repeatable(&head.method);
        let sent = body.progress();
        let mut request = head.into_request(self.backend, body).ok_or(Failure::Protocol("authority_not_sendable"))?;
        let mut unsent = 0;
        let mut fresh = false;
        loop {
            let (pool, mut lease) = self.acquire(&route, fresh).await?;
            let spare = (lease.reused && repeatable).then(|| duplicate(&request));
            let mut error = match lease.send(request).await {
                Ok(response) => return Ok(Reply { response, lease, pool }),
                Err(error) => error,
            };
            let message = error.take_message();
            let failure = Failure::of(&error.into_error(), sent.as_ref().is_some_and(|sent| sent.failed.get()));
            request = match (message, spare) {
                // Nothing was sent; an endpoint that closes even new connections gets one more chance.
                (Some(request), _) if lease.reused || unsent == 0 => {
                    unsent += usize::from(!lease.reused);
                    request
                }
                (None, Some(request)) if matches!(failure, Failure::Terminated) => {
                    fresh = true;
                    request
                }
                _ => return Err(failure),
            };
            self.backend.metrics.retries.increment(1);
        }
    }

    async fn acquire(&self, route: &Route, fresh: bool) -> Result<(Rc<Pool>, Lease), Failure> {
        endpoint::acquire(self.upstream, route, fresh).await
    }
}

fn duplicate(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}
