//! Having a store alone: one process holds it, under a lease of etcd; others stand by.
//!
//! Every commit of the holder compares the revision since which it holds the store. So one that was taken for dead, and does not
//! know yet, writes nothing.

use std::time::Duration;

use backstay_proto::etcd::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use backstay_proto::etcd::etcdserverpb::{PutRequest, RangeRequest, RequestOp, TxnRequest, request_op};
use tokio::time::{Instant, sleep};

use super::client::{Client, Failure};
use super::keys::Keys;
use super::options::EtcdOptions;
use super::txn::compare;
use crate::EtcdError;

/// How often who stands by looks whether the store is free.
const LOOK: Duration = Duration::from_millis(500);

/// The store is this process's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The revision of etcd since which it is.
    pub(super) since: i64,
    /// What ends when this process does not say in time that it is there.
    pub(super) lease: i64,
}

/// Waits until no other process holds the store, and takes it. Fails when no member answers; later failures are waited out.
pub(super) async fn hold(client: &Client, keys: &Keys, name: &str, options: &EtcdOptions) -> Result<Held, EtcdError> {
    let mut told = String::new();
    loop {
        let look = RangeRequest { key: keys.holder.clone(), ..RangeRequest::default() };
        let holder = match client.range(look, Instant::now() + options.deadline).await {
            Ok(answer) => answer.kvs.into_iter().next().map(|kept| String::from_utf8_lossy(&kept.value).into_owned()),
            // Who stands by goes on doing so.
            Err(Failure::Unknown(error)) if !told.is_empty() => {
                tracing::warn!(%error, "standing by, and etcd does not answer");
                continue;
            }
            Err(failure) => return Err(failure.into_error()),
        };
        if let Some(holder) = holder {
            if told != holder {
                tracing::info!(%holder, "standing by: another process holds the store");
                told = holder;
            }
        } else if let Some(held) = take(client, keys, name, options).await? {
            tracing::info!(holder = name, "this process holds the store");
            return Ok(held);
        }
        sleep(LOOK).await;
    }
}

/// Takes the store if nobody has it. An attempt of which it is not known whether it was done holds it until its lease ends.
async fn take(client: &Client, keys: &Keys, name: &str, options: &EtcdOptions) -> Result<Option<Held>, EtcdError> {
    let lease = match client.grant(options.holder_ttl).await {
        Ok(lease) => lease,
        Err(Failure::Refused(error)) => return Err(error),
        Err(_) => return Ok(None),
    };
    let free = compare(keys.holder.clone(), CompareTarget::Version, CompareResult::Equal, TargetUnion::Version(0));
    let put = PutRequest { key: keys.holder.clone(), value: name.to_owned().into(), lease, prev_kv: false };
    let put = RequestOp { request: Some(request_op::Request::RequestPut(put)) };
    match client.txn(TxnRequest { compare: vec![free], success: vec![put], failure: Vec::new() }).await {
        Ok(answer) if answer.succeeded => Ok(answer.header.map(|header| Held { since: header.revision, lease })),
        Err(Failure::Refused(error)) => Err(error),
        Ok(_) | Err(_) => {
            // What it may hold is given up with it.
            let _ = client.revoke(lease).await;
            Ok(None)
        }
    }
}

/// Keeps the store, and returns when it is lost: others may have it by then.
pub(super) async fn keep(client: &Client, held: Held, ttl: Duration) {
    let mut since = Instant::now();
    loop {
        sleep(ttl / 3).await;
        let asked = Instant::now();
        match client.keep_alive(held.lease).await {
            Ok(true) => since = asked,
            Ok(false) => {
                tracing::error!("etcd has ended the lease: another process may hold the store");
                return;
            }
            Err(failure) => {
                let error = failure.into_error();
                if since.elapsed() >= ttl {
                    tracing::error!(%error, "etcd was not told in time that this process is there: another may hold the store");
                    return;
                }
                tracing::warn!(%error, "etcd could not be told that this process is there");
            }
        }
    }
}
