//! Reading all there is, at one revision.

use backstay_proto::etcd::etcdserverpb::RangeRequest;
use backstay_proto::etcd::mvccpb::KeyValue;
use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::time::Instant;

use super::client::{Client, Failure};
use super::keys::Keys;
use super::options::EtcdOptions;
use super::txn;
use crate::transition::Entries;
use crate::value::Bases;
use crate::{EtcdError, Key, Snapshot};

/// Objects of the first page, unless they are so large that fewer are read at once.
const PAGE: i64 = 500;

/// The most objects of a later page. For each page etcd counts what comes after it too, so that many small ones cost it the square of all
/// there is.
const LARGEST_PAGE: i64 = 10_000;

/// About how many bytes a later page has.
const PAGE_BYTES: usize = 8 << 20;

/// All objects, as they were at one revision.
pub(super) struct Loaded {
    /// Its revision is that of the newest commit: what others write moves etcd's on, and says nothing of objects.
    pub(super) snapshot: Snapshot,
    /// The revision of etcd that was read at.
    pub(super) at: i64,
    /// What values are told by.
    pub(super) bases: Bases,
}

/// Reads all objects, each page at the revision of the first. Waits for a member that answers until the deadline of each page.
pub(super) async fn load(client: &Client, keys: &Keys, options: &EtcdOptions) -> Result<Loaded, EtcdError> {
    let (mut key, range_end) = keys.all_objects();
    let (mut entries, mut at, mut limit, mut most) = (Entries::new(), 0, PAGE, LARGEST_PAGE);
    let mut bases = Bases::default();
    loop {
        let range = RangeRequest {
            key: key.clone(),
            range_end: range_end.clone(),
            limit,
            revision: at,
            ..RangeRequest::default()
        };
        let answer = match client.range(range, Instant::now() + options.deadline).await {
            Ok(answer) => answer,
            Err(Failure::TooLarge(_)) if limit > 1 => {
                limit = (limit / 4).max(1);
                continue;
            }
            // It may be that so much does not come in time.
            Err(Failure::Unknown(_)) if limit > PAGE => {
                (limit, most) = (PAGE, PAGE);
                continue;
            }
            Err(failure) => return Err(failure.into_error()),
        };
        if at == 0 {
            at = answer.header.as_ref().map_or(0, |header| header.revision);
        }
        for kept in &answer.kvs {
            if let Some(key) = keys.parse(&kept.key) {
                entries.insert(key.clone(), keys.lasting(&mut bases, key, kept)?);
            }
        }
        let Some(last) = answer.kvs.last().filter(|_| answer.more) else {
            let newest = newest(client, keys, options, at).await?;
            return Ok(Loaded { snapshot: Snapshot::new(txn::revision(newest), entries), at, bases });
        };
        key = after(last);
        limit = next_limit(&answer.kvs).min(most);
    }
}

/// How many objects to read after a page, by how large those of it are.
fn next_limit(page: &[KeyValue]) -> i64 {
    let bytes: usize = page.iter().map(|kept| kept.key.len() + kept.value.len()).sum();
    let fit = PAGE_BYTES.saturating_mul(page.len()) / bytes.max(1);
    i64::try_from(fit).unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE)
}

/// The key after that of something kept.
pub(super) fn after(kept: &KeyValue) -> Bytes {
    let mut next = BytesMut::with_capacity(kept.key.len() + 1);
    next.put_slice(&kept.key);
    next.put_u8(0);
    next.freeze()
}

/// Whether an object is such that this process can read it now: one that is not there is.
pub(super) async fn is_readable(client: &Client, keys: &Keys, options: &EtcdOptions, key: &Key) -> bool {
    let range = RangeRequest { key: keys.object(key), ..RangeRequest::default() };
    match client.range(range, Instant::now() + options.deadline).await {
        Ok(answer) => answer.kvs.first().is_none_or(|kept| keys.entry(key.clone(), kept).is_ok()),
        Err(_) => false,
    }
}

/// The revision of etcd of the commit that was the newest `at` a revision.
async fn newest(client: &Client, keys: &Keys, options: &EtcdOptions, at: i64) -> Result<i64, EtcdError> {
    let range = RangeRequest { key: keys.newest.clone(), revision: at, ..RangeRequest::default() };
    let answer = client.range(range, Instant::now() + options.deadline).await.map_err(Failure::into_error)?;
    Ok(answer.kvs.first().map_or(0, |kept| kept.mod_revision))
}
