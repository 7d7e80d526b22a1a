//! Sends a request to a backend, until one of its endpoints answers or there is no point in trying.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::time::{Duration, Instant};

use backstay_balancer::{ActiveRequest, EndpointState, Outcome, Overflow, Permit};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, Version, header};
use rustls_pki_types::ServerName;

use super::body::RequestBody;
use super::endpoint::{self, Acquired};
use super::failure::Failure;
use super::headers::{self, HeaderPresence, HopByHop};
use super::progress::BodyProgress;
use super::{grpc, head};
use crate::upstream::{Incoming, Pool, Upstream};
use backstay_model::{HostRewrite, Protocol};
use backstay_upstream::{Backend, Discovery, uptime};
use backstay_upstream::{SelectedEndpoint, note_failure};

/// By which an endpoint that is checked says, with any answer, that it is down.
const IMMEDIATE_FAIL: HeaderName = HeaderName::from_static("x-envoy-immediate-health-check-fail");

/// What is known of a request while it is on its way: how it may be sent, and what its attempts have come to.
#[derive(Debug)]
pub(super) struct RequestState {
    /// Port of the endpoints; `None` takes the authority's.
    port: Option<NonZeroU16>,
    /// The authority to resolve, for a dynamic backend.
    authority: Option<HeaderValue>,
    /// The request has no body: its head is all that it takes to send it again.
    bodyless: bool,
    /// The request has no body and does no harm when sent twice (RFC 9110, 9.2.2).
    repeatable: bool,
    /// How far the request's body has come, if it has one.
    pub(super) sent: Option<Rc<BodyProgress>>,
    /// Whether the request is a call of gRPC; false where no outlier detection asks for it.
    grpc: bool,
    /// Hash of the request, where endpoints are chosen by one.
    pub(super) hash: Option<u64>,
    /// Where earlier attempts went, if others are preferred.
    pub(super) avoid: RefCell<Vec<SocketAddr>>,
    /// The endpoint of the attempt under way; `None` where endpoints are taken in turn.
    pub(super) current: RefCell<Option<SelectedEndpoint>>,
    /// The address that was tried last.
    pub(super) tried: Cell<Option<SocketAddr>>,
    /// How many attempts there were, by the policy on retries, with the one under way.
    pub(super) attempts: Cell<u32>,
    /// Whether an endpoint may have seen any of the request, or `request` does not have all of its body any more: it goes to no
    /// other backend then.
    pub(super) exposed: Cell<bool>,
    /// When the request was given to a connection.
    pub(super) begun: Cell<Option<Instant>>,
}

impl RequestState {
    /// How the request of `parts`, `hop` and `body` may be sent to `backend`.
    pub(super) fn new(
        backend: &Backend,
        port: Option<NonZeroU16>,
        parts: &Parts,
        hop: &HopByHop,
        body: &RequestBody,
    ) -> Self {
        let authority = match backend.discovery {
            Discovery::Addresses(_) => None,
            Discovery::Dynamic(_) => parts.headers.get(header::HOST).cloned(),
        };
        let bodyless = body.is_empty() && hop.upgrade.is_none();
        Self {
            port,
            authority,
            bodyless,
            repeatable: bodyless && parts.method.is_idempotent(),
            sent: body.progress(),
            grpc: backend.detector().is_some() && grpc::is_spoken(&parts.headers),
            hash: None,
            avoid: RefCell::default(),
            current: RefCell::default(),
            tried: Cell::default(),
            attempts: Cell::new(1),
            exposed: Cell::default(),
            begun: Cell::default(),
        }
    }

    /// Asks for [`Self::finished_sending`].
    pub(super) fn time(&self) {
        if let Some(sent) = &self.sent {
            sent.timed.set(true);
        }
    }

    /// When all of the request had been sent, if it has.
    pub(super) fn finished_sending(&self) -> Option<Instant> {
        let begun = self.begun.get()?;
        match &self.sent {
            None => Some(begun),
            Some(sent) => sent.ended.get().map(|ended| ended.max(begun)),
        }
    }

    /// Sends the request. A kept connection may turn out to be closed by the endpoint: then the request goes out again on a
    /// new one, if none of it was sent, or if it may be repeated. So does one whose stream the endpoint has said, in going away,
    /// that it did not look at.
    pub(super) async fn run(
        &self,
        upstream: &Upstream,
        request: &mut Request<RequestBody>,
    ) -> Result<UpstreamAnswer, Failure> {
        let route = endpoint::route(upstream, self.port, self.authority.as_ref()).await?;
        let mut unsent = 0;
        let mut fresh = false;
        loop {
            let Acquired { pool, lease, selected } = endpoint::acquire(upstream, &route, self, fresh).await?;
            let Ok(guard) = RequestGuard::count(upstream, selected) else {
                lease.cancel();
                return Err(Failure::Overflow);
            };
            self.tried.set(Some(pool.address()));
            if let Some(selected) = &guard.selected {
                *self.current.borrow_mut() = Some(selected.clone());
                if upstream.backend.policy.host == HostRewrite::Automatic
                    && let Some(ServerName::DnsName(name)) =
                        selected.endpoints.get(selected.index).map(|endpoint| &endpoint.server_name)
                {
                    head::readdress(request, name.as_ref());
                }
                upstream.report(Some(selected), Outcome::Connected);
            }
            if upstream.backend.policy.retries.is_some() || upstream.backend.timeouts.first_byte.is_some() {
                self.begun.set(Some(Instant::now()));
            }
            let metrics = &upstream.backend.metrics;
            metrics.attempts.increment(1);
            let reused = lease.reused;
            let exposed = self.exposed.replace(true);
            let unanswered = match lease.send(request).await {
                Ok((response, incoming)) => {
                    let present = HeaderPresence::among(response.headers());
                    if let Some(details) = misframed(&response, &present) {
                        // The connection goes with the answer: nobody knows where on it the next answer begins.
                        upstream.report(guard.selected.as_ref(), Outcome::Failed);
                        let failure = Failure::Protocol(details);
                        failure.count(metrics);
                        return Err(failure);
                    }
                    if let Some(selected) = &guard.selected {
                        let headers = response.headers();
                        let outcome = match grpc::status(headers) {
                            Some(status) if self.grpc => Outcome::grpc(status),
                            _ => Outcome::Answered(response.status().as_u16()),
                        };
                        upstream.report(Some(selected), outcome);
                    }
                    if let Some(selected) = guard.selected.as_ref()
                        && !upstream.backend.policy.health.is_empty()
                        && response.headers().contains_key(IMMEDIATE_FAIL)
                        && let Some(state) = selected.state()
                    {
                        state.fail_by_itself(uptime());
                    }
                    return Ok(UpstreamAnswer { response, incoming, present, pool, guard, cut: None, silence: None });
                }
                Err(unanswered) => {
                    if unanswered.unsent {
                        self.exposed.set(exposed);
                    }
                    unanswered
                }
            };
            let failure = if self.sent.as_ref().is_some_and(|sent| sent.failed.get()) {
                Failure::Client
            } else {
                Failure::of(&unanswered.error)
            };
            if let Failure::Alert(alert) = &failure {
                note_failure(&upstream.backend, pool.address(), alert);
            }
            match failure {
                // Nothing was sent; an endpoint that closes even new connections gets one more chance.
                _ if unanswered.unsent && (reused || unsent == 0) => unsent += usize::from(!reused),
                // Of the requests on a shared connection, any may be what the endpoint ended it for.
                Failure::Terminated if reused && self.repeatable && upstream.backend.protocol == Protocol::Http1 => {
                    fresh = true;
                    failure.count(metrics);
                }
                Failure::GoneAway if self.bodyless && (reused || unsent == 0) => {
                    unsent += usize::from(!reused);
                    failure.count(metrics);
                }
                failure => {
                    if !matches!(failure, Failure::Client) {
                        upstream.report(guard.selected.as_ref(), Outcome::Failed);
                    }
                    failure.count(metrics);
                    let unsent = unanswered.unsent && matches!(failure, Failure::Terminated);
                    return Err(if unsent { Failure::BeforeRequest } else { failure });
                }
            }
            metrics.retries.closed_connection.increment(1);
        }
    }
}

/// The head of an answer, and what follows.
#[derive(Debug)]
pub(super) struct UpstreamAnswer {
    pub(super) response: Response<()>,
    pub(super) incoming: Incoming,
    /// Which headers the answer has.
    pub(super) present: HeaderPresence,
    pub(super) pool: Rc<Pool>,
    pub(super) guard: RequestGuard,
    /// When the answer must have ended, by a timeout of the attempt.
    pub(super) cut: Option<Instant>,
    /// How long each further part may take.
    pub(super) silence: Option<Duration>,
}

/// What a request counts as at its backend and endpoint, until its end.
#[derive(Debug, Default)]
pub(super) struct RequestGuard {
    pub(super) selected: Option<SelectedEndpoint>,
    /// Counted for as long as this lives; nobody reads them.
    _active: Option<ActiveRequest>,
    _request: Option<Permit>,
    pub(super) retry: Option<Permit>,
}

impl RequestGuard {
    fn count(upstream: &Upstream, selected: Option<SelectedEndpoint>) -> Result<Self, Overflow> {
        let counts = upstream.backend.policy.counts_requests;
        let request = counts.then(|| upstream.backend.breakers.request()).transpose()?;
        let active = selected.as_ref().and_then(SelectedEndpoint::state).map(EndpointState::begin_request);
        Ok(Self { selected, _active: active, _request: request, retry: None })
    }
}

/// Why nobody may take `response` for an answer: two readers could read it in two ways.
fn misframed(response: &Response<()>, present: &HeaderPresence) -> Option<&'static str> {
    if !present.is_plainly_framed(response.headers()) {
        return Some("upstream_transfer_encoding");
    }
    if response.version() == Version::HTTP_2 && !headers::is_well_formed(response.headers()) {
        return Some("upstream_header_malformed");
    }
    present.is_framed_twice().then_some("upstream_length_and_transfer_encoding")
}
