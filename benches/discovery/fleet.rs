//! Streams that take what they get and say so. They look at no more of a response than they have to: the machine is shared with
//! what is measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use prost::Message as _;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::client::{Held, PATH, answer, skim, subscription};
use crate::planes::Plane;
use crate::wire::Wire;

/// Of a `DeltaDiscoveryRequest`.
const RESPONSE_NONCE: u32 = 6;

/// Many streams.
pub struct Fleet {
    _connections: JoinSet<()>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Of each stream.
    streams: Vec<Stream>,
    changed: Notify,
}

#[derive(Default)]
struct Stream {
    responses: AtomicU64,
    resources: AtomicU64,
}

impl Fleet {
    /// Opens them, over so many connections.
    pub async fn open(plane: &Plane, streams: usize, connections: usize, held: Option<&Held>) -> Self {
        let counts = Counts { streams: (0..streams).map(|_| Stream::default()).collect(), ..Counts::default() };
        let counts = Arc::new(counts);
        let subscription = held.map_or_else(|| subscription(plane, BTreeMap::new()), |held| held.subscription.clone());
        let said: Bytes = answer(plane, Bytes::new()).encode_to_vec().into();
        let mut tasks = JoinSet::new();
        for number in 0..connections {
            let socket = TcpStream::connect(plane.xds).await.expect("a connection");
            socket.set_nodelay(true).expect("a socket");
            let first = streams * number / connections;
            let wire =
                Wire::open(streams * (number + 1) / connections - first, PATH, &plane.xds.to_string(), &subscription);
            tasks.spawn(connection(socket, wire, first, counts.clone(), said.clone()));
        }
        Self { _connections: tasks, counts }
    }

    /// The most responses that a stream has.
    pub fn responses(&self) -> u64 {
        let counts = self.counts.streams.iter().map(|stream| stream.responses.load(Ordering::Relaxed));
        counts.max().unwrap_or_default()
    }

    pub async fn until_all_have(&mut self, resources: u64) {
        self.until(|stream| stream.resources.load(Ordering::Relaxed) >= resources).await;
    }

    pub async fn until_each_has_another(&mut self, before: u64) {
        self.until(|stream| stream.responses.load(Ordering::Relaxed) > before).await;
    }

    async fn until(&mut self, done: impl Fn(&Stream) -> bool) {
        for stream in &self.counts.streams {
            while !done(stream) {
                self.counts.changed.notified().await;
            }
        }
    }
}

/// A connection, whose streams are those from `first` on. `said` is an answer without its nonce.
async fn connection(socket: TcpStream, mut wire: Wire, first: usize, counts: Arc<Counts>, said: Bytes) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let interest = if wire.out.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        socket.ready(interest).await.expect("a connection");
        // All that has come is answered with one write.
        loop {
            match socket.try_read(&mut buffer) {
                Ok(0) => panic!("the connection ended"),
                Ok(length) => wire.receive(&buffer[..length], |index, message, answer| {
                    let (nonce, resources) = skim(message);
                    answer.extend_from_slice(&said);
                    prost::encoding::bytes::encode(RESPONSE_NONCE, &nonce.to_vec(), answer);
                    let count = &counts.streams[first + index];
                    count.resources.fetch_add(resources, Ordering::Relaxed);
                    count.responses.fetch_add(1, Ordering::Relaxed);
                }),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("the connection broke: {error}"),
            }
            if wire.out.len() > 1 << 20 {
                break;
            }
        }
        counts.changed.notify_one();
        if !wire.out.is_empty() {
            match socket.try_write(&wire.out) {
                Ok(length) => drop(wire.out.drain(..length)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("the connection broke: {error}"),
            }
        }
    }
}
