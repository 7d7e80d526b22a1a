//! A fleet whose control plane dies: its streams go to the two that are left, with what they hold.
//!
//! The streams do as proxies do: the next address at each failure, after a pause that the control plane asked for or else a random one of
//! up to 100 ms, which doubles. Each connection carries a hundred of them, where proxies have one each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_proto::discovery::DeltaDiscoveryRequest;
use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::client::{Held, PATH, Raw, skim, tokio_stream};
use crate::create::BACKENDS;
use crate::member::Member;
use crate::planes::{Plane, fill};
use crate::support::backend;
use crate::support::http::Client;
use crate::support::process::raise_open_files;

const STREAMS_A_CONNECTION: usize = 100;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn run(backends: usize, streams: usize) {
    raise_open_files(4096);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let member = Member::start(21700);
    let mut planes: Vec<Plane> = (0..3).map(|index| Plane::begin(&member, index, 0)).collect();
    planes.iter_mut().for_each(Plane::wait);
    let resources = fill(planes[0].api, backends);
    planes.iter_mut().for_each(|plane| plane.resources = resources);
    runtime.block_on(measure(planes, streams));
}

async fn measure(mut planes: Vec<Plane>, streams: usize) {
    // Whoever reads all of it from each knows that each has compiled it.
    let mut held = Held::read(&planes[0]).await;
    for plane in &planes[1..] {
        held = Held::read(plane).await;
    }
    settle(&planes).await;
    let fleet = Fleet::open(&planes, streams, &held);
    fleet.until(|stream| stream.answers.load(Ordering::Relaxed) > 0).await;
    settle(&planes).await;

    println!(
        "| {streams} streams, {} resources | s | CPU s of those that are left | KiB | resources sent |",
        held.resources
    );
    println!("|---|---|---|---|---|");
    let before = Before::of(&planes[1..], &fleet);
    let connections = fleet.each(|stream| stream.opened.load(Ordering::Relaxed));
    let began = Instant::now();
    drop(planes.remove(0));
    fleet.until_each(&connections, |stream| stream.opened.load(Ordering::Relaxed)).await;
    let moved = began.elapsed();
    settle(&planes).await;
    before.print("until each is in step with another", moved, &planes, &fleet);

    let before = Before::of(&planes, &fleet);
    let received = fleet.each(|stream| stream.resources.load(Ordering::Relaxed));
    let began = Instant::now();
    let answer = Client::connect(planes[0].api).put(&format!("{BACKENDS}/b0"), &backend("b0", "127.0.0.2"));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    fleet.until_each(&received, |stream| stream.resources.load(Ordering::Relaxed)).await;
    let changed = began.elapsed();
    settle(&planes).await;
    before.print("a change, until each has it", changed, &planes, &fleet);
}

/// Figures of before something happened.
struct Before {
    cpu: f64,
    sent: f64,
    bytes: u64,
}

impl Before {
    fn of(planes: &[Plane], fleet: &Fleet) -> Self {
        let cpu = planes.iter().map(|plane| plane.process.cpu_seconds()).sum();
        let sent = planes.iter().map(|plane| plane.metric("backstay_xds_resources_sent_total")).sum();
        Self { cpu, sent, bytes: fleet.shared.bytes.load(Ordering::Relaxed) }
    }

    fn print(&self, what: &str, time: Duration, planes: &[Plane], fleet: &Fleet) {
        let now = Self::of(planes, fleet);
        let (cpu, sent) = (now.cpu - self.cpu, now.sent - self.sent);
        println!("| {what} | {:.2} | {cpu:.2} | {} | {sent} |", time.as_secs_f64(), (now.bytes - self.bytes) / 1024);
    }
}

/// Streams that move.
struct Fleet {
    _tasks: JoinSet<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    streams: Vec<Stream>,
    changed: Notify,
    /// Of responses, as they are encoded.
    bytes: AtomicU64,
}

#[derive(Default)]
struct Stream {
    /// Connections on which it was answered.
    opened: AtomicU64,
    answers: AtomicU64,
    resources: AtomicU64,
}

impl Fleet {
    /// Opens them at the first of the control planes; of those that come after it, every other stream goes to every other first.
    fn open(planes: &[Plane], streams: usize, held: &Held) -> Self {
        let shared = Shared { streams: (0..streams).map(|_| Stream::default()).collect(), ..Shared::default() };
        let shared = Arc::new(shared);
        let mut tasks = JoinSet::new();
        let mut channels = Vec::new();
        for number in 0..streams {
            if number % STREAMS_A_CONNECTION == 0 {
                channels = planes.iter().map(|plane| channel(plane.xds)).collect();
                let turn = number / STREAMS_A_CONNECTION % (planes.len() - 1);
                channels[1..].rotate_left(turn);
            }
            let (channels, shared) = (channels.clone(), shared.clone());
            tasks.spawn(stream(number, channels, shared, held.subscription.clone(), planes[0].type_url));
        }
        Self { _tasks: tasks, shared }
    }

    fn each(&self, count: impl Fn(&Stream) -> u64) -> Vec<u64> {
        self.shared.streams.iter().map(count).collect()
    }

    async fn until_each(&self, before: &[u64], count: impl Fn(&Stream) -> u64) {
        let each = || self.shared.streams.iter().zip(before);
        let waiting = async {
            for (stream, before) in each() {
                while count(stream) <= *before {
                    self.shared.changed.notified().await;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let left = each().filter(|(stream, before)| count(stream) <= **before).count();
            panic!("{left} streams have not come so far within {PATIENCE:?}");
        }
    }

    async fn until(&self, done: impl Fn(&Stream) -> bool) {
        self.until_each(&vec![0; self.shared.streams.len()], |stream| u64::from(done(stream))).await;
    }
}

fn channel(xds: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{xds}")).expect("an address");
    let endpoint = endpoint.initial_connection_window_size(8 << 20).initial_stream_window_size(1 << 20);
    endpoint.tcp_nodelay(true).connect_lazy()
}

async fn stream(number: usize, channels: Vec<Channel>, shared: Arc<Shared>, first: Bytes, type_url: &'static str) {
    let mut pause = Duration::from_millis(100);
    for turn in 0.. {
        let status = one(number, channels[turn % channels.len()].clone(), &shared, first.clone(), type_url, &mut pause);
        let asked = status.await.and_then(|status| {
            status.metadata().get("grpc-retry-pushback-ms")?.to_str().ok()?.parse().ok().map(Duration::from_millis)
        });
        tokio::time::sleep(asked.unwrap_or_else(|| pause.mul_f64(rand::random()))).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// One stream, until it ends. Returns why, if that was said.
async fn one(
    number: usize,
    channel: Channel,
    shared: &Shared,
    first: Bytes,
    type_url: &'static str,
    pause: &mut Duration,
) -> Option<Status> {
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(usize::MAX);
    if client.ready().await.is_err() {
        return None;
    }
    let (requests, outgoing) = mpsc::channel(4);
    requests.send(first).await.ok()?;
    let outgoing = Request::new(tokio_stream(outgoing));
    let mut responses = match client.streaming(outgoing, PathAndQuery::from_static(PATH), Raw).await {
        Ok(responses) => responses.into_inner(),
        Err(status) => return Some(status),
    };
    let count = &shared.streams[number];
    let mut answered = false;
    loop {
        let message: Bytes = match responses.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return None,
            Err(status) => return Some(status),
        };
        shared.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
        let (nonce, resources) = skim(&message);
        let response_nonce = String::from_utf8(nonce.to_vec()).expect("a nonce");
        let answer =
            DeltaDiscoveryRequest { type_url: type_url.to_owned(), response_nonce, ..DeltaDiscoveryRequest::default() };
        requests.send(answer.encode_to_vec().into()).await.ok()?;
        count.resources.fetch_add(resources, Ordering::Relaxed);
        count.answers.fetch_add(1, Ordering::Relaxed);
        if !std::mem::replace(&mut answered, true) {
            *pause = Duration::from_millis(100);
            count.opened.fetch_add(1, Ordering::Relaxed);
        }
        shared.changed.notify_one();
    }
}

/// Until the processes have nothing to do: their CPU time stands nearly still.
async fn settle(planes: &[Plane]) {
    let cpu = || planes.iter().map(|plane| plane.process.cpu_seconds()).sum::<f64>();
    loop {
        let before = cpu();
        tokio::time::sleep(Duration::from_millis(500)).await;
        if cpu() - before < 0.03 * planes.len() as f64 {
            return;
        }
    }
}
