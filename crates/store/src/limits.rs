//! How large a commit may be.

use std::collections::HashSet;

use crate::write::{Operation, Write};
use crate::{CommitError, Key};

#[cfg(test)]
mod tests;

/// What a store refuses because of its size. A commit beyond a limit is [`CommitError::Refused`] before it is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest key, in bytes. Default 1,024: a name and a namespace of 253 characters, and room for the resource.
    pub key_bytes: usize,
    /// The largest value, in bytes. Default 3 MiB, what a Kubernetes API server takes as a request body.
    pub value_bytes: usize,
    /// The most writes in one commit, guards included. Default 10,000.
    pub operations: usize,
    /// The most bytes of keys and values in one commit. Default 32 MiB.
    pub commit_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { key_bytes: 1024, value_bytes: 3 << 20, operations: 10_000, commit_bytes: 32 << 20 }
    }
}

impl Limits {
    /// Checks everything about a commit that does not depend on what is stored, and returns its size in bytes.
    pub(crate) fn check(&self, writes: &[Write]) -> Result<usize, CommitError> {
        if writes.iter().all(|write| write.operation == Operation::Guard) {
            return Err(CommitError::Refused("it has no writes".to_owned()));
        }
        if writes.len() > self.operations {
            return refuse(format!("it has {} writes, at most {} are taken", writes.len(), self.operations));
        }
        let mut bytes = 0;
        for write in writes {
            bytes += self.check_write(write)?;
        }
        if bytes > self.commit_bytes {
            return refuse(format!("it has {bytes} bytes, at most {} are taken", self.commit_bytes));
        }
        let mut seen = HashSet::with_capacity(writes.len());
        match writes.iter().find(|write| !seen.insert(&write.key)) {
            Some(twice) => refuse(format!("it names {} twice", twice.key)),
            None => Ok(bytes),
        }
    }

    /// Divides writes, in order, into as few commits as their number and their bytes allow. For writes that do not depend on
    /// each other. A write that is too large by itself is in a commit of its own, which is refused.
    #[must_use]
    pub fn divide(&self, writes: Vec<Write>) -> Vec<Vec<Write>> {
        let mut commits: Vec<Vec<Write>> = Vec::new();
        let mut bytes = 0;
        for write in writes {
            let size = size(&write);
            match commits.last_mut() {
                Some(commit) if commit.len() < self.operations && bytes + size <= self.commit_bytes => {
                    bytes += size;
                    commit.push(write);
                }
                _ => {
                    bytes = size;
                    commits.push(vec![write]);
                }
            }
        }
        commits
    }

    fn check_write(&self, write: &Write) -> Result<usize, CommitError> {
        let key = write.key.as_str().len();
        if key > self.key_bytes {
            return refuse(format!("a key has {key} bytes, at most {} are taken", self.key_bytes));
        }
        // A store that held such a key could not be read again.
        if Key::parse(write.key.as_str()).is_none() {
            return refuse(format!("{} is not RESOURCE/NAMESPACE/NAME", write.key));
        }
        let value = size(write) - key;
        if value > self.value_bytes {
            return refuse(format!("{} has {value} bytes, at most {} are taken", write.key, self.value_bytes));
        }
        Ok(key + value)
    }
}

/// What a write counts for against [`Limits::commit_bytes`].
fn size(write: &Write) -> usize {
    let value = match &write.operation {
        Operation::Put(value) => value.len(),
        Operation::Delete | Operation::Guard => 0,
    };
    write.key.as_str().len() + value
}

fn refuse<T>(reason: String) -> Result<T, CommitError> {
    Err(CommitError::Refused(reason))
}
