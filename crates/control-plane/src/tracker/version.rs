//! What was acknowledged, so that it can be told from what should be after a restart.

use backstay_resources::{Condition, ConditionStatus};
use serde::Deserialize as _;
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use super::{Tracked, Tracker};

/// What a status says that every connected proxy has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The object's own generation.
    pub(crate) generation: i64,
    /// Of all that was sent for it; empty where nothing says.
    pub(crate) version: String,
}

impl Acknowledged {
    /// What `status` says, if it says that everything was.
    pub(crate) fn told(status: &Value) -> Option<Self> {
        let conditions = status.get("conditions")?.as_array()?;
        let mut conditions = conditions.iter().filter_map(|condition| Condition::deserialize(condition).ok());
        let programmed = conditions.find(|condition| condition.kind == "Programmed")?;
        (programmed.status == ConditionStatus::True).then(|| Self {
            generation: programmed.observed_generation,
            version: status["acknowledgedVersion"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

impl Tracker {
    /// A hash of everything that is sent for an object, which changes with each part of it.
    pub(crate) fn version(&self, tracked: &Tracked) -> String {
        let mut hash = Xxh3::new();
        for (fleet, resource) in &tracked.programs {
            // What is made of another type says nothing that this does not say, and is not always there.
            let feeds = self.fleets.get(fleet).into_iter().flat_map(|state| {
                state.types.iter().filter(|(type_url, _)| !state.derived.contains_key(*type_url)).map(|(_, feed)| feed)
            });
            let mut versions: Vec<&str> =
                feeds.filter_map(|feed| feed.changed.get(resource)).map(|(_, version)| &**version).collect();
            if versions.is_empty() {
                versions.push("");
            }
            for part in [&**fleet, resource].into_iter().chain(versions) {
                hash.update(part.as_bytes());
                hash.update(&[0]);
            }
        }
        format!("{:016x}", hash.digest())
    }

    /// Whether what was acknowledged before this process began is what should be served now. What proxies serve of an object
    /// that is shared may have changed without its generation, and a crash may have come before any status told so.
    pub(super) fn still_holds(&self, before: &Acknowledged, tracked: &Tracked) -> bool {
        before.generation == tracked.status.generation
            && (!tracked.is_shared() || before.version == self.version(tracked))
    }
}
