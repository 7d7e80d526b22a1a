//! Having all that is kept sealed with another key, while others go on to use the store.

use std::sync::Arc;

use backstay_proto::etcd::etcdserverpb::RangeRequest;
use tokio::time::Instant;

use super::Etcd;
use super::client::Failure;
use super::commits::Commits;
use super::keys::Keys;
use super::load::after;
use super::options::EtcdOptions;
use crate::{CommitError, Entry, Expect, Operation, RewriteError, Write};

/// How often all objects are looked at, at most: those that others write meanwhile are written as these seal.
const PASSES: usize = 10;

/// Objects that are read at once.
const PAGE: i64 = 100;

impl Etcd {
    /// Writes every object again that is not sealed with the first of [`EtcdOptions::seal`], or with `plain` every one that is sealed; says
    /// how many objects there are. Their revisions become new ones. Other processes may use the store meanwhile; what they write is not
    /// overwritten. What etcd keeps of the past stays as it was until it is compacted.
    ///
    /// # Errors
    /// [`RewriteError`]: what was written until then stays.
    pub async fn rewrite(options: EtcdOptions, plain: bool) -> Result<usize, RewriteError> {
        // Opened, everything has been read: no key is missing.
        let store = Self::open(options).await?;
        let keys = if plain { store.keys.clone().plain() } else { store.keys.clone() };
        let commits = Commits::new(store.client.clone(), keys.clone(), store.view.clone(), &store.options);
        let mut left = 0;
        for _ in 0..PASSES {
            let (seen, others) = store.pass(&keys, &commits).await?;
            if others == 0 {
                return Ok(seen);
            }
            left = others;
        }
        Err(RewriteError::Contended { left })
    }

    /// Looks at all objects once, and writes those again that are not as they would be written. Says how many there are, and how many
    /// those were.
    async fn pass(&self, keys: &Keys, commits: &Commits) -> Result<(usize, usize), RewriteError> {
        let (mut key, range_end) = keys.all_objects();
        let (mut seen, mut others, mut limit) = (0, 0, PAGE);
        loop {
            let range =
                RangeRequest { key: key.clone(), range_end: range_end.clone(), limit, ..RangeRequest::default() };
            let answer = match self.client.range(range, Instant::now() + self.options.deadline).await {
                Ok(answer) => answer,
                Err(Failure::TooLarge(_)) if limit > 1 => {
                    limit = (limit / 4).max(1);
                    continue;
                }
                Err(failure) => return Err(RewriteError::Read { source: failure.into_error() }),
            };
            let objects = answer.kvs.iter().filter_map(|kept| Some((keys.parse(&kept.key)?, kept)));
            let objects: Vec<_> = objects.collect();
            seen += objects.len();
            let old = objects.into_iter().filter(|(_, kept)| !keys.is_current(kept));
            let old = old.map(|(key, kept)| keys.entry(key, kept)).collect::<Result<Vec<_>, _>>();
            let old = old.map_err(|unreadable| RewriteError::Read { source: unreadable.into() })?;
            others += old.len();
            self.write_again(commits, old).await?;
            let Some(last) = answer.kvs.last().filter(|_| answer.more) else { return Ok((seen, others)) };
            key = after(last);
        }
    }

    /// Writes objects as they are, unless somebody else has written them since.
    async fn write_again(&self, commits: &Commits, mut objects: Vec<Arc<Entry>>) -> Result<(), RewriteError> {
        let limits = self.options.limits;
        while !objects.is_empty() {
            let mut bytes = 0;
            let fitting = objects.iter().take(limits.operations).take_while(|entry| {
                bytes += entry.value.len();
                bytes <= limits.commit_bytes / 2
            });
            let count = fitting.count().max(1);
            let write = |entry: &Arc<Entry>| Write {
                key: entry.key.clone(),
                expect: Expect::Modified(entry.modified),
                operation: Operation::Put(entry.value.to_bytes()),
            };
            let writes: Vec<_> = objects.iter().take(count).map(write).collect();
            match commits.commit(None, writes).await {
                Ok(_) => drop(objects.drain(..count)),
                // Whoever wrote it has sealed it, or the next pass does.
                Err(CommitError::Conflict { key, .. }) => objects.retain(|entry| entry.key != key),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
