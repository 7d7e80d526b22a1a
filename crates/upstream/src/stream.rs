//! Streams on a connection of HTTP/2 that requests share, and what they count as.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::EndpointState;
use hyper::client::conn::http2;

use super::member::Member;
use crate::connector::Connector;

/// The requests that a connection carries.
#[derive(Debug)]
pub(super) struct Carrier {
    streams: Cell<usize>,
    /// While there are none: what the thread's share said when that began.
    rests: Cell<Option<bool>>,
    /// There has been none since others were found to wait.
    seen: Cell<bool>,
    member: Rc<Member>,
    endpoint: Arc<EndpointState>,
    /// The address of this end.
    local: Option<SocketAddr>,
}

impl Carrier {
    /// None yet, on a connection of `member` to `endpoint`.
    pub(super) fn new(member: &Rc<Member>, endpoint: &Arc<EndpointState>, local: Option<SocketAddr>) -> Rc<Self> {
        let (member, endpoint) = (Rc::clone(member), Arc::clone(endpoint));
        let rests = Cell::new(Some(member.rests(&endpoint)));
        Rc::new(Self { streams: Cell::new(0), rests, seen: Cell::new(false), member, endpoint, local })
    }

    /// How many requests there are.
    #[inline]
    pub(super) fn streams(&self) -> usize {
        self.streams.get()
    }

    /// From now on others are known to wait.
    pub(super) fn see(&self) {
        self.seen.set(true);
    }

    /// Whether there has been no request since others were found to wait.
    pub(super) fn was_seen(&self) -> bool {
        self.seen.get()
    }

    fn wakes(&self) {
        if let Some(counted) = self.rests.take() {
            self.member.share.takes(&self.endpoint, counted);
        }
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.wakes();
    }
}

/// The right to a stream on a shared connection, until the stream has ended.
#[derive(Debug)]
pub(super) struct StreamPermit(Rc<Carrier>);

impl StreamPermit {
    /// One more request, on the connection of `carrier`.
    #[inline]
    pub(super) fn take(carrier: &Rc<Carrier>) -> Self {
        carrier.streams.set(carrier.streams.get() + 1);
        carrier.seen.set(false);
        carrier.wakes();
        Self(Rc::clone(carrier))
    }

    /// The address of this end of the connection.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.0.local
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let Carrier { streams, rests, member, endpoint, .. } = &*self.0;
        streams.set(streams.get() - 1);
        if streams.get() == 0 {
            rests.set(Some(member.rests(endpoint)));
        }
        if member.share.waiting() > 0 {
            member.share.ring();
        }
    }
}

/// Where the connection of a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was opened for the request.
    Opened,
    /// It was there before: the endpoint may have closed it in the meantime.
    Kept,
}

/// A stream on a shared connection.
#[derive(Debug)]
pub(super) struct Stream<C: Connector> {
    pub(super) sender: http2::SendRequest<C::Body>,
    pub(super) permit: StreamPermit,
    /// Where the connection comes from.
    pub(super) origin: Origin,
}
