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
    placed: RefCell<VecDeque<Rc<Entry<C>>>>,
    unplaced: RefCell<VecDeque<Rc<Entry<C>>>>,
    /// Who is in the first, and has not left.
    with_place: Cell<usize>,
    without: Cell<usize>,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self {
            placed: RefCell::default(),
            unplaced: RefCell::default(),
            with_place: Cell::new(0),
            without: Cell::new(0),
        }
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
    /// Whether anyone waits.
    pub(super) fn is_empty(&self) -> bool {
        self.with_place.get() + self.without.get() == 0
    }

    /// Whether anyone waits for whom no connection is being opened.
    pub(super) fn is_short(&self) -> bool {
        self.without.get() > 0
    }

    /// Who has waited longest without a place.
    pub(super) fn front(&self) -> Option<Rc<Entry<C>>> {
        let mut unplaced = self.unplaced.borrow_mut();
        while unplaced.front().is_some_and(|entry| !entry.is_queued()) {
            unplaced.pop_front();
        }
        unplaced.front().map(Rc::clone)
    }

    /// Which of the thread's it is that has waited longest.
    pub(super) fn ticket(&self) -> Option<u64> {
        let first = |queue: &RefCell<VecDeque<Rc<Entry<C>>>>| {
            queue.borrow().iter().find(|entry| entry.is_queued()).map(|entry| entry.ticket)
        };
        first(&self.placed).or_else(|| first(&self.unplaced))
    }

    /// Waits behind those who wait already.
    pub(super) fn join(&self, ticket: u64, counts: Counts) -> Rc<Entry<C>> {
        let stage = if counts.is_opening() { Stage::Placed } else { Stage::Unplaced };
        let entry = Rc::new(Entry {
            given: RefCell::default(),
            waker: RefCell::default(),
            stage: Cell::new(stage),
            ticket,
            counts: RefCell::new(Some(counts)),
            spare: RefCell::default(),
        });
        self.push(&entry);
        entry
    }

    fn push(&self, entry: &Rc<Entry<C>>) {
        let (queue, count) = self.of(entry.stage.get() == Stage::Placed);
        let mut queue = queue.borrow_mut();
        // Those who have left are otherwise found only when something becomes free, which may be never.
        if queue.len() == queue.capacity() {
            queue.retain(|entry| entry.is_queued());
        }
        queue.push_back(Rc::clone(entry));
        count.set(count.get() + 1);
    }

    fn of(&self, placed: bool) -> (&RefCell<VecDeque<Rc<Entry<C>>>>, &Cell<usize>) {
        if placed { (&self.placed, &self.with_place) } else { (&self.unplaced, &self.without) }
    }

    /// It waits no more. What it counts as is left to the caller.
    pub(super) fn leave(&self, entry: &Entry<C>) {
        let stage = entry.stage.replace(Stage::Served);
        if stage != Stage::Served {
            let (_, count) = self.of(stage == Stage::Placed);
            count.set(count.get() - 1);
        }
    }

    /// Gives what is free to who has waited longest; back, if nobody waits. `spare` is for what is being opened for that one.
    pub(super) fn offer(&self, free: C, spare: impl FnOnce() -> Option<Spare>) -> Option<C> {
        match self.next() {
            Some((entry, placed)) => {
                if placed && entry.given.borrow().is_none() {
                    *entry.spare.borrow_mut() = spare();
                }
                entry.give(Given::Free(free));
                None
            }
            None => Some(free),
        }
    }

    /// Who has waited longest, and waits no more, and whether a connection is being opened for it.
    fn next(&self) -> Option<(Rc<Entry<C>>, bool)> {
        for placed in [true, false] {
            let (queue, _) = self.of(placed);
            loop {
                let Some(entry) = queue.borrow_mut().pop_front() else { break };
                if entry.is_queued() {
                    self.leave(&entry);
                    // From here on what it is given counts in its place, though it has not looked yet.
                    *entry.counts.borrow_mut() = None;
                    return Some((entry, placed));
                }
            }
        }
        None
    }

    /// Gives the right to open a connection to `front`, which goes on waiting. With `None`, it is opened for it.
    pub(super) fn place(&self, front: &Rc<Entry<C>>, place: Option<Place>) {
        self.unplaced.borrow_mut().pop_front();
        self.without.set(self.without.get() - 1);
        front.stage.set(Stage::Placed);
        if let Some(counts) = &mut *front.counts.borrow_mut() {
            counts.advance();
        }
        self.push(front);
        if let Some(place) = place {
            front.give(Given::Place(place));
        }
    }

    /// Those for whom a connection is being opened.
    pub(super) fn placed(&self) -> usize {
        self.with_place.get()
    }

    /// Of those for whom a connection was to be opened, only the first `most` may still expect one. The others wait for what is
    /// free, because of `cause`.
    pub(super) fn demote(&self, most: usize, cause: Overflow) {
        while self.with_place.get() > most {
            let Some(entry) = self.placed.borrow_mut().pop_back() else { return };
            if !entry.is_queued() {
                continue;
            }
            entry.stage.set(Stage::Unplaced);
            if let Some(counts) = &mut *entry.counts.borrow_mut() {
                counts.retreat(cause);
            }
            self.with_place.set(self.with_place.get() - 1);
            self.without.set(self.without.get() + 1);
            self.unplaced.borrow_mut().push_front(entry);
        }
    }

    /// Tells the first `most` of those for whom a connection was being opened that there will be none, and, with `others`, those
    /// that wait for anything.
    pub(super) fn fail(&self, error: &ConnectError, most: usize, others: bool) {
        for (placed, most) in [(true, most), (false, if others { usize::MAX } else { 0 })] {
            let (queue, _) = self.of(placed);
            let mut failed = 0;
            while failed < most {
                let Some(entry) = queue.borrow_mut().pop_front() else { break };
                if entry.is_queued() {
                    failed += 1;
                    self.leave(&entry);
                    *entry.counts.borrow_mut() = None;
                    entry.give(Given::Failed(error.clone()));
                }
            }
        }
    }

    #[cfg(test)]
    fn entries(&self) -> usize {
        self.placed.borrow().len() + self.unplaced.borrow().len()
    }
}
