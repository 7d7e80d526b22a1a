//! A thread, as the other threads that use the same backend know it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Share};

/// This thread, as the other threads that use the same backend know it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) share: Arc<Share>,
    /// Requests that have come to wait so far.
    tickets: Cell<u64>,
    /// What comes to rest is looked at, as long as others wait.
    pub(super) watched: Cell<bool>,
}

impl Member {
    pub(super) fn new(share: Arc<Share>) -> Rc<Self> {
        Rc::new(Self { share, tickets: Cell::new(0), watched: Cell::new(false) })
    }

    /// A connection to `endpoint` carries no request from now on. Returns what [`Share::takes`] is to be told.
    #[inline]
    pub(super) fn rests(&self, endpoint: &EndpointState) -> bool {
        let counted = self.share.rests(endpoint);
        if !self.watched.get() && self.share.is_awaited(endpoint) {
            self.share.ring();
        }
        counted
    }

    /// The number of the next request that comes to wait.
    pub(super) fn ticket(&self) -> u64 {
        self.tickets.replace(self.tickets.get() + 1)
    }
}

/// A connection that is being opened for no request.
#[derive(Debug)]
pub(super) struct Spare {
    counted: bool,
    member: Rc<Member>,
    endpoint: Arc<EndpointState>,
}

impl Spare {
    /// One to `endpoint`, which counts as a connection that carries no request.
    pub(super) fn new(member: &Rc<Member>, endpoint: &Arc<EndpointState>) -> Self {
        Self { counted: member.rests(endpoint), member: Rc::clone(member), endpoint: Arc::clone(endpoint) }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.member.share.takes(&self.endpoint, self.counted);
    }
}
