//! What this process tells the others.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use backstay_proto::etcd::etcdserverpb::{DeleteRangeRequest, PutRequest, RequestOp, TxnRequest, request_op};
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{PAUSE, Replica, operation};
use crate::etcd::client::Failure;

/// Words of one transaction: well below what etcd takes.
const OPERATIONS: usize = 100;
const BYTES: usize = 512 << 10;

/// The words of this process.
#[derive(Debug, Default)]
pub(super) struct Own {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    words: BTreeMap<String, Bytes>,
    /// Those that the others have yet to be told, in order.
    untold: Vec<String>,
}

impl Own {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, words: Vec<(String, Option<Bytes>)>) {
        let mut state = self.state();
        for (name, word) in words {
            match word {
                Some(word) => drop(state.words.insert(name.clone(), word)),
                None => drop(state.words.remove(&name)),
            }
            // Where it is told already, it comes after what it may rest on.
            state.untold.retain(|other| *other != name);
            state.untold.push(name);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Under a new lease nothing was told yet.
    pub(super) fn all_again(&self) {
        let mut state = self.state();
        let untold = std::mem::take(&mut state.untold);
        let told = state.words.keys().filter(|name| !untold.contains(name)).cloned().collect::<Vec<_>>();
        state.untold = told.into_iter().chain(untold).collect();
        drop(state);
        self.wake.notify_one();
    }

    /// Some of those that are to be told, in order: each with what it is now.
    fn next(&self) -> Vec<(String, Option<Bytes>)> {
        let mut state = self.state();
        let (mut count, mut bytes) = (0, 0);
        for name in state.untold.iter().take(OPERATIONS) {
            bytes += name.len() + state.words.get(name).map_or(0, Bytes::len);
            if count > 0 && bytes > BYTES {
                break;
            }
            count += 1;
        }
        let names: Vec<String> = state.untold.drain(..count).collect();
        names.into_iter().map(|name| (name.clone(), state.words.get(&name).cloned())).collect()
    }

    /// These could not be told.
    fn again(&self, words: Vec<(String, Option<Bytes>)>) {
        let mut state = self.state();
        let newer = std::mem::take(&mut state.untold);
        let names = words.into_iter().map(|(name, _)| name).filter(|name| !newer.contains(name)).collect::<Vec<_>>();
        state.untold = names.into_iter().chain(newer).collect();
    }
}

impl Replica {
    /// Tells the others what there is to tell, as it comes. Returns when the lease is gone.
    pub(super) async fn tell_others(&self, lease: i64) {
        loop {
            let words = self.own.next();
            if words.is_empty() {
                self.own.wake.notified().await;
                continue;
            }
            let success = words.iter().map(|(name, word)| self.put(name, word.as_ref(), lease)).collect();
            match self.client.txn(TxnRequest { compare: Vec::new(), success, failure: Vec::new() }).await {
                Ok(_) => {}
                Err(failure) => {
                    self.own.again(words);
                    match failure {
                        Failure::Refused(error) | Failure::Unknown(error)
                            if error.said().contains("lease not found") =>
                        {
                            return;
                        }
                        Failure::Refused(error) | Failure::Full(error) => {
                            tracing::warn!(%error, "other control planes cannot be told what proxies have acknowledged");
                            sleep(self.ttl / 3).await;
                        }
                        _ => sleep(PAUSE).await,
                    }
                }
            }
        }
    }

    fn put(&self, name: &str, word: Option<&Bytes>, lease: i64) -> RequestOp {
        let key = self.keys.word(&self.name, name);
        operation(match word {
            Some(word) => {
                request_op::Request::RequestPut(PutRequest { key, value: word.clone(), lease, prev_kv: false })
            }
            None => {
                request_op::Request::RequestDeleteRange(DeleteRangeRequest { key, ..DeleteRangeRequest::default() })
            }
        })
    }
}

#[cfg(test)]
mod tests;
