//! What a control plane serves, read with a stream; and what is said on one.

use std::collections::BTreeMap;

use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node};
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use prost::Message;
use tokio::sync::mpsc;
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
pub(crate) fn skim(mut message: &[u8]) -> (&[u8], u64) {
    let (mut nonce, mut resources): (&[u8], u64) = (&[], 0);
    while !message.is_empty() {
        let key = prost::encoding::decode_varint(&mut message).expect("a key");
        let length = prost::encoding::decode_varint(&mut message).expect("a length");
        let (payload, rest) = message.split_at(usize::try_from(length).expect("a length"));
        message = rest;
        match key >> 3 {
            2 => resources += 1,
            5 => nonce = payload,
            _ => {}
        }
    }
    (nonce, resources)
}

pub(crate) fn subscription(plane: &Plane, held: BTreeMap<String, String>) -> Bytes {
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

async fn connect(plane: &Plane) -> Channel {
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

/// What is sent to it, as a stream.
pub(crate) fn tokio_stream(mut receiver: mpsc::Receiver<Bytes>) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    futures::stream::poll_fn(move |context| receiver.poll_recv(context))
}
