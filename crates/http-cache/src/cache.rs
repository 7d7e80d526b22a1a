//! What is kept.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode};

use crate::budget::{Budget, count};
use crate::question::{Question, key};
use crate::recorder::Recorder;
use crate::rules;
use crate::shard::Shard;
use crate::stored::{Answer, Stored};

/// How much a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Bytes, of heads and bodies, about. An answer may have at most this many, over the number of shards, which is 1 for less than
    /// 16 MiB and at most 8.
    pub max_bytes: u64,
    /// Answers. 0 for as many as fit.
    pub max_items: u64,
}

/// Answers that are kept. Threads share it.
#[derive(Debug)]
pub struct Cache {
    shards: Box<[Mutex<Shard>]>,
    max_entry: u64,
    /// Clients choose URLs; they are not to choose the shard.
    hasher: RandomState,
    budget: Arc<Budget>,
}

/// What is kept for a request.
#[derive(Debug)]
pub enum Found {
    /// The answer.
    Fresh(Arc<Stored>),
    /// What may still be the answer, if the server says so: see [`Stored::ask_whether_changed`].
    Stale(Arc<Stored>),
    /// Nothing, and the client wants the server to be left alone: 504.
    OnlyIfCached,
    /// Nothing.
    Missing,
}

const MIB: u64 = 1 << 20;

impl Cache {
    /// An empty cache, which holds what its bounds and `budget` allow.
    pub fn new(bounds: Bounds, budget: Arc<Budget>) -> Self {
        let by_bytes = bounds.max_bytes / (8 * MIB);
        let by_items = if bounds.max_items == 0 { u64::MAX } else { bounds.max_items / 64 };
        let count = by_bytes.min(by_items).clamp(1, 8);
        let items = if bounds.max_items == 0 { u64::MAX } else { bounds.max_items / count };
        let max_entry = bounds.max_bytes / count;
        let shards = (0..count).map(|_| Mutex::new(Shard::new(max_entry, items))).collect();
        Self { shards, max_entry, hasher: RandomState::new(), budget }
    }

    /// What is kept for a request.
    pub fn look_up(&self, question: &Question<'_>, now: SystemTime) -> Found {
        if !question.is_cacheable() {
            return Found::Missing;
        }
        let asked = question.directives();
        let key = question.key();
        let found = self.shard(&key).find(&key, question.headers);
        let only_if_cached = asked.has("only-if-cached");
        match found {
            Some(stored) if stored.is_fresh(&asked, now) => {
                count(&self.budget.counts.hits);
                Found::Fresh(stored)
            }
            _ if only_if_cached => Found::OnlyIfCached,
            Some(stored) if !question.has_condition() => {
                count(&self.budget.counts.revalidations);
                Found::Stale(stored)
            }
            _ => {
                count(&self.budget.counts.misses);
                Found::Missing
            }
        }
    }

    /// Keeps what was answered once all of its body is there. `None` where it is not kept; what was kept until now is forgotten where it
    /// does not hold any more. The second time of `times` is when the answer came, the first when it was asked for.
    pub fn on_answer(
        self: &Arc<Self>,
        question: &Question<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        times: (SystemTime, SystemTime),
    ) -> Option<Recorder> {
        if !question.is_cacheable() {
            // What changes a resource makes what is kept of it wrong (RFC 9111, 4.4).
            if !question.method.is_safe() && !status.is_client_error() && !status.is_server_error() {
                for method in [Method::GET, Method::HEAD] {
                    let key = key(&method, question.url);
                    self.shard(&key).remove(&key, &self.budget);
                }
            }
            return None;
        }
        if question.has_condition() && status == StatusCode::NOT_MODIFIED {
            return None;
        }
        if !rules::is_kept(question, status, headers) {
            let key = question.key();
            self.shard(&key).remove_for(&key, question.headers, &self.budget);
            return None;
        }
        let stored =
            Stored::new(question, Answer { status, headers: headers.clone(), body: Default::default() }, times);
        let limit = self.max_entry.saturating_sub(stored.size() as u64);
        Some(Recorder::new(self.clone(), question.key(), question.headers.clone(), stored, limit))
    }

    /// Keeps what the server has said to be still so, with what its `304` says, and gives it back.
    pub fn on_not_modified(
        &self,
        question: &Question<'_>,
        stored: &Stored,
        fields: &HeaderMap,
        times: (SystemTime, SystemTime),
    ) -> Answer {
        let refreshed = stored.refreshed(fields, times);
        let answer = refreshed.answer(times.1);
        if rules::is_kept(question, refreshed.answer.status, &refreshed.answer.headers) {
            self.keep(&question.key(), question.headers, refreshed);
        }
        answer
    }

    /// Whether what is stale is the answer because the server did not answer, or with an error of its own (RFC 5861, 4).
    pub fn may_answer_for_error(&self, question: &Question<'_>, stored: &Stored, now: SystemTime) -> bool {
        stored.is_better_than_an_error(&question.directives(), now)
    }

    /// The bytes and the answers that it holds.
    pub fn held(&self) -> (u64, usize) {
        let held = self.shards.iter().map(|shard| {
            let shard = lock(shard);
            (shard.bytes(), shard.items())
        });
        held.fold((0, 0), |(bytes, items), (more_bytes, more_items)| (bytes + more_bytes, items + more_items))
    }

    pub(crate) fn keep(&self, key: &str, headers: &HeaderMap, stored: Stored) {
        let (evicted, kept) = self.shard(key).keep(key, stored, headers, &self.budget);
        self.budget.counts.evictions.fetch_add(evicted, Relaxed);
        if !kept {
            count(&self.budget.counts.refusals);
        }
    }

    pub(crate) fn count_refusal(&self) {
        count(&self.budget.counts.refusals);
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let at = self.hasher.hash_one(key) % self.shards.len().max(1) as u64;
        // There is at least one shard, and the remainder is less than their number.
        lock(&self.shards[at as usize])
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let (bytes, items) = self.held();
        self.budget.give_back(bytes, items as u64);
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // What is behind the lock only makes later requests ask again, however it was left.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
