//! What the other processes tell, and who leads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_proto::etcd::etcdserverpb::{RangeRequest, WatchCreateRequest, WatchRequest, watch_request};
use backstay_proto::etcd::mvccpb::{KeyValue, event::EventType};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{PAUSE, Replica};
use crate::EtcdError;
use crate::etcd::client::Failure;
use crate::etcd::keys::Keys;
use crate::replicas::Words;

/// How long reading it all anew may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Those of this process too.
    words: Words,
    /// The revision of etcd up to which it is known who leads; 0 before that was read once.
    at: i64,
    leader: Option<Leader>,
}

/// The process that leads.
#[derive(Debug, Clone)]
pub(super) struct Leader {
    /// Its name and its lease.
    pub(super) mark: String,
    /// The revision of etcd since which it does.
    pub(super) since: i64,
}

impl Heard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn leadership(&self) -> (i64, Option<Leader>) {
        let state = self.state();
        (state.at, state.leader.clone())
    }

    pub(super) fn leader(&self) -> Option<Arc<str>> {
        let state = self.state();
        state.leader.as_ref().and_then(|leader| leader.mark.split(' ').next()).map(Arc::from)
    }

    pub(super) fn words(&self, without: &str) -> Words {
        let mut words = self.state().words.clone();
        words.remove(without);
        words
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) async fn known(&self) {
        let mut changes = self.changes.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = changes.wait_for(|changes| *changes > 0).await;
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl State {
    fn put(&mut self, keys: &Keys, kept: KeyValue) {
        if kept.key == keys.leader {
            let mark = String::from_utf8_lossy(&kept.value).into_owned();
            self.leader = Some(Leader { mark, since: kept.create_revision });
        } else if let Some((replica, name)) = keys.parse_word(&kept.key) {
            self.words.entry(replica.into()).or_default().insert(name.to_owned(), kept.value);
        }
    }

    fn delete(&mut self, keys: &Keys, key: &[u8]) {
        if key == keys.leader {
            self.leader = None;
        } else if let Some((replica, name)) = keys.parse_word(key)
            && let Some(words) = self.words.get_mut(replica)
        {
            words.remove(name);
            if words.is_empty() {
                self.words.remove(replica);
            }
        }
    }
}

impl Replica {
    /// Hears what there is to hear, for as long as it is polled. While etcd cannot be reached, what was heard last holds.
    pub(super) async fn hear(&self) {
        let mut away = false;
        loop {
            match self.hear_stream().await {
                Ok(never) => match never {},
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::debug!(%error, "other control planes are not heard of");
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn hear_stream(&self) -> Result<std::convert::Infallible, EtcdError> {
        let (key, range_end) = self.keys.all_shared();
        let all = RangeRequest { key: key.clone(), range_end: range_end.clone(), ..RangeRequest::default() };
        let answer = self.client.range(all, Instant::now() + PATIENCE).await.map_err(Failure::into_error)?;
        let at = answer.header.as_ref().map_or(0, |header| header.revision);
        let mut read = State { at, ..State::default() };
        answer.kvs.into_iter().for_each(|kept| read.put(&self.keys, kept));
        self.heard.update(|state| *state = read);
        let start_revision = at + 1;
        let create = WatchCreateRequest {
            key,
            range_end,
            start_revision,
            progress_notify: true,
            prev_kv: false,
            fragment: false,
        };
        let request = WatchRequest { request_union: Some(watch_request::RequestUnion::CreateRequest(create)) };
        let mut told = self.client.watch(request).await.map_err(Failure::into_error)?;
        let error = loop {
            let response = match told.next().await {
                Ok(response) if response.canceled || response.compact_revision > 0 => {
                    break EtcdError::new("", format!("the stream was cancelled: {}", response.cancel_reason));
                }
                Ok(response) => response,
                Err(error) => break error,
            };
            if response.events.is_empty() {
                continue;
            }
            self.heard.update(|state| {
                for event in response.events {
                    let is_deletion = event.r#type() == EventType::Delete;
                    let Some(kept) = event.kv else { continue };
                    state.at = state.at.max(kept.mod_revision);
                    match is_deletion {
                        true => state.delete(&self.keys, &kept.key),
                        false => state.put(&self.keys, kept),
                    }
                }
            });
        };
        self.client.failed(told.member);
        Err(error)
    }
}
