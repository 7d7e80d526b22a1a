//! Clients that write, watch and send requests, and note what they see.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::checker::{History, Written};
use super::value;
use crate::harness::rest::BACKENDS;
use crate::harness::{Client, PATIENCE, Rest, manifest};

const WRITERS: usize = 4;

/// How long a write may take before its client turns to another control plane.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);

/// What clients share with whoever makes the faults.
pub struct Shared {
    apis: Vec<SocketAddr>,
    ports: Vec<u16>,
    /// Whether requests to a proxy may fail now.
    pub excused: Vec<AtomicBool>,
    stop: AtomicBool,
    /// The revision after which watches may end.
    until: tokio::sync::watch::Sender<u64>,
    writes: tokio::sync::watch::Sender<u64>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    history: History,
    served: Served,
    /// When each write was acknowledged.
    times: Vec<Instant>,
}

/// What was served.
#[derive(Debug, Default)]
pub struct Served {
    pub requests: u64,
    pub failures: Vec<String>,
}

impl Shared {
    pub fn new(apis: Vec<u16>, ports: &[u16]) -> Self {
        Self {
            apis: apis.into_iter().map(|port| ([127, 0, 0, 1], port).into()).collect(),
            ports: ports.to_vec(),
            excused: ports.iter().map(|_| AtomicBool::new(false)).collect(),
            stop: AtomicBool::new(false),
            until: tokio::sync::watch::Sender::new(u64::MAX),
            writes: tokio::sync::watch::Sender::new(0),
            log: Mutex::default(),
        }
    }

    /// Waits until so many more writes were acknowledged.
    pub async fn another_write(&self, count: u64) {
        let mut writes = self.writes.subscribe();
        let enough = *writes.borrow() + count;
        timeout(PATIENCE, writes.wait_for(|writes| *writes >= enough)).await.expect("writes go on").unwrap();
    }

    /// The longest time without an acknowledged write since then.
    pub fn longest_since(&self, then: Instant) -> Duration {
        let log = self.log.lock().unwrap();
        let first = log.times.partition_point(|time| *time < then);
        // What was going on then counts from the write before.
        let times = &log.times[first.saturating_sub(1)..];
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    fn acknowledged(&self, written: Written, revision: u64) {
        let mut log = self.log.lock().unwrap();
        log.times.push(Instant::now());
        log.history.acknowledged.push((written, revision));
        drop(log);
        self.writes.send_modify(|writes| *writes += 1);
    }

    fn served(&self, proxy: usize, failure: Option<String>) {
        let mut log = self.log.lock().unwrap();
        log.served.requests += 1;
        log.served.failures.extend(failure.map(|failure| format!("proxy {proxy}: {failure}")));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Running clients.
pub struct Clients {
    tasks: Vec<JoinHandle<()>>,
    watches: Vec<JoinHandle<Vec<(u64, Written)>>>,
}

impl Clients {
    pub async fn start(shared: &Arc<Shared>) -> Self {
        let rest = Rest::new(shared.apis[0]);
        let mut revision = 0;
        for writer in 0..WRITERS {
            let stored = rest.create(&manifest::backend(&format!("w{writer}"), &["127.0.0.1"])).await;
            revision = revision_of(&stored);
        }
        let watches =
            (0..shared.apis.len()).map(|first| tokio::spawn(watch(shared.clone(), first, revision))).collect();
        let writers = (0..WRITERS).map(|writer| tokio::spawn(write(shared.clone(), writer)));
        let loads = (0..shared.ports.len()).map(|proxy| tokio::spawn(load(shared.clone(), proxy)));
        Self { tasks: writers.chain(loads).collect(), watches }
    }

    /// Ends them, watches after `revision`. Returns what they have seen.
    pub async fn stop(self, shared: &Shared, revision: u64) -> (History, Served) {
        shared.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        // Of the last write of any of them, watches have yet to hear.
        let rest = Rest::new(shared.apis[0]);
        let last = rest.change(&format!("{BACKENDS}/w0"), &json!({"metadata": {"labels": {"last": "yes"}}})).await;
        shared.until.send_replace(revision_of(&last).max(revision));
        let mut watched = Vec::new();
        for watch in self.watches {
            watched.push(timeout(PATIENCE, watch).await.expect("watches hear of the last write").unwrap());
        }
        let mut log = std::mem::take(&mut *shared.log.lock().unwrap());
        log.history.watches = watched;
        (log.history, log.served)
    }
}

fn revision_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

/// Writes one value after another to an object, through one control plane after another.
async fn write(shared: Arc<Shared>, writer: usize) {
    let clients: Vec<Rest> = shared.apis.iter().map(|api| Rest::new(*api)).collect();
    let object = format!("w{writer}");
    for number in 0.. {
        if shared.stopped() {
            return;
        }
        let written = Written { object: object.clone(), value: format!("{writer}-{number}") };
        let patch = json!({"metadata": {"annotations": {"value": written.value}}}).to_string();
        let client = &clients[(writer + number) % clients.len()];
        let path = format!("{BACKENDS}/{object}");
        let sent = client.try_send(Method::PATCH, &path, "application/merge-patch+json", patch);
        match timeout(WRITE_PATIENCE, sent).await {
            Ok(Ok((status, body))) if status.is_success() => {
                let stored: Value = serde_json::from_slice(&body).unwrap();
                shared.acknowledged(written, revision_of(&stored));
            }
            // Refused, lost or too late: it may be there nevertheless.
            _ => shared.log.lock().unwrap().history.unknown.push(written),
        }
        tokio::task::yield_now().await;
    }
}

/// Watches the objects of all writers, by whichever control plane answers, from where it was.
async fn watch(shared: Arc<Shared>, first: usize, mut revision: u64) -> Vec<(u64, Written)> {
    let http = Http::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let (mut events, mut last) = (Vec::new(), BTreeMap::new());
    let mut until = shared.until.subscribe();
    for turn in first.. {
        let api = shared.apis[turn % shared.apis.len()];
        let uri = format!("http://{api}{BACKENDS}?watch=true&allowWatchBookmarks=true&resourceVersion={revision}");
        let Ok(Ok(response)) = timeout(WRITE_PATIENCE, http.get(uri.parse().unwrap())).await else { continue };
        if !response.status().is_success() {
            continue;
        }
        let (mut body, mut buffer) = (response.into_body(), Vec::new());
        loop {
            if revision >= *until.borrow_and_update() {
                return events;
            }
            let frame = tokio::select! {
                frame = timeout(PATIENCE, body.frame()) => frame,
                Ok(()) = until.changed() => continue,
            };
            let Ok(Some(Ok(frame))) = frame else { break };
            buffer.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).unwrap();
                assert_ne!(event["type"], "ERROR", "{event}");
                revision = revision_of(&event["object"]);
                let object = event["object"]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                // Statuses are written to the same objects.
                if let Some(value) = value(&event["object"])
                    && last.insert(object.clone(), value.to_owned()).as_deref() != Some(value)
                {
                    events.push((revision, Written { object, value: value.to_owned() }));
                }
            }
        }
    }
    events
}

/// Sends requests to a proxy, one after another.
async fn load(shared: Arc<Shared>, proxy: usize) {
    let client = Client::new();
    let address = SocketAddr::from(([127, 0, 0, 1], shared.ports[proxy]));
    while !shared.stopped() {
        let excused = || shared.excused[proxy].load(Ordering::SeqCst);
        let before = excused();
        let answer = timeout(WRITE_PATIENCE, client.get(address, "app.example", "/")).await;
        let failure = match answer {
            Ok(Ok(answer)) if answer.status == 200 => None,
            Ok(Ok(answer)) => Some(format!("{}: {}", answer.status, answer.text())),
            Ok(Err(error)) => Some(error),
            Err(_) => Some("no answer in time".to_owned()),
        };
        shared.served(proxy, failure.filter(|_| !before && !excused()));
        // Six of them at full speed would leave nothing for the rest.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
