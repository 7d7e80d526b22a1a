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

use super::context::ClientConnection;
use super::data_thread::DataThread;
use super::ending::{Cause, First};

/// How far a request has come that shares its connection.
#[derive(Debug, Default)]
pub(crate) struct StreamActivity {
    moves: Cell<u32>,
    end: Cell<Option<Instant>>,
    cause: First,
}

impl StreamActivity {
    /// Something has moved, in either direction.
    pub(crate) fn moved(&self) {
        self.moves.set(self.moves.get().wrapping_add(1));
    }

    /// Why the request ends before its end.
    pub(super) const fn cause(&self) -> &First {
        &self.cause
    }

    /// When the answer must have ended.
    pub(super) fn end_by(&self, end: Option<Instant>) {
        self.end.set(end);
    }
}

/// The requests of a thread that share a connection with others.
#[derive(Debug, Default)]
pub(super) struct Streams {
    entries: RefCell<BTreeMap<u64, Entry>>,
    next: Cell<u64>,
}

#[derive(Debug)]
struct Entry {
    activity: Rc<StreamActivity>,
    task: AbortHandle,
    moves: u32,
    since: Instant,
}

impl Streams {
    /// Ends requests of which nothing has moved for as long as `allowed`, and those whose time is over. Returns how many stood
    /// still.
    pub(super) fn sweep(&self, now: Instant, allowed: Duration) -> u64 {
        let mut still = 0;
        for entry in self.entries.borrow_mut().values_mut() {
            let moves = entry.activity.moves.get();
            if entry.activity.end.get().is_some_and(|end| end <= now) {
                entry.activity.cause.set(Cause::Deadline);
                entry.task.abort();
            } else if moves != entry.moves {
                (entry.moves, entry.since) = (moves, now);
            } else if now.duration_since(entry.since) >= allowed && !entry.task.is_finished() {
                still += 1;
                entry.activity.cause.set(Cause::Still);
                entry.task.abort();
            }
        }
        still
    }
}

/// Runs the requests of one HTTP/2 connection.
#[derive(Debug, Clone)]
pub(super) struct Executor(pub(super) Rc<ClientConnection>);

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, work: F) {
        // What hyper runs is what came of the request that it handed over last.
        let Some(activity) = self.0.begun.take() else {
            tokio::task::spawn_local(work);
            return;
        };
        let streams = &self.0.thread.streams;
        let id = streams.next.get();
        streams.next.set(id.wrapping_add(1));
        let (member, moving) = (Member { thread: Rc::clone(&self.0.thread), id }, Rc::clone(&activity));
        let task = tokio::task::spawn_local(async move {
            let _member = member;
            let mut work = pin!(work);
            poll_fn(|cx| {
                moving.moved();
                work.as_mut().poll(cx)
            })
            .await
        });
        let entry = Entry { moves: activity.moves.get(), activity, task: task.abort_handle(), since: Instant::now() };
        streams.entries.borrow_mut().insert(id, entry);
    }
}

/// A request's entry among the streams, for as long as this lives.
struct Member {
    thread: Rc<DataThread>,
    id: u64,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.thread.streams.entries.borrow_mut().remove(&self.id);
    }
}
