use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Waker;

use super::limits::{Limit, Overflow};
use super::permit::{Breakers, Permit};
use crate::endpoint::EndpointState;

/// What one thread has of the connections of a backend. Threads keep their connections and queues to themselves, but the limits
/// hold for all of them together: a thread says here how many requests of its wait and how many connections of its carry none,
/// and is woken when something has changed for it. Locks are taken only where a limit is reached.
#[derive(Debug)]
pub struct Share {
    breakers: Arc<Breakers>,
    waker: Waker,
    /// Written by the thread alone, as is the next.
    idle: AtomicU32,
    waiting: AtomicU32,
}

/// The shares of all threads.
#[derive(Debug, Default)]
pub(super) struct Shares {
    members: Mutex<Vec<Weak<Share>>>,
    /// Requests that wait because of the limit on all connections.
    awaited: AtomicU32,
}

impl Shares {
    /// Requests that wait until there may be another connection.
    pub(super) fn awaited(&self) -> u32 {
        self.awaited.load(Ordering::SeqCst)
    }

    /// Wakes the threads in which requests wait.
    pub(super) fn ring_waiting(&self) {
        self.each(|share| {
            if share.waiting() > 0 {
                share.ring();
            }
        });
    }

    fn ring_all(&self) {
        self.each(Share::ring);
    }

    /// Connections that carry no request, of all threads.
    fn idle(&self) -> u32 {
        let mut idle = 0_u32;
        self.each(|share| idle = idle.saturating_add(share.idle.load(Ordering::Relaxed)));
        idle
    }

    fn each(&self, mut look: impl FnMut(&Share)) {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.iter().filter_map(Weak::upgrade).for_each(|share| look(&share));
    }
}

impl Share {
    /// Another thread's share of what `breakers` bound. `waker` is woken when requests that wait may find that there is room, and
    /// when others wait for connections that this thread does not use; it may be woken for nothing.
    pub fn join(breakers: &Arc<Breakers>, waker: Waker) -> Arc<Self> {
        let share = Arc::new(Self {
            breakers: Arc::clone(breakers),
            waker,
            idle: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
        });
        let mut members = breakers.shares.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(&share));
        share
    }

    /// What bounds it.
    #[must_use]
    pub const fn breakers(&self) -> &Arc<Breakers> {
        &self.breakers
    }

    /// Requests of this thread that wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Wakes this thread.
    pub fn ring(&self) {
        self.waker.wake_by_ref();
    }

    /// A connection to `endpoint` carries no request from now on. Returns what [`Self::takes`] is to be told.
    pub fn rests(&self, endpoint: &EndpointState) -> bool {
        // A plain load and store: only one thread writes.
        self.idle.store(self.idle.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        let counted = self.breakers.limits_endpoints();
        if counted {
            endpoint.idle_count().fetch_add(1, Ordering::Relaxed);
        }
        counted
    }

    /// A connection that carried no request does so now, or is gone. `counted` is what [`Self::rests`] said.
    pub fn takes(&self, endpoint: &EndpointState, counted: bool) {
        self.idle.store(self.idle.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
        if counted {
            endpoint.idle_count().fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Lets a request wait that `cause` keeps from a connection of its own to `endpoint`. Connections that carry no request are
    /// given up for requests that wait ([`Self::owes`]): so many more may.
    ///
    /// # Errors
    /// [`Overflow::PendingRequests`].
    pub fn pending_request(&self, cause: Overflow, endpoint: &EndpointState) -> Result<Permit, Overflow> {
        self.breakers.pending_request_beside(|| {
            let room = match cause {
                Overflow::Connections => self.room(),
                Overflow::EndpointConnections => self.room_at(endpoint),
                _ => return 0,
            };
            room.unwrap_or(0)
        })
    }

    /// A request waits until the result is dropped, for another connection to `endpoint` if `cause` keeps it from that, else for
    /// one that is being opened.
    pub fn wait(self: &Arc<Self>, cause: Option<Overflow>, endpoint: &Arc<EndpointState>) -> Wait {
        self.waiting.store(self.waiting().wrapping_add(1), Ordering::SeqCst);
        let mut wait = Wait { share: Arc::clone(self), endpoint: Arc::clone(endpoint), cause: None };
        wait.caused_by(cause);
        wait
    }

    /// Whether requests wait, in whichever thread, for another connection to `endpoint` or to any.
    #[must_use]
    pub fn is_awaited(&self, endpoint: &EndpointState) -> bool {
        self.breakers.shares.awaited() > 0 || endpoint.awaited() > 0
    }

    /// Whether a connection to `endpoint` that carries no request is to be closed, because requests wait that may have one only
    /// then. Asked again after each that was.
    #[must_use]
    pub fn owes(&self, endpoint: &EndpointState) -> bool {
        let breakers = &self.breakers;
        let lacks = |limit, active: u32, awaited: u32| {
            awaited > 0 && breakers.limit(limit).is_some_and(|most| active.saturating_add(awaited) > most)
        };
        let all = breakers.active(Limit::Connections);
        lacks(Limit::Connections, all, breakers.shares.awaited()) && self.room().is_some_and(|room| room > 0)
            || lacks(Limit::EndpointConnections, endpoint.connections(), endpoint.awaited())
                && self.room_at(endpoint).is_some_and(|room| room > 0)
    }

    /// How many connections there may be beside those that carry requests.
    fn room(&self) -> Option<u32> {
        let used = self.breakers.active(Limit::Connections).saturating_sub(self.breakers.shares.idle());
        Some(self.breakers.limit(Limit::Connections)?.saturating_sub(used))
    }

    /// The same, to one endpoint.
    fn room_at(&self, endpoint: &EndpointState) -> Option<u32> {
        let used = endpoint.connections().saturating_sub(endpoint.idle_count().load(Ordering::Relaxed));
        Some(self.breakers.limit(Limit::EndpointConnections)?.saturating_sub(used))
    }
}

/// A request that waits for a connection.
#[derive(Debug)]
pub struct Wait {
    share: Arc<Share>,
    endpoint: Arc<EndpointState>,
    cause: Option<Overflow>,
}

impl Wait {
    /// What keeps it from a connection of its own now. Whoever could change that looks at it from here on: to look once more
    /// whether there is room makes sure that nothing was missed.
    pub fn caused_by(&mut self, cause: Option<Overflow>) -> bool {
        if cause == self.cause {
            return false;
        }
        self.clear();
        self.cause = cause;
        let Some(awaited) = self.awaited() else { return true };
        let shares = &self.share.breakers.shares;
        // Threads that were told of an earlier one look by themselves at what comes to rest later.
        if awaited.fetch_add(1, Ordering::SeqCst) == 0 || shares.idle() > 0 {
            shares.ring_all();
        }
        true
    }

    fn clear(&self) {
        if let Some(awaited) = self.awaited() {
            awaited.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn awaited(&self) -> Option<&AtomicU32> {
        match self.cause? {
            Overflow::Connections => Some(&self.share.breakers.shares.awaited),
            Overflow::EndpointConnections => Some(self.endpoint.awaited_count()),
            _ => None,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.clear();
        self.share.waiting.store(self.share.waiting().wrapping_sub(1), Ordering::SeqCst);
    }
}
