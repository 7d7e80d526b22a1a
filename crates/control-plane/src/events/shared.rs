//! What happened, as control planes of one store tell it each other: `kubectl describe` is answered by any of them.
//!
//! Each keeps events of its own. What one sees the others hear of within moments, and write down as if they had seen it; what happened
//! before a control plane was there it does not learn. What happens at about the same time is told at once: a word for each event would
//! cost etcd as much as the objects that they are about.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_kube::Events;
use backstay_kube::events::{Happened, ObjectReference, Tone};
use backstay_store::Replicas;
use backstay_store::replicas::Words;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// Names of words that are events begin so. A number follows, higher than those before.
const PREFIX: &str = "event/";

/// How long events are gathered before they are told.
const GATHER: Duration = Duration::from_millis(100);

/// The most events in a word: some 20 KiB.
const EVENTS_OF_A_WORD: usize = 50;

/// The most events that wait to be told. The oldest makes room.
const WAITING: usize = 1_000;

/// How long a word stays: long enough for whoever has lost its connection to etcd meanwhile.
const STAY: Duration = Duration::from_secs(60);

/// The most words at once. The oldest makes room.
const WORDS: usize = 40;

/// What happened, as it is told.
#[derive(Debug, Serialize, Deserialize)]
struct Word {
    about: ObjectReference,
    warning: bool,
    reason: String,
    action: String,
    note: String,
    instance: String,
}

/// Tells others what happened, while [`Spread::run`] is polled.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    replicas: Arc<dyn Replicas>,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Mutex<VecDeque<Word>>,
    wake: Notify,
}

impl Waiting {
    fn events(&self) -> MutexGuard<'_, VecDeque<Word>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spread {
    pub(crate) fn new(replicas: Arc<dyn Replicas>) -> Self {
        Self { replicas, waiting: Arc::default() }
    }

    pub(super) fn tell(&self, happened: &Happened) {
        let Happened { about, tone, reason, action, note, instance } = happened.clone();
        let warning = tone == Tone::Warning;
        let word = Word { about, warning, reason, action: action.into_owned(), note, instance };
        let mut events = self.waiting.events();
        if events.len() == WAITING {
            events.pop_front();
        }
        events.push_back(word);
        drop(events);
        self.waiting.wake.notify_one();
    }

    /// Tells what waits, for as long as it is polled.
    pub(crate) async fn run(self) {
        let (mut count, mut told) = (0_u64, VecDeque::<(Instant, String)>::new());
        loop {
            self.waiting.wake.notified().await;
            sleep(GATHER).await;
            let events = std::mem::take(&mut *self.waiting.events());
            let now = Instant::now();
            let mut words = Vec::new();
            for events in Vec::from(events).chunks(EVENTS_OF_A_WORD) {
                let Ok(word) = serde_json::to_vec(events) else { continue };
                count += 1;
                let name = format!("{PREFIX}{count}");
                told.push_back((now, name.clone()));
                words.push((name, Some(word.into())));
            }
            while told.len() > WORDS || told.front().is_some_and(|(since, _)| now.duration_since(*since) > STAY) {
                words.extend(told.pop_front().map(|(_, name)| (name, None)));
            }
            self.replicas.tell(words);
        }
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
                let Ok(heard) = serde_json::from_slice::<Vec<Word>>(word) else { continue };
                let happened = heard.into_iter().map(|Word { about, warning, reason, action, note, instance }| {
                    let tone = if warning { Tone::Warning } else { Tone::Normal };
                    Happened { about, tone, reason, action: action.into(), note, instance }
                });
                events.tell(&happened.collect::<Vec<_>>());
            }
        }
    }
}
