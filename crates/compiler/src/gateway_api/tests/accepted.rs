//! Everything that is compiled is what proxies accept: each resource that any test of the compiler sees goes through here.

use backstay_model::{Resource, ResourceName};
use backstay_proto::config;
use backstay_proto::config::resource::Kind;
use bytes::Bytes;
use prost::Message as _;

/// Holds a resource to what a proxy would say of it.
#[track_caller]
pub(super) fn check(name: &str, encoded: &Bytes) {
    if let Err(faults) = Resource::decode(name, encoded.clone()) {
        panic!("a proxy would refuse {name}: {faults}");
    }
    assert!(ResourceName::parse(name).is_some(), "{name} is not a name that the compiler gives");
}

fn listener(port: u32) -> Bytes {
    let protocol = config::listener::Protocol::Http.into();
    let listener = config::Listener { port, protocol, ..config::Listener::default() };
    config::Resource { kind: Some(Kind::Listener(listener)) }.encode_to_vec().into()
}

#[test]
fn what_a_proxy_would_accept_passes() {
    check("listener/n/g/l", &listener(80));
}

#[test]
#[should_panic(expected = "a proxy would refuse listener/n/g/l: port: must be from 1 to 65535")]
fn what_a_proxy_would_refuse_does_not() {
    check("listener/n/g/l", &listener(0));
}

#[test]
#[should_panic(expected = "listener/l is not a name")]
fn nor_does_a_name_without_its_segments() {
    check("listener/l", &listener(80));
}
