//! What many streams send is encoded once, and not kept after the last of them.

use std::sync::Arc;

use super::{TYPE, put, request};
use crate::server::stream::{Output, Stream};
use crate::server::{Demand, Options, Response, StreamId};
use crate::{ResourceChange, Snapshot, Variant};

fn things(count: usize, value: &str) -> Vec<ResourceChange> {
    (0..count).map(|number| put(&format!("thing-{number:04}"), value)).collect()
}

fn open(id: u64, variant: Variant, snapshot: &Snapshot) -> (Stream, Response) {
    let mut stream = Stream::new(StreamId(id), variant, Arc::new(Options::default()), snapshot.clone());
    let first = match variant {
        Variant::Incremental => Demand::from(request(&[], &[], &[])),
        Variant::StateOfTheWorld => Demand::from(backstay_proto::discovery::DiscoveryRequest {
            type_url: TYPE.to_owned(),
            ..Default::default()
        }),
    };
    stream.request(first).unwrap();
    let response = next(&mut stream);
    (stream, response)
}

fn next(stream: &mut Stream) -> Response {
    loop {
        match stream.output().expect("a response") {
            Output::Response(response, _) => return response,
            Output::Event(_) => {}
        }
    }
}

/// The client takes what it was sent, and is sent what is new.
fn go_on(stream: &mut Stream, last: &Response, snapshot: &Snapshot) -> Response {
    stream
        .request(backstay_proto::discovery::DeltaDiscoveryRequest {
            type_url: TYPE.to_owned(),
            response_nonce: last.nonce.to_string(),
            ..Default::default()
        })
        .unwrap();
    stream.snapshot(snapshot.clone());
    next(stream)
}

fn is_one(first: &Response, other: &Response) -> bool {
    assert_eq!(first.body, other.body);
    std::ptr::eq(first.body.as_ptr(), other.body.as_ptr())
}

#[test]
fn a_whole_state_is_encoded_once_however_small_it_is() {
    let snapshot = Snapshot::empty().apply(1, TYPE, things(20, "value"));
    for variant in [Variant::Incremental, Variant::StateOfTheWorld] {
        let ((_one, first), (_other, second)) = (open(1, variant, &snapshot), open(2, variant, &snapshot));
        assert!(is_one(&first, &second), "{variant:?}");
    }
}

#[test]
fn what_many_streams_are_told_of_a_large_change_is_encoded_once() {
    let before = Snapshot::empty().apply(1, TYPE, things(200, "value"));
    let after = before.apply(2, TYPE, things(150, &"another value".repeat(100)));
    let [first, second] = [1, 2].map(|id| {
        let (mut stream, response) = open(id, Variant::Incremental, &before);
        let response = go_on(&mut stream, &response, &after);
        (stream, response)
    });
    assert!(first.1.body.len() > 150_000, "{}", first.1.body.len());
    assert!(is_one(&first.1, &second.1));
}

#[test]
fn nothing_is_kept_of_a_large_change_once_all_have_answered() {
    let before = Snapshot::empty().apply(1, TYPE, things(200, "value"));
    let after = before.apply(2, TYPE, things(150, &"another value".repeat(100)));
    let last = after.apply(3, TYPE, [put("thing-0000", "last")]);
    let (mut stream, response) = open(1, Variant::Incremental, &before);
    let response = go_on(&mut stream, &response, &after);
    let body = response.body.clone();
    go_on(&mut stream, &response, &last);
    drop(response);
    assert!(body.is_unique(), "the stream has let go of it, and the snapshot does not keep it");
}
