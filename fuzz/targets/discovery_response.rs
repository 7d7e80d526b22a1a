//! A response as a control plane sends it, whole. Whatever comes, each resource of it is put in force or refused by name, and the
//! answer says which.

#![no_main]

use std::collections::{BTreeMap, HashSet};

use backstay_model::Resource;
use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::discovery::{DeltaDiscoveryResponse, Node};
use backstay_xds::client::{Received, Rejection, Session};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|input: &[u8]| {
    let Ok(mut response) = DeltaDiscoveryResponse::decode(input) else { return };
    response.type_url = RESOURCE_TYPE_URL.to_owned();
    let asked = response.resources.len();
    let (session, _) = Session::open(RESOURCE_TYPE_URL, Node::default(), BTreeMap::new());
    let Ok(Received::Apply(delivery)) = session.receive(response) else { return };
    assert!(delivery.updates.len() <= asked);
    let mut names = HashSet::new();
    let mut rejections = Vec::new();
    for update in &delivery.updates {
        assert!(names.insert(update.name.clone()), "no name comes twice");
        if let Err(faults) = Resource::decode(&update.name, update.value.clone()) {
            let (name, message) = (update.name.clone(), faults.to_string());
            rejections.push(Rejection { name, field: String::new(), message });
        }
    }
    let refused = !rejections.is_empty() || delivery.updates.len() < asked;
    let answer = delivery.acknowledgement.with(rejections);
    assert_eq!(answer.error_detail.is_some(), refused, "what is refused is said");
});
