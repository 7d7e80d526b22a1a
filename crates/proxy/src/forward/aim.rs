//! The request that one backend gets.

use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};

use super::guard::Active;
use super::headers::HopByHop;
use super::request_state::RequestState;
use super::{hash, head, headers};
use crate::body::RequestBody;
use crate::data_thread::{Shared, Timer, Timers};
use crate::exchange::Exchange;
use crate::limits::Limits;
use crate::local_reply::{Flag, LocalReply};
use backstay_model::Protocol;
use backstay_upstream::Backend;

/// What cannot be sent in the words of HTTP.
pub(super) const UNSENDABLE: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "the rewritten request target is not valid",
    Flag::DownstreamProtocolError,
    "invalid_rewritten_target",
);

/// A backend that a request goes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim<'a> {
    pub(super) backend: &'a Arc<Backend>,
    /// Port of its endpoints; `None` takes the authority's.
    pub(super) port: Option<NonZeroU16>,
    pub(super) timeouts: RouteTimeouts,
}

/// How long a route lets requests take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RouteTimeouts {
    /// From the request's head to the last byte of the answer.
    pub(super) request: Option<Duration>,
    /// From the start of an attempt to the last byte of its answer.
    pub(super) attempt: Option<Duration>,
}

/// A request as its backend gets it, and what goes with it until there is an answer.
#[derive(Debug)]
pub(super) struct Aimed {
    pub(super) request: Request<RequestBody>,
    pub(super) state: RequestState,
    pub(super) active: Active,
    /// When the answer must have ended.
    pub(super) deadline: Option<Timer>,
    pub(super) attempts: Attempts,
    /// Lines of `Set-Cookie` that keep the client at its endpoint.
    pub(super) cookies: Vec<HeaderValue>,
}

/// How often a request may be sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attempts {
    /// Once, with no other timeout than that of the whole.
    One,
    /// As often as the policy of the backend says, each time with the policy's timeouts and this one.
    Timed(Option<Duration>),
}

impl Attempts {
    /// The attempts that the policy of `backend` calls for.
    pub(super) fn at(backend: &Backend, route: RouteTimeouts) -> Self {
        match (&backend.policy.retries, backend.timeouts.first_byte, backend.timeouts.between_bytes) {
            (None, None, None) => Self::One,
            // Without retries, the timeout of the only attempt is part of that of the whole.
            (None, ..) => Self::Timed(None),
            (Some(_), ..) => Self::Timed(route.attempt),
        }
    }
}

impl Aim<'_> {
    /// Makes of a request that is [prepared](head::prepare) the one that the backend gets.
    ///
    /// # Errors
    /// When the backend's protocol cannot say it.
    pub(super) fn take(
        self,
        exchange: &Exchange,
        mut parts: Parts,
        hop: HopByHop,
        body: RequestBody,
    ) -> Result<Aimed, LocalReply> {
        head::rewrite_host(&mut parts, self.backend);
        let authority = RequestState::authority(self.backend, &parts);
        let (hash, cookies) = self.hashed(exchange, &parts);
        head::address(&mut parts, &hop, self.backend).ok_or(UNSENDABLE)?;
        self.fits(exchange, &parts)?;
        Ok(Aimed {
            state: RequestState::new(
                self.backend,
                (self.port, authority),
                hop.upgrade.is_some(),
                &parts,
                &body,
                hash,
                exchange.trace.clone(),
            ),
            request: Request::from_parts(parts, body),
            active: self.active(exchange),
            deadline: self.deadline(exchange),
            attempts: self.attempts(),
            cookies,
        })
    }

    /// The hash by which its endpoint is chosen, if one is, and the cookies that keep its client there.
    #[inline]
    pub(super) fn hashed(self, exchange: &Exchange, parts: &Parts) -> (Option<u64>, Vec<HeaderValue>) {
        if !self.backend.policy.hashes() {
            return (None, Vec::new());
        }
        let thread = &exchange.client.thread;
        hash::of(&self.backend.policy.hash, parts, exchange.address(), || thread.random())
    }

    /// Whether the head of `parts`, as the backend speaks it, may be sent.
    ///
    /// # Errors
    /// When it is longer than endpoints take.
    #[inline]
    pub(super) fn fits(self, exchange: &Exchange, parts: &Parts) -> Result<(), LocalReply> {
        let Shared { limits, metrics, .. } = &*exchange.client.thread.shared;
        if fits(self.backend, limits, parts) {
            return Ok(());
        }
        metrics.heads_too_large.increment(1);
        Err(headers::TOO_LARGE)
    }

    /// The backend, from where the request is, which it counts from now on.
    pub(super) fn active(self, exchange: &Exchange) -> Active {
        let thread = &exchange.client.thread;
        Active::count(thread.upstreams.get(self.backend, || thread.random()))
    }

    /// When the answer must have ended.
    pub(super) fn deadline(self, exchange: &Exchange) -> Option<Timer> {
        self.timeouts.deadline(self.backend, exchange.started, &exchange.client.thread.timers)
    }

    /// How often the request may be sent.
    pub(super) fn attempts(self) -> Attempts {
        Attempts::at(self.backend, self.timeouts)
    }
}

/// Whether the endpoints of `backend` take a head of the size of that of `parts`.
#[inline]
pub(super) fn fits(backend: &Backend, limits: &Limits, parts: &Parts) -> bool {
    let most = match backend.policy.connections.max_head_size {
        Some(most) => most.get() as usize,
        // Over HTTP/1.1 such a head ends a connection that nobody else is on.
        None if backend.protocol == Protocol::Http1 => return true,
        None => limits.max_upstream_head_size,
    };
    headers::size(parts) <= most
}

impl RouteTimeouts {
    /// When the answer to a request that arrived at `started` and is sent now must have ended.
    fn deadline(self, backend: &Backend, started: Instant, timers: &Rc<Timers>) -> Option<Timer> {
        let total = match (self.request, backend.timeouts.total) {
            (Some(route), Some(backend)) => Some(route.min(backend)),
            (only, None) | (None, only) => only,
        };
        let request = total.map(|timeout| started + timeout);
        // With retries, each attempt has its own.
        let attempt = self.attempt.filter(|_| backend.policy.retries.is_none());
        let attempt = attempt.map(|timeout| Instant::now() + timeout);
        let first = match (request, attempt) {
            (Some(request), Some(attempt)) => request.min(attempt),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return None,
        };
        Some(timers.lend(first.into()))
    }
}
