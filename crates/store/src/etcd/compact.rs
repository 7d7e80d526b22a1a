//! Having etcd forget what has been superseded, as a Kubernetes API server does: any number of processes try, and one of them does it.

use std::sync::Arc;

use backstay_proto::etcd::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use backstay_proto::etcd::etcdserverpb::{
    DeleteRangeRequest, RangeRequest, RequestOp, TxnRequest, TxnResponse, request_op, response_op,
};
use backstay_proto::etcd::mvccpb::KeyValue;
use tokio::time::Instant;

use super::client::{Client, Failure};
use super::keys::Keys;
use super::options::EtcdOptions;
use super::txn::{compare, put, range};

/// Compacts once each interval what was there an interval ago, for ever; or until etcd says that this user may not.
pub(super) async fn run(client: Arc<Client>, keys: Keys, options: EtcdOptions) {
    if options.compaction.is_zero() {
        return std::future::pending().await;
    }
    let (mut clock, mut before) = (0, 0);
    loop {
        match turn(&client, &keys, clock, before).await {
            Ok((now, revision)) => (clock, before) = (now, revision),
            Err(Failure::Refused(error)) if error.said().contains("permission") => {
                tracing::info!(%error, "compaction is left to etcd");
                return std::future::pending().await;
            }
            Err(failure) => tracing::debug!(error = %failure.into_error(), "etcd was not compacted"),
        }
        if let Err(failure) = clear_lanes(&client, &keys, &options, before).await {
            tracing::debug!(error = %failure.into_error(), "lanes that nobody uses were not cleared");
        }
        tokio::time::sleep(options.compaction).await;
    }
}

/// If nobody has since, moves the clock on and compacts up to `before`. Returns the clock, and the revision of now.
async fn turn(client: &Client, keys: &Keys, clock: i64, before: i64) -> Result<(i64, i64), Failure> {
    let key = keys.compacted.clone();
    let unchanged = compare(key.clone(), CompareTarget::Version, CompareResult::Equal, TargetUnion::Version(clock));
    let txn = TxnRequest {
        compare: vec![unchanged],
        success: vec![put(key.clone(), before.to_string().into())],
        failure: vec![range(key)],
    };
    let answer = client.txn(txn).await?;
    let now = answer.header.as_ref().map_or(0, |header| header.revision);
    if !answer.succeeded {
        return Ok((kept(&answer).map_or(0, |kept| kept.version), now));
    }
    // Nothing is known of an interval ago when it begins.
    if clock > 0 && before > 0 {
        match client.compact(before).await {
            Ok(()) => tracing::debug!(revision = before, "etcd was compacted"),
            Err(Failure::Refused(error)) if error.said().contains("compacted") => (),
            Err(failure) => return Err(failure),
        }
    }
    Ok((clock + 1, now))
}

fn kept(answer: &TxnResponse) -> Option<&KeyValue> {
    match answer.responses.first()?.response.as_ref()? {
        response_op::Response::ResponseRange(range) => range.kvs.first(),
        _ => None,
    }
}

/// Removes the lanes of processes that are gone: those that no commit has used since `before`.
async fn clear_lanes(client: &Client, keys: &Keys, options: &EtcdOptions, before: i64) -> Result<(), Failure> {
    let (key, range_end) = keys.all_lanes();
    let all = RangeRequest { key, range_end, keys_only: true, limit: 10_000, ..RangeRequest::default() };
    let lanes = client.range(all, Instant::now() + options.deadline).await?;
    for lane in lanes.kvs.iter().filter(|lane| lane.mod_revision < before) {
        let as_it_was = TargetUnion::ModRevision(lane.mod_revision);
        let unchanged = compare(lane.key.clone(), CompareTarget::Mod, CompareResult::Equal, as_it_was);
        let delete = DeleteRangeRequest { key: lane.key.clone(), ..DeleteRangeRequest::default() };
        let delete = RequestOp { request: Some(request_op::Request::RequestDeleteRange(delete)) };
        client.txn(TxnRequest { compare: vec![unchanged], success: vec![delete], failure: Vec::new() }).await?;
    }
    Ok(())
}
