//! Requests that share a connection, as the sweep sees them.
//!
//! What moves on one stream of an HTTP/2 connection, or its pings, says nothing about the others. So each request has a count of
//! its own, and one that stands still for too long is ended alone.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::activity::{Cause, StreamActivity};

/// The requests of a thread that share a connection with others.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    entries: RefCell<BTreeMap<u64, Entry>>,
    next: Cell<u64>,
}

#[derive(Debug)]
struct Entry {
    activity: Rc<StreamActivity>,
    task: AbortHandle,
    /// How often something had moved at the last sweep that saw a movement.
    moves: u32,
    since: Instant,
}

impl Streams {
    /// Runs what serves the request of `activity`, in a task that the sweep may end.
    pub(crate) fn run(self: &Rc<Self>, activity: Rc<StreamActivity>, work: impl Future<Output: 'static> + 'static) {
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        let (member, moving) = (Member { streams: Rc::clone(self), id }, Rc::clone(&activity));
        let task = tokio::task::spawn_local(async move {
            let _member = member;
            let mut work = pin!(work);
            poll_fn(|cx| {
                moving.moved();
                work.as_mut().poll(cx)
            })
            .await
        });
        let entry = Entry { moves: activity.moves(), activity, task: task.abort_handle(), since: Instant::now() };
        self.entries.borrow_mut().insert(id, entry);
    }

    /// Ends requests of which nothing has moved for as long as `allowed`, and those whose time is over.
    pub(super) fn sweep(&self, now: Instant, allowed: Duration) -> Ended {
        let mut ended = Ended::default();
        for entry in self.entries.borrow_mut().values_mut() {
            let moves = entry.activity.moves();
            if entry.activity.is_late(now) {
                entry.activity.cause().set(Cause::Deadline);
                entry.task.abort();
            } else if entry.activity.is_too_long(now) && !entry.task.is_finished() {
                ended.too_long += 1;
                entry.activity.cause().set(Cause::TooLong);
                entry.task.abort();
            } else if moves != entry.moves {
                (entry.moves, entry.since) = (moves, now);
            } else if now.duration_since(entry.since) >= allowed && !entry.task.is_finished() {
                ended.still += 1;
                entry.activity.cause().set(Cause::Still);
                entry.task.abort();
            }
        }
        ended
    }
}

/// How many requests a sweep has ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Nothing had moved.
    pub(super) still: u64,
    /// They took longer than their listener allows.
    pub(super) too_long: u64,
}

/// A request's entry among the streams, for as long as this lives.
struct Member {
    streams: Rc<Streams>,
    id: u64,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.streams.entries.borrow_mut().remove(&self.id);
    }
}
