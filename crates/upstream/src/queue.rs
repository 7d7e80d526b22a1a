//! Requests that wait for a connection, in the order in which they came.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use backstay_balancer::{Overflow, Permit};

use super::connect_error::ConnectError;
use super::member::Spare;
use super::pending::Counts;

#[cfg(test)]
mod tests;

/// What a request that waits is given.
#[derive(Debug)]
pub(super) enum Given<C> {
    /// What another request has done with.
    Free(C),
    /// The right to open a connection.
    Permit(ConnectionPermit),
    /// There will be none.
    Failed(ConnectError),
}

/// The right to have a connection open, until the connection has ended.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    _permit: Permit,
    /// How many connections the thread has open to the endpoint.
    open: Rc<Cell<u32>>,
}

impl ConnectionPermit {
    #[inline]
    pub(super) fn take(permit: Permit, open: &Rc<Cell<u32>>) -> Self {
        open.set(open.get() + 1);
        Self { _permit: permit, open: Rc::clone(open) }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        // Before the permit goes, which tells those who wait: the first connection is granted whatever the limits.
        self.open.set(self.open.get() - 1);
    }
}

/// The requests of a thread that wait for a connection to one endpoint. Those for which one is being opened come first: the
/// right to open one is given out in order.
#[derive(Debug)]
pub(super) struct Queue<C> {
    opening: Line<C>,
    waiting: Line<C>,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self { opening: Line::default(), waiting: Line::default() }
    }
}

/// Requests in one stage.
#[derive(Debug)]
struct Line<C> {
    entries: RefCell<VecDeque<Rc<Entry<C>>>>,
    /// How many of the entries have not left.
    count: Cell<usize>,
}

impl<C> Default for Line<C> {
    fn default() -> Self {
        Self { entries: RefCell::default(), count: Cell::new(0) }
    }
}

impl<C> Line<C> {
    fn push(&self, entry: &Rc<Entry<C>>) {
        let mut entries = self.entries.borrow_mut();
        // Those who have left are otherwise found only when something becomes free, which may be never.
        if entries.len() == entries.capacity() {
            entries.retain(|entry| entry.is_queued());
        }
        entries.push_back(Rc::clone(entry));
        self.count.set(self.count.get() + 1);
    }

    fn push_front(&self, entry: Rc<Entry<C>>) {
        self.entries.borrow_mut().push_front(entry);
        self.count.set(self.count.get() + 1);
    }

    /// One of the entries has left.
    fn discount(&self) {
        self.count.set(self.count.get() - 1);
    }

    /// Takes out the one that came last.
    fn pop_back(&self) -> Option<Rc<Entry<C>>> {
        let entry = std::iter::from_fn(|| self.entries.borrow_mut().pop_back()).find(|entry| entry.is_queued())?;
        self.discount();
        Some(entry)
    }

    /// The one that came first.
    fn front(&self) -> Option<Rc<Entry<C>>> {
        let mut entries = self.entries.borrow_mut();
        while entries.front().is_some_and(|entry| !entry.is_queued()) {
            entries.pop_front();
        }
        entries.front().map(Rc::clone)
    }

    /// Takes out the one that came first, which waits no more. From here on what it is given counts in its place, though it has
    /// not looked yet.
    fn serve(&self) -> Option<Rc<Entry<C>>> {
        let entry = self.front()?;
        self.entries.borrow_mut().pop_front();
        self.discount();
        entry.stage.set(Stage::Served);
        *entry.counts.borrow_mut() = None;
        Some(entry)
    }
}

/// A request that waits.
#[derive(Debug)]
pub(super) struct Entry<C> {
    given: RefCell<Option<Given<C>>>,
    waker: RefCell<Option<Waker>>,
    stage: Cell<Stage>,
    /// The number of the request among those of the thread that came to wait, counted up.
    ticket: u64,
    /// What the request counts as, until it is given what it needs.
    pub(super) counts: RefCell<Option<Counts>>,
    /// The connection that is being opened for the request, though it was given another.
    spare: RefCell<Option<Spare>>,
}

/// Where a request that waits is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Opening,
    /// The request needs nothing more, or has left.
    Served,
}

impl<C> Entry<C> {
    /// Whether the request waits.
    pub(super) fn is_queued(&self) -> bool {
        self.stage.get() != Stage::Served
    }

    /// What the request was given, once.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Given<C>> {
        if let Some(given) = self.given.borrow_mut().take() {
            return Poll::Ready(given);
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The connection that is being opened for the request, though it was given another.
    pub(super) fn spare(&self) -> Option<Spare> {
        self.spare.borrow_mut().take()
    }

    /// What the request was given and has not taken.
    pub(super) fn untaken(&self) -> Option<Given<C>> {
        self.given.borrow_mut().take()
    }

    fn give(&self, given: Given<C>) {
        // A right to open a connection that the request has not looked at yet is needed no more.
        let before = self.given.borrow_mut().replace(given);
        drop(before);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl<C> Queue<C> {
    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.opening.count.get() + self.waiting.count.get() == 0
    }

    /// Whether anyone waits for whom no connection is being opened.
    pub(super) fn is_short(&self) -> bool {
        self.waiting.count.get() > 0
    }

    /// How many requests wait for whom a connection is being opened.
    pub(super) fn opening(&self) -> usize {
        self.opening.count.get()
    }

    /// The request that has waited longest without a connection being opened for it.
    pub(super) fn front(&self) -> Option<Rc<Entry<C>>> {
        self.waiting.front()
    }

    /// The number of the request that has waited longest.
    pub(super) fn ticket(&self) -> Option<u64> {
        self.opening.front().or_else(|| self.waiting.front()).map(|entry| entry.ticket)
    }

    /// Enters a request, behind those who wait already.
    pub(super) fn join(&self, ticket: u64, counts: Counts) -> Rc<Entry<C>> {
        let (line, stage) =
            if counts.is_opening() { (&self.opening, Stage::Opening) } else { (&self.waiting, Stage::Waiting) };
        let entry = Rc::new(Entry {
            given: RefCell::default(),
            waker: RefCell::default(),
            stage: Cell::new(stage),
            ticket,
            counts: RefCell::new(Some(counts)),
            spare: RefCell::default(),
        });
        line.push(&entry);
        entry
    }

    /// A request waits no more. What it counts as is left to the caller.
    pub(super) fn leave(&self, entry: &Entry<C>) {
        match entry.stage.replace(Stage::Served) {
            Stage::Opening => self.opening.discount(),
            Stage::Waiting => self.waiting.discount(),
            Stage::Served => {}
        }
    }

    /// Gives what is free to who has waited longest; back, if nobody waits. `spare` is for what is being opened for that one.
    pub(super) fn offer(&self, free: C, spare: impl FnOnce() -> Option<Spare>) -> Option<C> {
        let entry = if let Some(entry) = self.opening.serve() {
            if entry.given.borrow().is_none() {
                *entry.spare.borrow_mut() = spare();
            }
            entry
        } else if let Some(entry) = self.waiting.serve() {
            entry
        } else {
            return Some(free);
        };
        entry.give(Given::Free(free));
        None
    }

    /// Gives the right to open a connection to [`Self::front`], which goes on waiting. With `None`, it is opened for it.
    pub(super) fn begin_opening(&self, permit: Option<ConnectionPermit>) {
        let Some(front) = self.waiting.front() else { return };
        self.waiting.entries.borrow_mut().pop_front();
        self.waiting.discount();
        front.stage.set(Stage::Opening);
        if let Some(counts) = &mut *front.counts.borrow_mut() {
            counts.advance();
        }
        self.opening.push(&front);
        if let Some(permit) = permit {
            front.give(Given::Permit(permit));
        }
    }

    /// Of those for whom a connection was to be opened, only the first `most` may still expect one. The others wait for what is
    /// free, because of `cause`.
    pub(super) fn demote(&self, most: usize, cause: Overflow) {
        while self.opening() > most
            && let Some(entry) = self.opening.pop_back()
        {
            entry.stage.set(Stage::Waiting);
            if let Some(counts) = &mut *entry.counts.borrow_mut() {
                counts.retreat(cause);
            }
            self.waiting.push_front(entry);
        }
    }

    /// Tells the first `most` of those for whom a connection was being opened that there will be none, and, with `others`, those
    /// that wait for anything.
    pub(super) fn fail(&self, error: &ConnectError, most: usize, others: bool) {
        let opening = std::iter::from_fn(|| self.opening.serve()).take(most);
        let waiting = std::iter::from_fn(|| self.waiting.serve()).take(if others { usize::MAX } else { 0 });
        opening.chain(waiting).for_each(|entry| entry.give(Given::Failed(error.clone())));
    }

    #[cfg(test)]
    fn entries(&self) -> usize {
        self.opening.entries.borrow().len() + self.waiting.entries.borrow().len()
    }
}
