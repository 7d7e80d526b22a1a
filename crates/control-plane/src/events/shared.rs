//! What happened, as control planes of one store tell it each other: `kubectl describe` is answered by any of them.
//!
//! Each keeps events of its own. What one sees the others hear of within moments, and write down as if they had seen it; what happened
//! before a control plane was there it does not learn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backstay_kube::Events;
use backstay_kube::events::{Happened, ObjectReference, Tone};
use backstay_store::Replicas;
use backstay_store::replicas::Words;
use serde::{Deserialize, Serialize};

/// Names of words that are events begin so. A number follows, higher than those before.
const PREFIX: &str = "event/";

/// How long a word stays: long enough for whoever has lost its connection to etcd meanwhile.
const STAY: Duration = Duration::from_secs(60);

/// The most words at once. The oldest makes room.
const WORDS: usize = 200;

/// What happened, as it is told.
#[derive(Serialize, Deserialize)]
struct Word {
    about: ObjectReference,
    warning: bool,
    reason: String,
    action: String,
    note: String,
    instance: String,
}

/// Tells others what happened.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    replicas: Arc<dyn Replicas>,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    count: u64,
    words: VecDeque<(Instant, String)>,
}

impl Spread {
    pub(crate) fn new(replicas: Arc<dyn Replicas>) -> Self {
        Self { replicas, told: Arc::default() }
    }

    pub(super) fn tell(&self, happened: &Happened) {
        let Happened { about, tone, reason, action, note, instance } = happened.clone();
        let warning = tone == Tone::Warning;
        let word = Word { about, warning, reason, action: action.into_owned(), note, instance };
        let Ok(word) = serde_json::to_vec(&word) else { return };
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.count += 1;
        let name = format!("{PREFIX}{}", told.count);
        told.words.push_back((now, name.clone()));
        let mut words = vec![(name, Some(word.into()))];
        while told.words.len() > WORDS || told.words.front().is_some_and(|(since, _)| now.duration_since(*since) > STAY)
        {
            words.extend(told.words.pop_front().map(|(_, name)| (name, None)));
        }
        drop(told);
        self.replicas.tell(words);
    }
}

/// What of others' events was heard.
#[derive(Debug, Default)]
pub(crate) struct Hearing(BTreeMap<Arc<str>, u64>);

impl Hearing {
    /// Writes down what others tell, and was not told before.
    pub(crate) fn hear(&mut self, words: &Words, events: &Events) {
        for (replica, told) in words {
            let known = self.0.get(replica).copied().unwrap_or_default();
            let number = |name: &str| name.strip_prefix(PREFIX)?.parse::<u64>().ok().filter(|number| *number > known);
            let mut new: Vec<_> = told.iter().filter_map(|(name, word)| Some((number(name)?, word))).collect();
            new.sort_by_key(|(number, _)| *number);
            for (number, word) in new {
                self.0.insert(replica.clone(), number);
                // Of another version, it may not be understood.
                let Ok(word) = serde_json::from_slice::<Word>(word) else { continue };
                let Word { about, warning, reason, action, note, instance } = word;
                let tone = if warning { Tone::Warning } else { Tone::Normal };
                events.tell(&[Happened { about, tone, reason, action: action.into(), note, instance }]);
            }
        }
    }
}
