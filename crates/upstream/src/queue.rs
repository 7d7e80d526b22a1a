//! Requests that wait for a connection, in the order in which they came.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use backstay_balancer::{Overflow, Permit};

use super::connect::ConnectError;
use super::pending::Counts;
use super::stock::Spare;

#[cfg(test)]
mod tests;

/// What a request that waits is given.
#[derive(Debug)]
pub(super) enum Given<C> {
    /// What another request has done with.
    Free(C),
    /// The right to open a connection.
    Place(Place),
    /// There will be none.
    Failed(ConnectError),
}

/// A connection's place among those that may be open, until it has ended.
#[derive(Debug)]
pub(super) struct Place {
    _permit: Permit,
    /// Of the thread, to the endpoint.
    open: Rc<Cell<u32>>,
}

impl Place {
    #[inline]
    pub(super) fn take(permit: Permit, open: &Rc<Cell<u32>>) -> Self {
        open.set(open.get() + 1);
        Self { _permit: permit, open: Rc::clone(open) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Before the permit goes, which tells those who wait: the first connection is granted whatever the limits.
        self.open.set(self.open.get() - 1);
    }
}

/// The requests of a thread that wait for a connection to one endpoint. Those for which one is being opened come first: places
/// are given out in order.
#[derive(Debug)]
pub(super) struct Queue<C> {
    placed: Line<C>,
    unplaced: Line<C>,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self { placed: Line::default(), unplaced: Line::default() }
    }
}

/// Requests in one stage.
#[derive(Debug)]
struct Line<C> {
    entries: RefCell<VecDeque<Rc<Entry<C>>>>,
    /// Those that have not left.
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

    /// One of them has left.
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
    /// Which of the thread's it is, in the order in which they came.
    ticket: u64,
    /// What it counts as, until it is given what it needs.
    pub(super) counts: RefCell<Option<Counts>>,
    /// The connection that is being opened for it, since it was given another.
    spare: RefCell<Option<Spare>>,
}

/// Where a request that waits is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Unplaced,
    Placed,
    /// It needs nothing more, or has left.
    Served,
}

impl<C> Entry<C> {
    /// Whether it waits.
    pub(super) fn is_queued(&self) -> bool {
        self.stage.get() != Stage::Served
    }

    /// What it was given, once.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Given<C>> {
        if let Some(given) = self.given.borrow_mut().take() {
            return Poll::Ready(given);
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// What the connection is that is being opened for it, since it was given another.
    pub(super) fn spare(&self) -> Option<Spare> {
        self.spare.borrow_mut().take()
    }

    /// What it was given and has not taken.
    pub(super) fn untaken(&self) -> Option<Given<C>> {
        self.given.borrow_mut().take()
    }

    fn give(&self, given: Given<C>) {
        // A place that it has not looked at yet is needed no more.
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
        self.placed.count.get() + self.unplaced.count.get() == 0
    }

    /// Whether anyone waits for whom no connection is being opened.
    pub(super) fn is_short(&self) -> bool {
        self.unplaced.count.get() > 0
    }

    /// Those for whom a connection is being opened.
    pub(super) fn placed(&self) -> usize {
        self.placed.count.get()
    }

    /// Who has waited longest without a place.
    pub(super) fn front(&self) -> Option<Rc<Entry<C>>> {
        self.unplaced.front()
    }

    /// Which of the thread's it is that has waited longest.
    pub(super) fn ticket(&self) -> Option<u64> {
        self.placed.front().or_else(|| self.unplaced.front()).map(|entry| entry.ticket)
    }

    /// Waits behind those who wait already.
    pub(super) fn join(&self, ticket: u64, counts: Counts) -> Rc<Entry<C>> {
        let (line, stage) =
            if counts.is_opening() { (&self.placed, Stage::Placed) } else { (&self.unplaced, Stage::Unplaced) };
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

    /// It waits no more. What it counts as is left to the caller.
    pub(super) fn leave(&self, entry: &Entry<C>) {
        match entry.stage.replace(Stage::Served) {
            Stage::Placed => self.placed.discount(),
            Stage::Unplaced => self.unplaced.discount(),
            Stage::Served => {}
        }
    }

    /// Gives what is free to who has waited longest; back, if nobody waits. `spare` is for what is being opened for that one.
    pub(super) fn offer(&self, free: C, spare: impl FnOnce() -> Option<Spare>) -> Option<C> {
        let entry = if let Some(entry) = self.placed.serve() {
            if entry.given.borrow().is_none() {
                *entry.spare.borrow_mut() = spare();
            }
            entry
        } else if let Some(entry) = self.unplaced.serve() {
            entry
        } else {
            return Some(free);
        };
        entry.give(Given::Free(free));
        None
    }

    /// Gives the right to open a connection to [`Self::front`], which goes on waiting. With `None`, it is opened for it.
    pub(super) fn place(&self, place: Option<Place>) {
        let Some(front) = self.unplaced.front() else { return };
        self.unplaced.entries.borrow_mut().pop_front();
        self.unplaced.discount();
        front.stage.set(Stage::Placed);
        if let Some(counts) = &mut *front.counts.borrow_mut() {
            counts.advance();
        }
        self.placed.push(&front);
        if let Some(place) = place {
            front.give(Given::Place(place));
        }
    }

    /// Of those for whom a connection was to be opened, only the first `most` may still expect one. The others wait for what is
    /// free, because of `cause`.
    pub(super) fn demote(&self, most: usize, cause: Overflow) {
        while self.placed() > most
            && let Some(entry) = self.placed.pop_back()
        {
            entry.stage.set(Stage::Unplaced);
            if let Some(counts) = &mut *entry.counts.borrow_mut() {
                counts.retreat(cause);
            }
            self.unplaced.push_front(entry);
        }
    }

    /// Tells the first `most` of those for whom a connection was being opened that there will be none, and, with `others`, those
    /// that wait for anything.
    pub(super) fn fail(&self, error: &ConnectError, most: usize, others: bool) {
        let placed = std::iter::from_fn(|| self.placed.serve()).take(most);
        let unplaced = std::iter::from_fn(|| self.unplaced.serve()).take(if others { usize::MAX } else { 0 });
        placed.chain(unplaced).for_each(|entry| entry.give(Given::Failed(error.clone())));
    }

    #[cfg(test)]
    fn entries(&self) -> usize {
        self.placed.entries.borrow().len() + self.unplaced.entries.borrow().len()
    }
}
