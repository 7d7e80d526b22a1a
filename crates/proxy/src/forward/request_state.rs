//! What is known of a request while it is on its way.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::time::Instant;

use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};

use super::grpc;
use super::headers::{self, HeaderPresence};
use crate::access::Record;
use crate::body::{BodyProgress, RequestBody};
use crate::exchange::Interims;
use crate::trace::RequestTrace;
use backstay_upstream::{Backend, Discovery, SelectedEndpoint};

/// What is known of a request while it is on its way: how it may be sent, and what its attempts have come to.
#[derive(Debug)]
pub(super) struct RequestState {
    /// Port of the endpoints; `None` takes the authority's.
    pub(super) port: Option<NonZeroU16>,
    /// The authority to resolve, for a dynamic backend.
    pub(super) authority: Option<HeaderValue>,
    /// The request has no body: its head is all that it takes to send it again.
    pub(super) bodyless: bool,
    /// The request has no body and does no harm when sent twice (RFC 9110, 9.2.2).
    pub(super) repeatable: bool,
    /// How far the request's body has come, if it has one.
    pub(super) sent: Option<Rc<BodyProgress>>,
    /// Whether the request is a call of gRPC; false where no outlier detection asks for it.
    pub(super) grpc: bool,
    /// The host that is asked for is that of the endpoint, whichever that is.
    pub(super) by_endpoint: bool,
    /// Hash of the request, where endpoints are chosen by one.
    pub(super) hash: Option<u64>,
    /// Where earlier attempts went, if others are preferred.
    pub(super) avoid: RefCell<Vec<SocketAddr>>,
    /// The endpoint of the attempt under way; `None` where endpoints are taken in turn.
    pub(super) current: RefCell<Option<SelectedEndpoint>>,
    /// The address that was tried last.
    tried: Cell<Option<SocketAddr>>,
    /// How many attempts there were, by the policy on retries, with the one under way.
    pub(super) attempts: Cell<u32>,
    /// How many of them had an endpoint to go to.
    made: Cell<u32>,
    /// Whether an endpoint may have seen any of the request, but on a kept connection that ended under one that may be repeated, or it does
    /// not have all of its body any more: it goes to no other backend then.
    pub(super) exposed: Cell<bool>,
    /// Whether somebody is told how long the endpoint had the request.
    pub(super) told: bool,
    /// Whether the address of this end of the connection is asked for.
    pub(super) wants_local: bool,
    /// That address, of the attempt under way, where it is asked for.
    pub(super) local: Cell<Option<SocketAddr>>,
    /// When the request was given to a connection, where somebody asks.
    pub(super) begun: Cell<Option<Instant>>,
    /// Where interim answers go, if anywhere.
    pub(super) interims: Option<Interims>,
    /// What is recorded of it, where it is sampled.
    pub(super) trace: Option<Rc<RequestTrace>>,
}

impl RequestState {
    /// What `backend` has to resolve for the request of `parts`, which [has a host](super::head::prepare).
    #[inline]
    pub(super) fn authority(backend: &Backend, parts: &Parts) -> Option<HeaderValue> {
        match backend.discovery {
            Discovery::Addresses(_) => None,
            Discovery::Dynamic(_) => parts.headers.get(header::HOST).cloned(),
        }
    }

    /// How the request of `parts` and `body`, for `authority`, may be sent to `backend`. `upgrades` says whether it asks for another
    /// protocol, `hash` where endpoints are chosen by one; `trace` is what is recorded of it, if anything is.
    // In one with its callers: what it makes is large, and is put where it stays.
    #[inline(always)]
    pub(super) fn new(
        backend: &Backend,
        (port, authority): (Option<NonZeroU16>, Option<HeaderValue>),
        upgrades: bool,
        parts: &Parts,
        body: &RequestBody,
        hash: Option<u64>,
        trace: Option<Rc<RequestTrace>>,
    ) -> Self {
        let bodyless = body.is_empty() && !upgrades;
        Self {
            port,
            authority,
            bodyless,
            repeatable: bodyless && parts.method.is_idempotent(),
            sent: body.progress(),
            grpc: backend.detector().is_some() && grpc::is_spoken(&parts.headers),
            by_endpoint: false,
            hash,
            avoid: RefCell::default(),
            current: RefCell::default(),
            tried: Cell::default(),
            attempts: Cell::new(1),
            made: Cell::default(),
            exposed: Cell::default(),
            told: false,
            wants_local: false,
            local: Cell::default(),
            begun: Cell::default(),
            interims: None,
            trace,
        }
    }

    /// The attempt under way goes to `address`.
    #[inline]
    pub(super) fn go_to(&self, address: SocketAddr) {
        self.tried.set(Some(address));
        self.made.set(self.attempts.get());
    }

    /// Passes an interim answer of the endpoint on. Whether the client is to continue is between it and this proxy.
    #[cold]
    pub(super) fn pass_interim(&self, mut response: Response<()>) {
        let Some(interims) = self.interims.as_ref().filter(|_| response.status() != StatusCode::CONTINUE) else {
            return;
        };
        let headers = response.headers_mut();
        let present = HeaderPresence::among(headers);
        headers::strip(headers, &present);
        headers.remove(header::CONTENT_LENGTH);
        interims.pass(response);
    }

    /// The address that was tried last.
    pub(super) fn tried(&self) -> Option<SocketAddr> {
        self.tried.get()
    }

    /// How many attempts had an endpoint to go to.
    pub(super) fn made(&self) -> u32 {
        self.made.get()
    }

    /// Says in the access log what is known of a request without an answer.
    pub(super) fn tell(&self, record: &mut Record) {
        record.upstream = self.tried.get();
        record.upstream_local = self.local.get();
        record.sent = self.begun.get();
        record.attempts = self.made.get();
        record.bytes_in = self.sent.as_ref().map_or(0, |sent| sent.bytes.get());
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
}
