//! How a request counts among those that wait, in however many places it waits at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Overflow, Permit, Share, Wait};

/// How a request counts among those that wait for a connection: once, though it may try several addresses at once, and not
/// against the limit on those that wait once a connection is being opened for it, which counts by itself.
#[derive(Debug, Default)]
pub struct Pending {
    waits: Cell<u32>,
    opens: Cell<u32>,
    permit: RefCell<Option<Permit>>,
}

impl Pending {
    /// Whether the request waits for connections of others.
    #[inline]
    pub fn is_queued(&self) -> bool {
        self.waits.get() > 0
    }

    /// A connection is being opened for the request.
    fn open(&self, share: &Share) -> Result<(), Overflow> {
        if self.opens.get() == 0 {
            let permit = share.breakers().opening_request()?;
            *self.permit.borrow_mut() = Some(permit);
        }
        self.opens.set(self.opens.get() + 1);
        Ok(())
    }

    /// The request waits, because `cause` keeps it from opening a connection.
    fn wait(&self, share: &Share, cause: Overflow, endpoint: &EndpointState) -> Result<(), Overflow> {
        if self.opens.get() + self.waits.get() == 0 {
            let permit = share.pending_request(cause, endpoint)?;
            *self.permit.borrow_mut() = Some(permit);
        }
        self.waits.set(self.waits.get() + 1);
        Ok(())
    }

    /// One of the connections that the request waits for is being opened now.
    fn advance(&self, share: &Share) {
        // Where the limit has become 0 meanwhile, it counts as before.
        if self.opens.get() == 0
            && let Ok(permit) = share.breakers().opening_request()
        {
            *self.permit.borrow_mut() = Some(permit);
        }
        self.waits.set(self.waits.get() - 1);
        self.opens.set(self.opens.get() + 1);
    }

    /// One of the connections that the request waits for is not being opened any more, and it waits for others.
    fn retreat(&self, share: &Share) {
        self.opens.set(self.opens.get() - 1);
        self.waits.set(self.waits.get() + 1);
        if self.opens.get() == 0 {
            *self.permit.borrow_mut() = Some(share.breakers().pending_request_again());
        }
    }

    /// The request waits in one place less: for a connection being opened for it, or another.
    fn leave(&self, share: &Share, opening: bool) {
        let count = if opening { &self.opens } else { &self.waits };
        count.set(count.get() - 1);
        let waits = self.waits.get() > 0;
        if self.opens.get() == 0 && (opening || !waits) {
            *self.permit.borrow_mut() = waits.then(|| share.breakers().pending_request_again());
        }
    }
}

/// What a request that waits in one place counts as there.
#[derive(Debug)]
pub(super) struct Counts {
    pending: Rc<Pending>,
    share: Arc<Share>,
    /// What tells other threads that it waits.
    wait: Wait,
    /// A connection is being opened for the request.
    is_opening: bool,
}

impl Counts {
    /// A connection to `endpoint` is being opened for the request.
    pub(super) fn opening(
        pending: &Rc<Pending>,
        share: &Arc<Share>,
        endpoint: &Arc<EndpointState>,
    ) -> Result<Self, Overflow> {
        pending.open(share)?;
        Ok(Self::new(pending, share, None, endpoint))
    }

    /// The request waits, because `cause` keeps it from opening a connection to `endpoint`.
    pub(super) fn waiting(
        pending: &Rc<Pending>,
        share: &Arc<Share>,
        cause: Overflow,
        endpoint: &Arc<EndpointState>,
    ) -> Result<Self, Overflow> {
        pending.wait(share, cause, endpoint)?;
        Ok(Self::new(pending, share, Some(cause), endpoint))
    }

    fn new(pending: &Rc<Pending>, share: &Arc<Share>, cause: Option<Overflow>, endpoint: &Arc<EndpointState>) -> Self {
        let wait = share.wait(cause, endpoint);
        Self { pending: Rc::clone(pending), share: Arc::clone(share), wait, is_opening: cause.is_none() }
    }

    pub(super) fn is_opening(&self) -> bool {
        self.is_opening
    }

    /// What keeps the request from opening a connection now. Returns whether it was something else before.
    pub(super) fn caused_by(&mut self, cause: Overflow) -> bool {
        !self.is_opening && self.wait.caused_by(Some(cause))
    }

    /// A connection is being opened for the request now.
    pub(super) fn advance(&mut self) {
        if !self.is_opening {
            self.pending.advance(&self.share);
            self.wait.caused_by(None);
            self.is_opening = true;
        }
    }

    /// No connection is being opened for the request after all: it waits because of `cause`.
    pub(super) fn retreat(&mut self, cause: Overflow) {
        if self.is_opening {
            self.pending.retreat(&self.share);
            self.wait.caused_by(Some(cause));
            self.is_opening = false;
        }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        self.pending.leave(&self.share, self.is_opening);
    }
}
