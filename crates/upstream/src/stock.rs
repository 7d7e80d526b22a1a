//! What a thread has of connections to one endpoint that carry no request, and the requests that wait for one.
//!
//! There is no socket in it, and nothing of HTTP: what is kept and given out may be anything.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Overflow, PoolConnection};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::member::{Member, Spare};
use super::pending::{Counts, Pending};
use super::queue::{ConnectionPermit, Entry, Given, Queue};

#[cfg(test)]
mod tests;

/// What can be given to a request that waits.
pub(super) trait Reusable {
    /// Whether it carries one request at a time: a connection that is being opened for the request that gets this one is then
    /// for nobody.
    fn is_alone(&self) -> bool;

    /// Keeps it for requests to come, if that is what is done with it.
    fn keep(self, stock: &Stock<Self>)
    where
        Self: Sized;
}

/// Connections that carry no request, and requests that wait.
#[derive(Debug)]
pub(super) struct Stock<C> {
    pub(super) member: Rc<Member>,
    /// What is counted for the endpoint, over all threads.
    pub(super) endpoint: Arc<EndpointState>,
    /// Connections open or being opened.
    open: Rc<Cell<u32>>,
    idle: RefCell<Vec<Idle<C>>>,
    pub(super) queue: Queue<C>,
    /// What last kept a request from opening a connection.
    cause: Cell<Overflow>,
    /// The last of those that waited has left.
    deserted: Notify,
}

/// A connection that carries no request.
#[derive(Debug)]
pub(super) struct Idle<C> {
    pub(super) connection: C,
    pub(super) since: Instant,
    /// What [`Share::rests`](backstay_balancer::Share::rests) said when the connection came to rest.
    counted: bool,
    /// The connection was there when other threads were found to wait.
    seen: bool,
    /// The connection was there at the last sweep.
    pub(super) swept: bool,
}

impl<C: Reusable> Stock<C> {
    pub(super) fn new(member: &Rc<Member>, endpoint: Arc<EndpointState>) -> Rc<Self> {
        Rc::new(Self {
            member: Rc::clone(member),
            endpoint,
            open: Rc::default(),
            idle: RefCell::new(Vec::new()),
            queue: Queue::default(),
            cause: Cell::new(Overflow::Connections),
            deserted: Notify::new(),
        })
    }

    /// Whether the endpoint is taken for one that cannot serve: an outlier, or down by its checks.
    pub(super) fn is_unhealthy(&self) -> bool {
        self.endpoint.is_ejected() || self.endpoint.has_failed_check()
    }

    /// Connections open or being opened.
    pub(super) fn open(&self) -> u32 {
        self.open.get()
    }

    /// What last kept a request from opening a connection.
    pub(super) fn cause(&self) -> Overflow {
        self.cause.get()
    }

    /// Connections that carry no request.
    pub(super) fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// Whether the next connection would be the first.
    fn next_connection(&self) -> PoolConnection {
        if self.open.get() == 0 { PoolConnection::First } else { PoolConnection::Further }
    }

    /// The right to open a connection. The first one is always granted: requests would wait for a connection that nobody may
    /// open.
    pub(super) fn enter(&self) -> Result<ConnectionPermit, Overflow> {
        let permit = self.member.share.breakers().connection(&self.endpoint, self.next_connection());
        let permit = permit.inspect_err(|cause| self.cause.set(*cause))?;
        Ok(ConnectionPermit::take(permit, &self.open))
    }

    /// The connection that was used last of those that carry no request.
    pub(super) fn take(&self) -> Option<C> {
        let Idle { connection, counted, .. } = self.idle.borrow_mut().pop()?;
        self.member.share.takes(&self.endpoint, counted);
        Some(connection)
    }

    /// Keeps a connection for which nobody waits.
    pub(super) fn rest(&self, connection: C, since: Instant) {
        let counted = self.member.rests(&self.endpoint);
        self.idle.borrow_mut().push(Idle { connection, since, counted, seen: false, swept: false });
    }

    /// A connection that is being opened for no request counts as one that carries none.
    pub(super) fn spare(&self) -> Spare {
        Spare::new(&self.member, &self.endpoint)
    }

    /// Gives what is free to who has waited longest; back, if nobody waits.
    pub(super) fn offer(&self, free: C) -> Option<C> {
        let is_alone = free.is_alone();
        self.queue.offer(free, || is_alone.then(|| self.spare()))
    }

    /// Takes out what `goes` of those that carry no request, the one that was used longest ago first.
    pub(super) fn remove(&self, goes: impl FnMut(&mut Idle<C>) -> bool) -> Vec<C> {
        let gone: Vec<_> = self.idle.borrow_mut().extract_if(.., goes).collect();
        gone.iter().for_each(|idle| self.member.share.takes(&self.endpoint, idle.counted));
        gone.into_iter().map(|idle| idle.connection).collect()
    }

    /// A connection that has carried no request for as long as others have waited for one, if it is to make room for them.
    pub(super) fn give_up(&self) -> Option<C> {
        if !self.idle.borrow().first().is_some_and(|idle| idle.seen) || !self.member.share.owes(&self.endpoint) {
            return None;
        }
        let Idle { connection, counted, .. } = self.idle.borrow_mut().remove(0);
        self.member.share.takes(&self.endpoint, counted);
        Some(connection)
    }

    /// From now on others are known to wait: what is still unused later is given up.
    pub(super) fn see(&self) {
        self.idle.borrow_mut().iter_mut().for_each(|idle| idle.seen = true);
    }

    /// Begins to wait: with the right to open a connection, if there may be another and nobody came before.
    pub(super) fn arrive(
        self: &Rc<Self>,
        pending: &Rc<Pending>,
    ) -> Result<(Waiting<C>, Option<ConnectionPermit>), Overflow> {
        if !self.queue.is_short()
            && let Ok(permit) = self.enter()
        {
            return Ok((self.await_opened(pending)?, Some(permit)));
        }
        let waiting = self.wait(pending)?;
        // What has become free before it was known that it waits.
        while self.grant() {}
        Ok((waiting, None))
    }

    /// Waits until something is given out.
    pub(super) fn wait(self: &Rc<Self>, pending: &Rc<Pending>) -> Result<Waiting<C>, Overflow> {
        Ok(self.join(Counts::waiting(pending, &self.member.share, self.cause.get(), &self.endpoint)?))
    }

    /// Waits for a connection that is being opened for it.
    pub(super) fn await_opened(self: &Rc<Self>, pending: &Rc<Pending>) -> Result<Waiting<C>, Overflow> {
        Ok(self.join(Counts::opening(pending, &self.member.share, &self.endpoint)?))
    }

    fn join(self: &Rc<Self>, counts: Counts) -> Waiting<C> {
        Waiting { entry: self.queue.join(self.member.ticket(), counts), stock: Rc::clone(self) }
    }

    /// Gives the right to open a connection to who has waited longest for it, if there may be another. Returns whether it did.
    pub(super) fn grant(&self) -> bool {
        let Some(permit) = self.room() else { return false };
        self.queue.begin_opening(Some(permit));
        true
    }

    /// The right to open a connection, for who has waited longest for it.
    pub(super) fn room(&self) -> Option<ConnectionPermit> {
        let front = self.queue.front()?;
        let breakers = self.member.share.breakers();
        loop {
            let cause = match breakers.connection_again(&self.endpoint, self.next_connection()) {
                Ok(permit) => return Some(ConnectionPermit::take(permit, &self.open)),
                Err(cause) => cause,
            };
            // Another limit than before: there may have been room by the time that this is known.
            self.cause.set(cause);
            if !front.counts.borrow_mut().as_mut().is_some_and(|counts| counts.caused_by(cause)) {
                return None;
            }
        }
    }

    /// Ends when the last of those that waited has left without having been served.
    pub(super) async fn deserted(&self) {
        loop {
            let deserted = self.deserted.notified();
            if self.queue.is_empty() {
                return;
            }
            deserted.await;
            if self.queue.is_empty() {
                return;
            }
        }
    }
}

/// A request that waits. Dropped, it waits no longer, and what it was given and has not taken goes to the next.
#[derive(Debug)]
pub(super) struct Waiting<C: Reusable> {
    entry: Rc<Entry<C>>,
    stock: Rc<Stock<C>>,
}

impl<C: Reusable> Waiting<C> {
    /// What the request is given next: first, perhaps, the right to open a connection, and while it does so, one that is free.
    pub(super) async fn given(&mut self) -> Given<C> {
        poll_fn(|cx| self.entry.poll(cx)).await
    }

    /// What the connection is that is being opened for it, since it was given another.
    pub(super) fn spare(&self) -> Option<Spare> {
        self.entry.spare()
    }

    /// From now on the request is given nothing: it waits for what it opens by itself.
    pub(super) fn withdraw(&self) {
        self.stock.queue.leave(&self.entry);
    }
}

impl<C: Reusable> Drop for Waiting<C> {
    fn drop(&mut self) {
        let (stock, entry) = (&self.stock, &self.entry);
        let unserved = entry.is_queued();
        stock.queue.leave(entry);
        *entry.counts.borrow_mut() = None;
        match entry.untaken() {
            Some(Given::Free(free)) => {
                if let Some(free) = stock.offer(free) {
                    free.keep(stock);
                }
            }
            Some(Given::Permit(_) | Given::Failed(_)) | None => {}
        }
        if unserved && stock.queue.is_empty() {
            stock.deserted.notify_waiters();
        }
    }
}

impl<C> Drop for Stock<C> {
    fn drop(&mut self) {
        self.idle.borrow().iter().for_each(|idle| self.member.share.takes(&self.endpoint, idle.counted));
    }
}
