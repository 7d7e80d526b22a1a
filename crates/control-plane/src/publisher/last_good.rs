//! What the compiler keeps of Secrets that no longer serve as they are, in the store: a restart takes no traffic away.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_compiler::{LastGoodSecret, LastGoodSecretName, Role};
use backstay_store::{CommitError, Expect, Key, Operation, Prefix, Store, Write};

/// Where they are stored, by role. No API serves these.
const PLACES: [(Role, &str); 2] =
    [(Role::Certificate, "keptcertificates.backstay.dev"), (Role::Authority, "keptauthorities.backstay.dev")];

/// What is stored, and what has yet to be.
pub(super) struct LastGoodSecrets {
    store: Arc<dyn Store>,
    unsaved: BTreeMap<LastGoodSecretName, Option<LastGoodSecret>>,
}

impl LastGoodSecrets {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, unsaved: BTreeMap::new() }
    }

    /// What an earlier process stored.
    pub(super) fn read(&self) -> Vec<(LastGoodSecretName, LastGoodSecret)> {
        let snapshot = self.store.snapshot();
        let mut found = Vec::new();
        for (role, place) in PLACES {
            for entry in snapshot.list(&Prefix::resource(place)) {
                let name =
                    LastGoodSecretName { namespace: entry.key.namespace().into(), name: entry.key.name().into(), role };
                match LastGoodSecret::decode(entry.value.to_bytes()) {
                    Some(kept) => found.push((name, kept)),
                    None => tracing::error!(key = %entry.key, "what was kept of a Secret cannot be read"),
                }
            }
        }
        found
    }

    /// Notes what has changed.
    pub(super) fn changed(&mut self, changes: BTreeMap<LastGoodSecretName, Option<LastGoodSecret>>) {
        self.unsaved.extend(changes);
    }

    /// Stores what has changed. What cannot be stored now is tried again with the next change.
    pub(super) async fn save(&mut self) {
        let snapshot = self.store.snapshot();
        let writes = self.unsaved.iter().filter_map(|(name, kept)| {
            let key = key(name);
            let operation = match kept {
                // Others who share the store compile the same, and store the same.
                Some(kept) => {
                    let kept = kept.encode();
                    let is_stored = snapshot.get(&key).is_some_and(|stored| stored.value == kept);
                    (!is_stored).then_some(Operation::Put(kept))?
                }
                None => snapshot.get(&key).map(|_| Operation::Delete)?,
            };
            Some(Write { key, expect: Expect::Any, operation })
        });
        let writes: Vec<Write> = writes.collect();
        if writes.is_empty() {
            return self.unsaved.clear();
        }
        let mut again = false;
        for commit in self.store.limits().divide(writes) {
            if let Err(error) = self.store.commit(commit).await {
                // Somebody else has removed it already.
                if matches!(error, CommitError::Conflict { .. }) {
                    again = true;
                    continue;
                }
                tracing::warn!(%error, "cannot store what is kept of Secrets: a restart would do without");
                // What was refused would be refused again. What else was done may be done again.
                again |= !matches!(error, CommitError::Refused(_));
            }
        }
        if !again {
            self.unsaved.clear();
        }
    }
}

fn key(name: &LastGoodSecretName) -> Key {
    let place = PLACES.iter().find(|(role, _)| *role == name.role).map_or("", |(_, place)| *place);
    Key::new(place, &name.namespace, &name.name)
}
