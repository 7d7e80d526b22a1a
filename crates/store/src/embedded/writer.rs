//! The one thread that decides commits and makes them durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::Options;
use super::disk::{self, Disk};
use super::medium::{Failures, Medium};
use super::queue::{Queue, Request};
use crate::log::Record;
use crate::published::Published;
use crate::stats::Counters;
use crate::value::Bases;
use crate::{CommitError, Committed, DiskError, Snapshot, Unavailable, transition};

type Answers = Vec<(tokio::sync::oneshot::Sender<Result<Committed, CommitError>>, Result<Committed, CommitError>)>;

#[derive(Debug)]
pub(super) struct Writer {
    medium: Box<dyn Medium>,
    state: State,
    options: Options,
    published: Arc<Published>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    bases: Bases,
}

#[derive(Debug)]
enum State {
    Ready(Disk),
    Failed { reason: DiskError, since: Instant, failures: Failures },
}

/// Commits that are decided, and not yet durable.
struct Group {
    snapshot: Snapshot,
    records: Vec<Record>,
    answers: Answers,
}

impl Writer {
    pub(super) fn new(
        medium: Box<dyn Medium>,
        disk: Disk,
        options: &Options,
        published: &Arc<Published>,
        queue: &Arc<Queue>,
        counters: &Arc<Counters>,
        bases: Bases,
    ) -> Self {
        Self {
            medium,
            state: State::Ready(disk),
            options: options.clone(),
            published: Arc::clone(published),
            queue: Arc::clone(queue),
            counters: Arc::clone(counters),
            bases,
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        // However this thread ends, nobody waits for it.
        let _abandon = Abandon(&queue);
        while let Some(requests) = queue.take() {
            let group = decide(self.published.snapshot(), &mut self.bases, requests);
            self.finish(group);
        }
    }

    fn finish(&mut self, group: Group) {
        let Group { snapshot, records, mut answers } = group;
        if !records.is_empty() {
            match self.write(&records) {
                Ok(()) => {
                    Counters::add(&self.counters.commits, records.len());
                    Counters::add(&self.counters.groups, 1);
                    self.published.publish(snapshot, records);
                }
                // Conflicts too: what they conflict with may be part of what was not written.
                Err(reason) => {
                    for (_, result) in &mut answers {
                        *result = Err(CommitError::Unavailable(Unavailable::Disk(reason.clone())));
                    }
                }
            }
        }
        let count = |wanted: fn(&CommitError) -> bool| {
            answers.iter().filter(|(_, result)| result.as_ref().is_err_and(wanted)).count()
        };
        Counters::add(&self.counters.conflicts, count(|error| matches!(error, CommitError::Conflict { .. })));
        Counters::add(&self.counters.unavailable, count(|error| matches!(error, CommitError::Unavailable(_))));
        for (answer, result) in answers {
            // A client that has gone does not want to know.
            let _ = answer.send(result);
        }
    }

    fn write(&mut self, records: &[Record]) -> Result<(), DiskError> {
        let floor = self.published.extent().floor;
        let disk = self.ready()?;
        match disk.append(records, floor) {
            Ok(()) => {
                if self.counters.failed.swap(false, Ordering::Relaxed) {
                    tracing::info!("the store can be written again");
                }
                Ok(())
            }
            Err(error) => {
                let failures = disk.failures();
                Err(self.fail(error, failures))
            }
        }
    }

    /// The disk, recovered if it failed before.
    fn ready(&mut self) -> Result<&mut Disk, DiskError> {
        if let State::Failed { reason, since, failures } = &self.state {
            if since.elapsed() < self.options.recovery_interval {
                return Err(reason.clone());
            }
            let failures = failures.clone();
            match disk::reopen(&*self.medium, &self.options, &failures, &self.published) {
                // Whether it can be written, the next write tells: a disk that is full opens like any other.
                Ok(disk) => self.state = State::Ready(disk),
                Err(error) => return Err(self.fail(error, failures)),
            }
        }
        match &mut self.state {
            State::Ready(disk) => Ok(disk),
            State::Failed { reason, .. } => Err(reason.clone()),
        }
    }

    fn fail(&mut self, error: redb::Error, failures: Failures) -> DiskError {
        let reason = DiskError::from(error);
        // Told once: what fails as it did before is no news.
        if !self.counters.failed.swap(true, Ordering::Relaxed) {
            tracing::error!(%reason, "the store cannot be written");
        }
        self.state = State::Failed { reason: reason.clone(), since: Instant::now(), failures };
        reason
    }
}

/// Decides commits in order, each on top of those before it.
fn decide(snapshot: Snapshot, bases: &mut Bases, requests: Vec<Request>) -> Group {
    let mut revision = snapshot.revision();
    let mut entries = snapshot.into_entries();
    let mut records = Vec::with_capacity(requests.len());
    let mut answers = Vec::with_capacity(requests.len());
    for Request { writes, answer, .. } in requests {
        let result = transition::apply(&mut entries, bases, revision + 1, writes).map(|(committed, events)| {
            revision += 1;
            records.push(Record { revision, events });
            committed
        });
        answers.push((answer, result));
    }
    Group { snapshot: Snapshot::new(revision, entries), records, answers }
}

struct Abandon<'a>(&'a Queue);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
