//! Who leads: whoever has put the leader's key, under its lease, while there was none.

use std::time::Duration;

use backstay_proto::etcd::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use backstay_proto::etcd::etcdserverpb::{PutRequest, TxnRequest, request_op};
use tokio::time::{sleep, timeout};

use super::{PAUSE, Replica, operation};
use crate::etcd::txn::{compare, revision};
use crate::replicas::Term;

/// How often who does not lead looks again, if it hears nothing.
const LOOK: Duration = Duration::from_secs(5);

impl Replica {
    /// Leads whenever nobody does, for as long as it is polled.
    pub(super) async fn campaign(&self, lease: i64) {
        let mark = format!("{} {lease:x}", self.name);
        let mut changes = self.heard.changes();
        self.heard.known().await;
        loop {
            changes.borrow_and_update();
            match self.heard.leadership().1 {
                None => {
                    if let Some(since) = self.stand(&mark, lease).await {
                        self.lead(since).await;
                        continue;
                    }
                    sleep(PAUSE).await;
                }
                // The answer that said so was lost.
                Some(leader) if leader.mark == mark => self.lead(leader.since).await,
                Some(_) => drop(timeout(LOOK, changes.changed()).await),
            }
        }
    }

    /// Takes the lead if nobody has it. Returns the revision of etcd since which this process leads.
    async fn stand(&self, mark: &str, lease: i64) -> Option<i64> {
        let key = self.keys.leader.clone();
        let free = compare(key.clone(), CompareTarget::Version, CompareResult::Equal, TargetUnion::Version(0));
        let put = PutRequest { key, value: mark.to_owned().into(), lease, prev_kv: false };
        let put = operation(request_op::Request::RequestPut(put));
        let answer = self.client.txn(TxnRequest { compare: vec![free], success: vec![put], failure: Vec::new() }).await;
        let answer = answer.ok().filter(|answer| answer.succeeded)?;
        answer.header.map(|header| header.revision)
    }

    /// Leads until it is heard that another does, or nobody. What was heard before `since` says nothing of that.
    async fn lead(&self, since: i64) {
        let mut changes = self.heard.changes();
        self.set_term(Some(Term(revision(since))));
        tracing::info!(replica = &*self.name, "this control plane leads: it writes the statuses");
        loop {
            changes.borrow_and_update();
            let (at, leader) = self.heard.leadership();
            if at >= since && leader.is_none_or(|leader| leader.since != since) {
                break;
            }
            if changes.changed().await.is_err() {
                break;
            }
        }
        self.set_term(None);
        tracing::warn!(replica = &*self.name, "this control plane does not lead any more");
    }
}
