//! Sending commits, until it is known what became of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::client::{Client, Failure};
use super::keys::Keys;
use super::options::EtcdOptions;
use super::txn::{self, Lane, Outcome};
use super::view::View;
use crate::replicas::Term;
use crate::{CommitError, Committed, EtcdError, Operation, Unavailable, Write};

/// The commits of this process.
#[derive(Debug)]
pub(super) struct Commits {
    client: Arc<Client>,
    keys: Keys,
    view: Arc<View>,
    lanes: Vec<Arc<Mutex<Used>>>,
    free: Semaphore,
    waiting: AtomicUsize,
    options: EtcdOptions,
}

/// A lane, and whether it is known how its last commit has left it.
#[derive(Debug)]
struct Used {
    lane: Lane,
    known: bool,
}

/// Counts who waits, for as long as they do.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Commits {
    pub(super) fn new(client: Arc<Client>, keys: Keys, view: Arc<View>, options: &EtcdOptions) -> Self {
        let process = format!("{:016x}", rand::random::<u64>());
        let count = options.lanes.clamp(1, Semaphore::MAX_PERMITS);
        let lane = |index| Lane { key: keys.lane(&process, index), modified: 0 };
        let lanes = (0..count).map(|index| Arc::new(Mutex::new(Used { lane: lane(index), known: true }))).collect();
        Self {
            client,
            keys,
            view,
            lanes,
            free: Semaphore::new(count),
            waiting: AtomicUsize::new(0),
            options: options.clone(),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Does a commit, or says that nothing of it was done, or that this is not known. Not to be cancelled: the lane would not be
    /// known any more. In a term, only while this process leads.
    pub(super) async fn commit(&self, term: Option<Term>, writes: Vec<Write>) -> Result<Committed, CommitError> {
        let deadline = Instant::now() + self.options.deadline;
        let commits = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if commits >= self.options.queue_commits {
            return Err(CommitError::Unavailable(Unavailable::Busy { commits, bytes: 0 }));
        }
        if let Some(error) = self.view.stuck() {
            return unavailable(error);
        }
        let late = |_| {
            CommitError::Unavailable(Unavailable::Etcd(EtcdError::new(
                "",
                "commits before it take too long".to_owned(),
            )))
        };
        let permit = timeout_at(deadline, self.free.acquire()).await.map_err(late)?;
        let _permit = permit.map_err(|_| CommitError::Unavailable(Unavailable::Closed))?;
        drop(waiting);
        // There are as many lanes as permits.
        let free = self.lanes.iter().find_map(|lane| Arc::clone(lane).try_lock_owned().ok());
        let Some(used) = free else { return Err(CommitError::Unavailable(Unavailable::Busy { commits: 0, bytes: 0 })) };
        self.send(used, term, &writes, deadline).await
    }

    async fn send(
        &self,
        mut used: OwnedMutexGuard<Used>,
        term: Option<Term>,
        writes: &[Write],
        deadline: Instant,
    ) -> Result<Committed, CommitError> {
        if !used.known {
            self.make_known(&mut used, deadline).await?;
        }
        // Whichever attempt is done, the bytes are these: one nonce is used once.
        let sealed = self.keys.sealed(writes)?;
        let Used { lane, known } = &mut *used;
        *known = false;
        let mut last: Option<EtcdError> = None;
        while Instant::now() < deadline {
            match self.client.txn(txn::request(&self.keys, term, lane, &sealed)).await {
                Ok(answer) => match txn::outcome(&self.keys, lane, writes, answer) {
                    Outcome::Done(committed) => {
                        (lane.modified, *known) = (txn::etcd_revision(committed.revision), true);
                        self.view.reached(committed.revision, deadline).await;
                        return Ok(committed);
                    }
                    Outcome::Conflict(conflict) => {
                        // An attempt that is still on its way would be done once the expectations hold again, and nobody would be told.
                        if let Some(before) = last {
                            let Ok(answer) = self.client.txn(txn::fence(lane)).await else {
                                return unavailable(before.unknown());
                            };
                            if let Some(at) = txn::fenced(lane, answer) {
                                *known = true;
                                return self.done_before(at, writes, deadline).await;
                            }
                        }
                        *known = true;
                        return Err(conflict);
                    }
                    Outcome::DoneBefore(at) => {
                        (lane.modified, *known) = (at, true);
                        return self.done_before(at, writes, deadline).await;
                    }
                    Outcome::LaneCleared => lane.modified = 0,
                    Outcome::Superseded => {
                        *known = true;
                        return unavailable(EtcdError::new("", "another control plane leads now".to_owned()));
                    }
                    Outcome::Unreadable(error) => return unavailable(error),
                    Outcome::Nonsense => {
                        return unavailable(EtcdError::new("", "the answer to a commit makes no sense".to_owned()));
                    }
                },
                Err(Failure::LoggedOut(error)) => last = Some(error),
                Err(Failure::Unknown(error)) => {
                    last = Some(error);
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(Failure::Full(error)) => {
                    last = Some(error);
                    break;
                }
                Err(Failure::Refused(error) | Failure::TooLarge(error)) => {
                    *known = last.is_none();
                    return refused(error);
                }
            }
        }
        let last = last.unwrap_or_else(|| EtcdError::new("", "no member has answered in time".to_owned()));
        // One try more, to know whether it was done, and that it will not be.
        let Ok(answer) = self.client.txn(txn::fence(lane)).await else {
            return unavailable(last.unknown());
        };
        *known = true;
        match txn::fenced(lane, answer) {
            Some(at) => self.done_before(at, writes, deadline).await,
            None => unavailable(last),
        }
    }

    /// Moves a lane on whose last commit had an unknown outcome.
    async fn make_known(&self, used: &mut Used, deadline: Instant) -> Result<(), CommitError> {
        loop {
            match self.client.txn(txn::fence(&used.lane)).await {
                Ok(answer) => {
                    // Whatever it was, whoever asked for it has been told that it is not known.
                    let _ = txn::fenced(&mut used.lane, answer);
                    used.known = true;
                    return Ok(());
                }
                Err(Failure::Unknown(_) | Failure::LoggedOut(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(failure) => return unavailable(failure.into_error()),
            }
        }
    }

    /// What a commit did whose answer was lost: it is in the view once that has come so far.
    async fn done_before(&self, at: i64, writes: &[Write], deadline: Instant) -> Result<Committed, CommitError> {
        let revision = txn::revision(at);
        self.view.reached(revision, deadline).await;
        let effective = writes.iter().filter(|write| write.operation != Operation::Guard);
        let entries = effective.map(|write| self.view.written(revision, &write.key)).collect::<Option<Vec<_>>>();
        match entries {
            Some(entries) => Ok(Committed { revision, entries }),
            None => unavailable(EtcdError::new(
                "",
                "it was done, and then forgotten before its answer could be told".to_owned(),
            )),
        }
    }
}

fn unavailable<T>(error: EtcdError) -> Result<T, CommitError> {
    Err(CommitError::Unavailable(Unavailable::Etcd(error)))
}

/// What etcd does not take is the fault of the commit where it says so, and of etcd's set-up otherwise.
fn refused(error: EtcdError) -> Result<Committed, CommitError> {
    let too_large = ["request is too large", "too many operations", "larger than max"];
    if too_large.iter().any(|text| error.said().contains(text)) {
        return Err(CommitError::Refused(format!("etcd takes no commit as large as this: {}", error.said())));
    }
    unavailable(error)
}
