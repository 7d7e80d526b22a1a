//! A resolver that answers as it is told, and a cache that asks it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_dns_cache::{Answer, Cache, Family, RecordKind, Resolve, ServiceAnswer, Settings};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Found(u64, Vec<&'static str>),
    Empty,
    Failed,
    Mute,
}

/// Answers to A (and to AAAA where it was told so), after a delay. What it was not told of does not exist.
pub(crate) struct Script {
    replies: Mutex<HashMap<(String, RecordKind), Reply>>,
    asked: Mutex<Vec<(String, RecordKind, Instant)>>,
    delay: Mutex<Duration>,
    start: Instant,
}

impl Script {
    pub(crate) fn set(&self, name: &str, reply: Reply) {
        self.set_kind(name, RecordKind::A, reply);
    }

    pub(crate) fn set_kind(&self, name: &str, kind: RecordKind, reply: Reply) {
        self.replies.lock().unwrap().insert((name.to_owned(), kind), reply);
    }

    pub(crate) fn set_delay(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// When questions about `name` came, in seconds since the start, rounded down.
    pub(crate) fn times(&self, name: &str) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        let about = asked.iter().filter(|(asked, ..)| asked == name);
        about.map(|(_, _, at)| at.duration_since(self.start).as_secs()).collect()
    }

    pub(crate) fn kinds(&self, name: &str) -> Vec<RecordKind> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(asked, ..)| asked == name).map(|(_, kind, _)| *kind).collect()
    }

    pub(crate) fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Resolve for Script {
    fn query(&self, name: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer> {
        self.asked.lock().unwrap().push((name.to_string(), kind, Instant::now()));
        let reply = self.replies.lock().unwrap().get(&(name.to_string(), kind)).cloned();
        let delay = *self.delay.lock().unwrap();
        async move {
            sleep(delay).await;
            match reply {
                Some(Reply::Found(ttl, list)) => {
                    Answer::Addresses(list.into_iter().map(|text| text.parse().unwrap()).collect(), s(ttl))
                }
                Some(Reply::Empty) | None => Answer::Empty("nxdomain".into()),
                Some(Reply::Failed) => Answer::Failed("servfail".into()),
                Some(Reply::Mute) => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn services(&self, _: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async { ServiceAnswer::Empty("nxdomain".into()) }.boxed()
    }
}

/// A cache, its resolver, and the clock they began at.
pub(crate) struct World {
    pub(crate) cache: Arc<Cache>,
    pub(crate) script: Arc<Script>,
    pub(crate) start: Instant,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let start = Instant::now();
        let script =
            Arc::new(Script { replies: Mutex::default(), asked: Mutex::default(), delay: Mutex::default(), start });
        let cache = Cache::new(settings, Arc::clone(&script) as _, &Handle::current()).unwrap();
        Self { cache: Arc::new(cache), script, start }
    }

    /// What a request gets: addresses, or the details of the refusal.
    pub(crate) async fn get(&self, authority: &str) -> Result<Vec<String>, String> {
        let found = self.cache.lookup(authority, 80).await;
        found.map(|list| list.iter().map(ToString::to_string).collect()).map_err(|error| error.details().into_owned())
    }

    pub(crate) async fn is_found(&self, authority: &str) -> bool {
        self.get(authority).await.is_ok()
    }

    /// Waits until so long after the start, and a moment more: what is due then is done. Zero is now.
    pub(crate) async fn at(&self, time: Duration) {
        if !time.is_zero() {
            sleep_until(self.start + time + ms(10)).await;
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// IPv4 only, as most of what was observed.
pub(crate) fn v4() -> Settings {
    Settings { family: Family::V4Only, ..Settings::default() }
}

/// Quick refreshes: one second at least, two where nothing was found, one second of patience.
pub(crate) fn fast() -> Settings {
    Settings { min_refresh_rate: s(1), refresh_rate: s(2), query_timeout: s(1), ..v4() }
}
