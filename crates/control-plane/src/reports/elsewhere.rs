//! What proxies report to other control planes of the same store, so that any of them answers the same.
//!
//! Each tells the others one word for each of its proxies: the backends that it reports on, those that have an unhealthy endpoint first.
//! How many words there are, how long they get and how often they change is bounded; what is beyond that is known where it was reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use backstay_store::Replicas;
use backstay_store::replicas::Words;
use bytes::Bytes;
use tokio::time::sleep;

use super::{Health, Inner, Reports};

/// Names of these words begin so; the name of the proxy follows.
const HEALTH: &str = "health/";
/// Proxies that are told of, at most.
const PROXIES: usize = 500;
/// Backends of a proxy that are told of, at most.
const BACKENDS: usize = 1000;
/// Bytes of their names and reasons, at most: etcd takes 1.5 MiB.
const BYTES: usize = 256 << 10;
/// Length that a reason is cut to, in bytes.
const REASON_BYTES: usize = 200;
/// Proxies that are told of at once, at most.
const AT_ONCE: usize = 50;
/// How often others are told, at most.
const PACE: Duration = Duration::from_secs(1);

/// How a backend fares: its resource, and its endpoints that are healthy, degraded and unhealthy, and why one of these is.
type Told<S> = (S, u32, u32, u32, S);

/// Proxies that the others have to be told of.
#[derive(Debug, Default)]
pub(super) struct Untold {
    nodes: BTreeSet<Arc<str>>,
    /// Whom others have been told of.
    told: BTreeSet<Arc<str>>,
    /// The last that was told of: who comes after is next, so that none waits for ever.
    last: Option<Arc<str>>,
}

/// What another control plane tells: by proxy, how its backends fare.
#[derive(Debug, Default)]
pub(super) struct Heard {
    words: BTreeMap<String, Bytes>,
    pub(super) proxies: BTreeMap<Arc<str>, HashMap<Box<str>, Health>>,
}

impl Inner {
    /// Something is to be told of a proxy, if anybody is told anything.
    pub(super) fn touch(&mut self, node: &Arc<str>) {
        if let Some(untold) = &mut self.untold {
            untold.nodes.insert(Arc::clone(node));
        }
    }

    /// Words of some proxies that are to be told of.
    pub(super) fn words(&mut self) -> Vec<(String, Option<Bytes>)> {
        let Some(Untold { nodes, told, last }) = &mut self.untold else { return Vec::new() };
        let mut words = Vec::new();
        while words.len() < AT_ONCE {
            let after = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next = nodes.range::<Arc<str>, _>((after, Bound::Unbounded)).next().or_else(|| nodes.first());
            let Some(node) = next.cloned() else { break };
            nodes.remove(&node);
            *last = Some(Arc::clone(&node));
            // The latest stream counts of a proxy that has two.
            let backends = self.proxies.values().rev().find(|proxy| proxy.node_id == node).map(|proxy| &proxy.backends);
            let word = match backends.filter(|backends| !backends.is_empty()) {
                None => {
                    if !told.remove(&node) {
                        continue;
                    }
                    None
                }
                Some(_) if !told.contains(&node) && told.len() >= PROXIES => continue,
                Some(backends) => {
                    told.insert(Arc::clone(&node));
                    Some(encode(backends))
                }
            };
            words.push((format!("{HEALTH}{node}"), word));
        }
        words
    }
}

impl Reports {
    /// Takes what the other control planes tell now. One that tells nothing any more is gone, and what it told with it.
    pub(crate) fn heard(&self, words: &Words) {
        let mut inner = self.lock();
        inner.elsewhere.retain(|replica, _| words.contains_key(replica));
        for (replica, told) in words {
            let heard = inner.elsewhere.entry(Arc::clone(replica)).or_default();
            let of_health = told.iter().filter(|(name, _)| name.starts_with(HEALTH));
            let now: BTreeMap<String, Bytes> =
                of_health.take(PROXIES).map(|(name, word)| (name.clone(), word.clone())).collect();
            heard.proxies.retain(|node, _| now.contains_key(&format!("{HEALTH}{node}")));
            for (name, word) in now.iter().filter(|(name, word)| heard.words.get(*name) != Some(*word)) {
                let node = name.strip_prefix(HEALTH).unwrap_or_default();
                heard.proxies.insert(node.into(), decode(word));
            }
            heard.words = now;
        }
    }
}

/// Tells the other control planes what proxies report here, for as long as it is polled.
pub(crate) async fn share(replicas: Arc<dyn Replicas>, reports: Arc<Reports>) {
    reports.lock().untold.get_or_insert_default();
    loop {
        let words = reports.lock().words();
        if words.is_empty() {
            reports.changed.notified().await;
            continue;
        }
        replicas.tell(words);
        sleep(PACE).await;
    }
}

fn encode(backends: &HashMap<Box<str>, Health>) -> Bytes {
    let mut told: Vec<_> = backends.iter().collect();
    told.sort_by_key(|(name, health)| (health.unhealthy == 0 && health.reason.is_empty(), *name));
    let mut bytes = 0;
    let told: Vec<Told<&str>> = told
        .into_iter()
        .take(BACKENDS)
        .take_while(|(name, health)| {
            bytes += name.len() + health.reason.len().min(REASON_BYTES);
            bytes <= BYTES
        })
        .map(|(name, Health { healthy, degraded, unhealthy, reason })| {
            let reason = reason.get(..reason.floor_char_boundary(REASON_BYTES)).unwrap_or_default();
            (&**name, *healthy, *degraded, *unhealthy, reason)
        })
        .collect();
    // Nothing in these cannot be written as JSON.
    serde_json::to_vec(&told).unwrap_or_default().into()
}

/// What a control plane of another version tells may not be understood: then nothing is known of it.
fn decode(word: &Bytes) -> HashMap<Box<str>, Health> {
    let told: Vec<Told<String>> = serde_json::from_slice(word).unwrap_or_default();
    let told = told.into_iter().take(BACKENDS);
    told.map(|(name, healthy, degraded, unhealthy, reason)| {
        (name.into(), Health { healthy, degraded, unhealthy, reason: reason.into() })
    })
    .collect()
}
