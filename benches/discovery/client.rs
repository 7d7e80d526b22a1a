//! Streams that take what they get and say so. They look at no more of a response than they have to: the machine is shared with
//! what is measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node};
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use prost::Message;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::planes::Plane;

pub(crate) const PATH: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/// Messages as they are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}

/// The nonce of a response, and how many resources it has.
pub(crate) fn skim(mut message: Bytes) -> (Bytes, u64) {
    let (mut nonce, mut resources) = (Bytes::new(), 0);
    while message.has_remaining() {
        let key = prost::encoding::decode_varint(&mut message).expect("a key");
        let length = prost::encoding::decode_varint(&mut message).expect("a length");
        let payload = message.split_to(usize::try_from(length).expect("a length"));
        match key >> 3 {
            2 => resources += 1,
            5 => nonce = payload,
            _ => {}
        }
    }
    (nonce, resources)
}

fn subscription(plane: &Plane, held: BTreeMap<String, String>) -> Bytes {
    let node = Some(Node { id: "bench".to_owned(), ..Node::default() });
    let request = DeltaDiscoveryRequest { node, initial_resource_versions: held, ..answer(plane, Bytes::new()) };
    request.encode_to_vec().into()
}

pub(crate) fn answer(plane: &Plane, nonce: Bytes) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        type_url: plane.type_url.to_owned(),
        response_nonce: String::from_utf8(nonce.to_vec()).expect("a nonce"),
        ..DeltaDiscoveryRequest::default()
    }
}

pub(crate) async fn connect(plane: &Plane) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", plane.xds)).expect("an address");
    let endpoint = endpoint.initial_connection_window_size(8 << 20).initial_stream_window_size(1 << 20);
    endpoint.tcp_nodelay(true).connect().await.expect("a connection")
}

/// What the control plane serves.
pub struct Held {
    pub resources: u64,
    pub(crate) subscription: Bytes,
}

impl Held {
    /// Reads it with a stream of its own.
    pub async fn read(plane: &Plane) -> Self {
        let mut client = tonic::client::Grpc::new(connect(plane).await).max_decoding_message_size(usize::MAX);
        client.ready().await.expect("a connection");
        let (requests, outgoing) = mpsc::channel(4);
        requests.send(subscription(plane, BTreeMap::new())).await.expect("a stream");
        let outgoing = Request::new(tokio_stream(outgoing));
        let mut responses =
            client.streaming(outgoing, PathAndQuery::from_static(PATH), Raw).await.expect("a stream").into_inner();
        let mut held = BTreeMap::new();
        while held.len() < plane.resources {
            let message = responses.message().await.expect("a response").expect("no end");
            let response = DeltaDiscoveryResponse::decode(message).expect("a response");
            held.extend(response.resources.into_iter().map(|resource| (resource.name, resource.version)));
            requests.send(answer(plane, response.nonce.into()).encode_to_vec().into()).await.expect("a stream");
        }
        Self { resources: held.len() as u64, subscription: subscription(plane, held) }
    }
}

/// Many streams.
pub struct Fleet {
    _streams: JoinSet<()>,
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
        let mut channels = Vec::new();
        for _ in 0..connections {
            channels.push(connect(plane).await);
        }
        let mut tasks = JoinSet::new();
        for number in 0..streams {
            let channel = channels[number % connections].clone();
            let (counts, subscription) = (counts.clone(), subscription.clone());
            let type_url = plane.type_url;
            tasks.spawn(stream(number, channel, counts, subscription, type_url));
        }
        Self { _streams: tasks, counts }
    }

    /// The fewest responses that a stream has.
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

async fn stream(number: usize, channel: Channel, counts: Arc<Counts>, first: Bytes, type_url: &'static str) {
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(usize::MAX);
    client.ready().await.expect("a connection");
    let (requests, outgoing) = mpsc::channel(4);
    requests.send(first).await.expect("a stream");
    let outgoing = Request::new(tokio_stream(outgoing));
    let mut responses =
        client.streaming(outgoing, PathAndQuery::from_static(PATH), Raw).await.expect("a stream").into_inner();
    while let Some(message) = responses.message().await.expect("a response") {
        let (nonce, resources) = skim(message);
        let answer = DeltaDiscoveryRequest {
            type_url: type_url.to_owned(),
            response_nonce: String::from_utf8(nonce.to_vec()).expect("a nonce"),
            ..DeltaDiscoveryRequest::default()
        };
        requests.send(answer.encode_to_vec().into()).await.expect("a stream");
        let count = &counts.streams[number];
        count.resources.fetch_add(resources, Ordering::Relaxed);
        count.responses.fetch_add(1, Ordering::Relaxed);
        counts.changed.notify_one();
    }
}

/// What is sent to it, as a stream.
pub(crate) fn tokio_stream(mut receiver: mpsc::Receiver<Bytes>) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    futures::stream::poll_fn(move |context| receiver.poll_recv(context))
}
