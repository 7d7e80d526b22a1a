use std::collections::VecDeque;
use std::convert::Infallible;

use backstay_proto::discovery::{DeltaDiscoveryRequest, DiscoveryRequest, Node};
use futures::FutureExt as _;
use futures::future::poll_fn;
use http_body::Frame;
use prost::Message;

use super::*;

/// A body of these frames, which ends after them.
struct Frames(VecDeque<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }
}

const LIMIT: usize = 4000;

fn requests(variant: Variant, frames: impl IntoIterator<Item = Vec<u8>>) -> Requests {
    let frames = frames.into_iter().map(Bytes::from).collect();
    Requests::new(Body::new(Frames(frames)), variant, None, LIMIT)
}

/// All requests, by their nonces, and how it ended.
fn read(mut requests: Requests) -> (Vec<String>, Result<(), Status>) {
    let mut nonces = Vec::new();
    loop {
        let next = poll_fn(|context| requests.poll(context)).now_or_never().expect("frames are there");
        match next {
            Ok(Some(demand)) => nonces.push(demand.nonce),
            Ok(None) => return (nonces, Ok(())),
            Err(status) => return (nonces, Err(status)),
        }
    }
}

fn framed(message: &impl Message) -> Vec<u8> {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], &encoded].concat()
}

fn delta(nonce: &str) -> DeltaDiscoveryRequest {
    let node = Some(Node { id: "node".repeat(30), ..Node::default() });
    DeltaDiscoveryRequest { node, type_url: "type".to_owned(), response_nonce: nonce.to_owned(), ..Default::default() }
}

#[test]
fn requests_may_arrive_in_any_pieces() {
    let whole = ["a", "b", "c"].map(|nonce| framed(&delta(nonce))).concat();
    for length in (1..40).chain([whole.len() / 2, whole.len() - 1, whole.len()]) {
        let pieces = whole.chunks(length).map(<[u8]>::to_vec);
        let (nonces, end) = read(requests(Variant::Incremental, pieces));
        assert_eq!(nonces, ["a", "b", "c"], "pieces of {length}");
        assert!(end.is_ok());
    }
    let world = DiscoveryRequest { response_nonce: "a".to_owned(), ..DiscoveryRequest::default() };
    assert_eq!(read(requests(Variant::StateOfTheWorld, [framed(&world)])).0, ["a"]);
}

#[test]
fn what_is_no_request_is_said_to_be_unreadable() {
    let whole = framed(&delta("a"));
    let cut = whole[..whole.len() - 1].to_vec();
    let compressed = [&[1], &whole[1..]].concat();
    let long = framed(&delta(&"a".repeat(LIMIT)));
    let garbage = vec![0, 0, 0, 0, 2, 0x12, 5];
    let text = vec![0, 0, 0, 0, 3, 0x12, 1, 0xff];
    let cases = [
        (cut, "cut off"),
        (compressed, "compressed"),
        (long, "the limit is 4000"),
        (garbage, "longer than its message"),
        (text, "not UTF-8"),
        (vec![0, 0, 0, 0, 1, 0xff], "varint"),
        (vec![0, 0, 0, 0, 2, 0x10, 1], "wire type"),
    ];
    for (bytes, words) in cases {
        let (nonces, end) = read(requests(Variant::Incremental, [framed(&delta("before")), bytes]));
        assert_eq!(nonces, ["before"]);
        let status = end.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains(words), "{words}: {status:?}");
    }
}

#[test]
fn the_first_words_of_a_message_that_is_too_long_are_enough_to_refuse_it() {
    let frame = vec![0, 0xff, 0xff, 0xff, 0xff];
    assert!(read(requests(Variant::Incremental, [frame])).1.unwrap_err().message().contains("the limit is 4000"));
}

#[test]
fn a_request_is_read_as_prost_reads_it() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let request = DeltaDiscoveryRequest {
        resource_names_subscribe: names(&["a", "b"]),
        resource_names_unsubscribe: names(&["c"]),
        initial_resource_versions: [("d".to_owned(), "1".to_owned())].into(),
        error_detail: Some(backstay_proto::discovery::Status {
            code: 3,
            message: "no".to_owned(),
            details: Vec::new(),
        }),
        ..delta("nonce")
    };
    // What is not known is passed over.
    let encoded = [&request.encode_to_vec()[..], &[0x78, 1]].concat();
    let read = Demand::decode(encoded.into(), Variant::Incremental).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", Demand::from(request)));
}
