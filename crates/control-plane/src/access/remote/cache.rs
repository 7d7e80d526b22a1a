//! Answers that hold for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an answer holds: as long as `kube-apiserver`'s own delegated authentication and authorization keep theirs.
const HOLDS: Duration = Duration::from_secs(10);
/// Answers that are kept at most. Once there are as many, those that do not hold any more go, or else all.
const MOST: usize = 10_000;

/// Answers, by what was asked.
#[derive(Debug)]
pub(super) struct Cache<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    /// The answer, if there is one that holds.
    pub(super) fn get(&self, asked: &str) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(asked).filter(|(at, _)| at.elapsed() < HOLDS).map(|(_, answer)| answer.clone())
    }

    /// Keeps an answer.
    pub(super) fn put(&self, asked: String, answer: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (at, _)| at.elapsed() < HOLDS);
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(asked, (Instant::now(), answer));
    }
}

#[cfg(test)]
mod tests;
