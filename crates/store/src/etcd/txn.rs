//! Commits as transactions of etcd, and what their answers say. Pure.
//!
//! Every commit of a process is sent on a lane: a key of its own that the commit puts, on condition that it is as the lane's last
//! commit has left it. So of all attempts of a commit, however late one of them arrives, one is done at most; and whether one was
//! done can be read afterwards.

use std::sync::Arc;

use backstay_proto::etcd::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use backstay_proto::etcd::etcdserverpb::{
    Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, ResponseOp, TxnRequest, TxnResponse, request_op,
    response_op,
};
use bytes::Bytes;

use super::keys::{Keys, Unreadable};
use crate::replicas::Term;
use crate::{CommitError, Committed, Entry, EtcdError, Expect, Operation, Revision, Write};

/// A revision of this store, of one of etcd's: etcd's empty store has revision 1.
pub(super) fn revision(etcd: i64) -> Revision {
    u64::try_from(etcd.saturating_sub(1)).unwrap_or_default()
}

/// A revision of etcd, of one of this store.
pub(super) fn etcd_revision(revision: Revision) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX - 1).saturating_add(1)
}

/// A lane as its next commit expects it.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) key: Bytes,
    /// The revision of etcd that last changed it; 0 where there is no such key.
    pub(super) modified: i64,
}

/// The transaction of a commit, its writes as they are [kept](Keys::sealed). Of a term in which this process does not lead any more, nothing is done.
pub(super) fn request(keys: &Keys, term: Option<Term>, lane: &Lane, writes: &[Write]) -> TxnRequest {
    let mut txn = fence(lane);
    txn.compare.extend(term.map(|Term(since)| {
        let since = TargetUnion::CreateRevision(etcd_revision(since));
        compare(keys.leader.clone(), CompareTarget::Create, CompareResult::Equal, since)
    }));
    txn.success.push(put(keys.newest.clone(), Bytes::new()));
    for write in writes {
        let key = keys.object(&write.key);
        txn.compare.extend(expectation(key.clone(), write));
        txn.failure.push(range(key.clone()));
        let operation = match &write.operation {
            Operation::Put(value) => {
                request_op::Request::RequestPut(PutRequest { key, value: value.clone(), lease: 0, prev_kv: true })
            }
            Operation::Delete => request_op::Request::RequestDeleteRange(DeleteRangeRequest {
                key,
                range_end: Bytes::new(),
                prev_kv: true,
            }),
            Operation::Guard => continue,
        };
        txn.success.push(RequestOp { request: Some(operation) });
    }
    txn
}

/// Moves the lane on, if it is as it was left, so that whatever is still on its way is not done any more. Tells how it is otherwise.
pub(super) fn fence(lane: &Lane) -> TxnRequest {
    let unchanged =
        compare(lane.key.clone(), CompareTarget::Mod, CompareResult::Equal, TargetUnion::ModRevision(lane.modified));
    TxnRequest {
        compare: vec![unchanged],
        success: vec![put(lane.key.clone(), Bytes::new())],
        failure: vec![range(lane.key.clone())],
    }
}

/// What an answer says.
pub(super) enum Outcome {
    /// It is done, now.
    Done(Committed),
    /// An expectation did not hold. The lane is as it was.
    Conflict(CommitError),
    /// An earlier attempt was done, as this revision of etcd.
    DoneBefore(i64),
    /// The lane's key is gone: it was not used for so long that it was cleared away.
    LaneCleared,
    /// Everything is as expected, but this process does not lead any more.
    Superseded,
    /// The answer is none to what was asked.
    Nonsense,
    /// The answer has an object that this process cannot unseal.
    Unreadable(EtcdError),
}

/// What of an answer cannot be told.
enum Wrong {
    Nonsense,
    Unreadable(Unreadable),
}

impl From<Unreadable> for Wrong {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl From<Wrong> for Outcome {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Nonsense => Self::Nonsense,
            Wrong::Unreadable(unreadable) => Self::Unreadable(unreadable.into()),
        }
    }
}

/// Reads the answer to [`request`], of writes as they were asked for.
pub(super) fn outcome(keys: &Keys, lane: &Lane, writes: &[Write], answer: TxnResponse) -> Outcome {
    let Some(at) = answer.header.as_ref().map(|header| header.revision) else { return Outcome::Nonsense };
    let mut responses = answer.responses.into_iter();
    if !answer.succeeded {
        return match lane_state(responses.next()) {
            Some(modified) if modified == lane.modified => {
                conflict(keys, writes, responses).unwrap_or_else(Outcome::from)
            }
            Some(0) => Outcome::LaneCleared,
            Some(modified) => Outcome::DoneBefore(modified),
            None => Outcome::Nonsense,
        };
    }
    let effective = writes.iter().filter(|write| write.operation != Operation::Guard);
    // Of the lane, and of the newest commit.
    let responses = responses.skip(super::options::OWN_OPERATIONS);
    let entries = effective.zip(responses).map(|(write, response)| written(keys, write, at, response));
    match entries.collect::<Result<Vec<_>, _>>() {
        Ok(entries) => Outcome::Done(Committed { revision: revision(at), entries }),
        Err(wrong) => wrong.into(),
    }
}

/// Of the answer to [`fence`]: the revision of etcd that did an earlier attempt, if one did.
pub(super) fn fenced(lane: &mut Lane, answer: TxnResponse) -> Option<i64> {
    let at = answer.header.as_ref().map_or(0, |header| header.revision);
    if answer.succeeded {
        lane.modified = at;
        return None;
    }
    let modified = lane_state(answer.responses.into_iter().next()).unwrap_or_default();
    lane.modified = modified;
    (modified != 0).then_some(modified)
}

fn lane_state(response: Option<ResponseOp>) -> Option<i64> {
    match response?.response? {
        response_op::Response::ResponseRange(range) => Some(range.kvs.first().map_or(0, |kept| kept.mod_revision)),
        _ => None,
    }
}

fn conflict(keys: &Keys, writes: &[Write], responses: impl Iterator<Item = ResponseOp>) -> Result<Outcome, Wrong> {
    for (write, response) in writes.iter().zip(responses) {
        let Some(response_op::Response::ResponseRange(range)) = response.response else { return Err(Wrong::Nonsense) };
        let kept = range.kvs.first().and_then(|kept| Some((keys.parse(&kept.key)?, kept)));
        let current = kept.map(|(key, kept)| keys.entry(key, kept)).transpose()?;
        if !crate::transition::holds(write, current.as_deref()) {
            return Ok(Outcome::Conflict(CommitError::Conflict { key: write.key.clone(), current }));
        }
    }
    Ok(Outcome::Superseded)
}

fn written(keys: &Keys, write: &Write, at: i64, response: ResponseOp) -> Result<Arc<Entry>, Wrong> {
    match (&write.operation, response.response) {
        (Operation::Put(value), Some(response_op::Response::ResponsePut(done))) => {
            let created = done.prev_kv.map_or(at, |previous| previous.create_revision);
            let (created, modified) = (revision(created), revision(at));
            Ok(Arc::new(Entry { key: write.key.clone(), value: value.clone().into(), created, modified }))
        }
        (Operation::Delete, Some(response_op::Response::ResponseDeleteRange(done))) => {
            let previous = done.prev_kvs.first().ok_or(Wrong::Nonsense)?;
            Ok(keys.entry(write.key.clone(), previous)?)
        }
        _ => Err(Wrong::Nonsense),
    }
}

/// What must hold in etcd for the write. Of a deletion also that there is something to delete.
fn expectation(key: Bytes, write: &Write) -> impl Iterator<Item = Compare> {
    let version = |key, result| compare(key, CompareTarget::Version, result, TargetUnion::Version(0));
    let there = (write.operation == Operation::Delete).then(|| version(key.clone(), CompareResult::Greater));
    let expected = match write.expect {
        Expect::Any => None,
        Expect::Absent => Some(version(key, CompareResult::Equal)),
        Expect::Present => Some(version(key, CompareResult::Greater)),
        Expect::Modified(revision) => {
            let modified = TargetUnion::ModRevision(etcd_revision(revision));
            Some(compare(key, CompareTarget::Mod, CompareResult::Equal, modified))
        }
    };
    expected.into_iter().chain(there)
}

/// A comparison of what etcd keeps of a key.
pub(super) fn compare(key: Bytes, target: CompareTarget, result: CompareResult, than: TargetUnion) -> Compare {
    Compare { result: result.into(), target: target.into(), key, target_union: Some(than) }
}

/// Puts a value, under no lease.
pub(super) fn put(key: Bytes, value: Bytes) -> RequestOp {
    RequestOp { request: Some(request_op::Request::RequestPut(PutRequest { key, value, lease: 0, prev_kv: false })) }
}

/// Reads one key.
pub(super) fn range(key: Bytes) -> RequestOp {
    RequestOp { request: Some(request_op::Request::RequestRange(RangeRequest { key, ..RangeRequest::default() })) }
}

#[cfg(test)]
mod tests;
