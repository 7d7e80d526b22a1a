//! What a client of a stream sees. Scripts for each rule are in `rules`, random histories in `model`.

mod events;
mod limits;
mod model;
mod order;
mod parts;
mod rules;
mod search;
mod shared;
mod world;

use std::sync::Arc;

use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node, Status};
use bytes::Bytes;

use super::{Output, Stream, Violation};
use crate::server::{Event, Options, StreamId};
use crate::{Resource, ResourceChange, Snapshot, Variant};

const TYPE: &str = "type.example/Thing";

fn put(name: &str, value: &str) -> ResourceChange {
    ResourceChange::Put(Resource::new(name, Bytes::copy_from_slice(value.as_bytes())))
}

fn remove(name: &str) -> ResourceChange {
    ResourceChange::Remove(name.into())
}

fn version(value: &str) -> String {
    Resource::new("", Bytes::copy_from_slice(value.as_bytes())).version().to_string()
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A request of [`TYPE`] that carries the node.
fn request(subscribe: &[&str], unsubscribe: &[&str], initial: &[(&str, &str)]) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        node: Some(Node { id: "node".to_owned(), ..Node::default() }),
        type_url: TYPE.to_owned(),
        resource_names_subscribe: strings(subscribe),
        resource_names_unsubscribe: strings(unsubscribe),
        initial_resource_versions: initial.iter().map(|&(name, value)| (name.to_owned(), version(value))).collect(),
        ..DeltaDiscoveryRequest::default()
    }
}

fn answer(response: &DeltaDiscoveryResponse, error_detail: Option<Status>) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        type_url: response.type_url.clone(),
        response_nonce: response.nonce.clone(),
        error_detail,
        ..DeltaDiscoveryRequest::default()
    }
}

fn nack(message: &str) -> Option<Status> {
    Some(Status { code: 3, message: message.to_owned(), details: Vec::new() })
}

/// What of a response the tests compare: names with their values, and removed names.
type Content = (Vec<(String, String)>, Vec<String>);

fn content(response: &DeltaDiscoveryResponse) -> Content {
    let resource = |resource: &backstay_proto::discovery::Resource| {
        let any = resource.resource.as_ref().unwrap();
        assert_eq!(any.type_url, response.type_url);
        let value = String::from_utf8(any.value.to_vec()).unwrap();
        assert_eq!(resource.version, version(&value));
        (resource.name.clone(), value)
    };
    (response.resources.iter().map(resource).collect(), response.removed_resources.clone())
}

/// A stream, the line of snapshots it is served from, and all that came out of it.
struct Bench {
    stream: Stream,
    snapshot: Snapshot,
    responses: Vec<DeltaDiscoveryResponse>,
    events: Vec<Event>,
}

impl Bench {
    fn new(snapshot: Snapshot) -> Self {
        Self::with_options(snapshot, Options::default())
    }

    fn with_options(snapshot: Snapshot, options: Options) -> Self {
        let stream = Stream::new(StreamId(1), Variant::Incremental, Arc::new(options), snapshot.clone());
        Self { stream, snapshot, responses: Vec::new(), events: Vec::new() }
    }

    fn request(&mut self, request: DeltaDiscoveryRequest) -> Result<(), Violation> {
        self.stream.request(request)?;
        self.drain();
        Ok(())
    }

    fn apply(&mut self, changes: impl IntoIterator<Item = ResourceChange>) {
        self.snapshot = self.snapshot.apply(self.snapshot.revision() + 1, TYPE, changes);
        self.stream.snapshot(self.snapshot.clone());
        self.drain();
    }

    fn answer_last(&mut self, error: Option<Status>) {
        let answer = answer(self.responses.last().unwrap(), error);
        self.request(answer).unwrap();
    }

    fn drain(&mut self) {
        while let Some(output) = self.stream.output() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Response(response, event) => {
                    self.events.push(event);
                    self.responses.push(response.incremental().unwrap());
                }
            }
        }
        assert!(!self.stream.is_ready());
    }
}

fn pairs(resources: &[(Arc<str>, Arc<str>)]) -> Vec<(String, String)> {
    resources.iter().map(|(name, version)| (name.to_string(), version.to_string())).collect()
}
