//! How a request counts among those that wait, in however many places it waits at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Overflow, Permit, Share, Wait};

/// How a request counts among those that wait for a connection: once, though it may try several addresses at once, and not
/// against the limit on those that wait once a connection is being opened for it, which counts by itself.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    waits: Cell<u32>,
    opens: Cell<u32>,
    permit: RefCell<Option<Permit>>,
}

impl Pending {
    /// Whether it waits for connections of others.
    pub(crate) fn is_queued(&self) -> bool {
        self.waits.get() > 0
    }

    /// A connection is being opened for it.
    fn open(&self, share: &Share) -> Result<(), Overflow> {
        if self.opens.get() == 0 {
            let permit = share.breakers().opening_request()?;
            *self.permit.borrow_mut() = Some(permit);
        }
        self.opens.set(self.opens.get() + 1);
        Ok(())
    }

    /// It waits, because of `cause` if that keeps it from opening a connection.
    fn wait(&self, share: &Share, cause: Option<Overflow>, endpoint: &EndpointState) -> Result<(), Overflow> {
        if self.opens.get() + self.waits.get() == 0 {
            let permit = share.pending_request(cause, endpoint)?;
            *self.permit.borrow_mut() = Some(permit);
        }
        self.waits.set(self.waits.get() + 1);
        Ok(())
    }

    /// One of those that it waits for is being opened now.
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

    /// It waits there no longer.
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
    /// What tells other threads that it waits; `None` once a connection is being opened for it.
    wait: Option<Wait>,
}

impl Counts {
    /// A connection is being opened for it.
    pub(super) fn opening(pending: &Rc<Pending>, share: &Arc<Share>) -> Result<Self, Overflow> {
        pending.open(share)?;
        Ok(Self { pending: Rc::clone(pending), share: Arc::clone(share), wait: None })
    }

    /// It waits, because of `cause` if that keeps it from opening a connection to `endpoint`.
    pub(super) fn waiting(
        pending: &Rc<Pending>,
        share: &Arc<Share>,
        cause: Option<Overflow>,
        endpoint: &Arc<EndpointState>,
    ) -> Result<Self, Overflow> {
        pending.wait(share, cause, endpoint)?;
        let wait = Some(share.wait(cause, endpoint));
        Ok(Self { pending: Rc::clone(pending), share: Arc::clone(share), wait })
    }

    pub(super) fn is_opening(&self) -> bool {
        self.wait.is_none()
    }

    /// What keeps it from opening a connection now. Returns whether it was something else before.
    pub(super) fn caused_by(&mut self, cause: Overflow) -> bool {
        self.wait.as_mut().is_some_and(|wait| wait.caused_by(Some(cause)))
    }

    /// One is being opened for it now.
    pub(super) fn advance(&mut self) {
        if self.wait.take().is_some() {
            self.pending.advance(&self.share);
        }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        self.pending.leave(&self.share, self.is_opening());
    }
}
