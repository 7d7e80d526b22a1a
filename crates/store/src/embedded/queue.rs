//! The commits that wait to be written.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::Options;
use crate::{CommitError, Committed, Unavailable, Write};

#[cfg(test)]
mod tests;

/// A commit on its way to the disk.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) writes: Vec<Write>,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Result<Committed, CommitError>>,
}

#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    options: Options,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Request>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new(options: &Options) -> Self {
        Self { waiting: Mutex::default(), arrived: Condvar::new(), options: options.clone() }
    }

    /// Adds a commit, unless too much waits already.
    pub(super) fn push(&self, request: Request) -> Result<(), CommitError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(CommitError::Unavailable(Unavailable::Closed));
        }
        let commits = waiting.requests.len();
        let full = commits >= self.options.queue_commits || waiting.bytes + request.bytes > self.options.queue_bytes;
        if full && commits > 0 {
            return Err(CommitError::Unavailable(Unavailable::Busy { commits, bytes: waiting.bytes }));
        }
        waiting.bytes += request.bytes;
        waiting.requests.push_back(request);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for commits and takes as many as fit one disk transaction, at least one. `None` once closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Request>> {
        let waiting = self.lock();
        let mut waiting = self
            .arrived
            .wait_while(waiting, |waiting| waiting.requests.is_empty() && !waiting.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        let mut taken = Vec::new();
        while taken.len() < self.options.group_commits.max(1) {
            let fits = |request: &Request| taken.is_empty() || bytes + request.bytes <= self.options.group_bytes;
            if !waiting.requests.front().is_some_and(fits) {
                break;
            }
            let Some(request) = waiting.requests.pop_front() else { break };
            bytes += request.bytes;
            waiting.bytes -= request.bytes;
            taken.push(request);
        }
        (!taken.is_empty()).then_some(taken)
    }

    /// Takes no more commits. Those that wait are still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Takes no more commits, and forgets those that wait: their clients learn that they are not done.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        let requests = std::mem::take(&mut *waiting).requests;
        waiting.closed = true;
        drop(waiting);
        drop(requests);
    }

    /// How many commits wait, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.requests.len(), waiting.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
