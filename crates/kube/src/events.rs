//! What happened to objects, as `kubectl describe` and `kubectl events` tell it: in memory, with a bound and an age.
//!
//! Clients read and write events as they do other objects. Whoever serves the objects tells what happens to them through [`Events::tell`]:
//! what happens again is counted, and of one object only so much is kept that it leaves room for others.

mod telling;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_resources::event::EVENT;
pub use backstay_resources::event::ObjectReference;
pub use backstay_store::transient::{Bounds, Forgotten};
use backstay_store::{Expect, Operation, Prefix, Store, Transient, Write};
use tokio::time::sleep;

/// The longest time between two looks at what has become too old.
const LOOK: Duration = Duration::from_secs(10);

/// The events of a server. Clones are the same.
#[derive(Debug, Clone)]
pub struct Events {
    store: Arc<Transient>,
}

/// Whether what happened is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// It is.
    Normal,
    /// It is not.
    Warning,
}

/// Something that happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The object.
    pub about: ObjectReference,
    /// Whether that is as it should be.
    pub tone: Tone,
    /// Why, as one CamelCase word.
    pub reason: String,
    /// What was being done, as one CamelCase word.
    pub action: Cow<'static, str>,
    /// What happened, for a person. Cut to what an event may hold.
    pub note: String,
    /// Who saw it: a control plane, or one of its proxies.
    pub instance: String,
}

impl Default for Events {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Events {
    /// No events yet, and as many as `bounds` allow.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { store: Arc::new(Transient::new(bounds)) }
    }

    /// Where they are.
    pub(crate) fn store(&self) -> Arc<Transient> {
        Arc::clone(&self.store)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.store.snapshot().len()
    }

    /// The bytes that they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.store.bytes()
    }

    /// How many were given up, for which bound.
    #[must_use]
    pub fn forgotten(&self) -> Forgotten {
        self.store.forgotten()
    }

    /// Forgets what is too old, for as long as it is polled.
    pub async fn keep(self) {
        loop {
            let next = self.store.expire(Instant::now());
            let wait = next.map_or(LOOK, |next| next.saturating_duration_since(Instant::now()).min(LOOK));
            sleep(wait.max(Duration::from_millis(100))).await;
        }
    }

    /// Forgets what happened in a namespace that is gone.
    pub(crate) fn forget_namespace(&self, namespace: &str) {
        let snapshot = self.store.snapshot();
        for entry in snapshot.list(&Prefix::namespace(&EVENT.resource(), namespace)) {
            let key = entry.key.clone();
            // One that has gone meanwhile is no loss.
            let _ = self.store.write(vec![Write { key, expect: Expect::Present, operation: Operation::Delete }]);
        }
    }
}
