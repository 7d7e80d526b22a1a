use backstay_proto::discovery::DeltaDiscoveryRequest;
use bytes::Bytes;
use prost::Message;

use super::Held;
use crate::Variant;
use crate::server::demand::{Demand, Wants};

/// What is read of an encoded request.
fn read(encoded: Vec<u8>) -> Held {
    let demand = Demand::decode(Bytes::from(encoded), Variant::Incremental).unwrap();
    let Wants::Change { held, .. } = demand.wants else { panic!("no demand") };
    held
}

fn told(held: &Held) -> Vec<(&str, &str)> {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    held.iter().map(|(name, version)| (text(name), text(version))).collect()
}

#[test]
fn what_is_held_is_read_in_the_order_of_names() {
    let held = [("b", "2"), ("a", "1"), ("", "3")].map(|(name, version)| (name.to_owned(), version.to_owned()));
    let request = DeltaDiscoveryRequest { initial_resource_versions: held.clone().into(), ..Default::default() };
    let read = read(request.encode_to_vec());
    assert_eq!(told(&read), [("", "3"), ("a", "1"), ("b", "2")]);
    assert_eq!(read, held.into_iter().collect());
    assert!(read.contains("a") && !read.contains("c") && !read.is_empty());
    assert_eq!((read.bytes(), read.longest()), (5, 1));
}

#[test]
fn names_may_come_in_any_order_and_of_two_the_last_counts() {
    let one = |name: &str, version: &str| {
        let held = [(name.to_owned(), version.to_owned())].into();
        DeltaDiscoveryRequest { initial_resource_versions: held, ..Default::default() }.encode_to_vec()
    };
    // Encoded messages one after another are one message.
    let read = read([one("c", "1"), one("a", "1"), one("c", "2"), one("b", "1"), one("a", "2")].concat());
    assert_eq!(told(&read), [("a", "2"), ("b", "1"), ("c", "2")]);
}

#[test]
fn what_is_no_map_of_strings_is_refused() {
    for entry in [&b"\x0a\x01\xff"[..], b"\x0a\x05a", b"\x08\x01", b"\xff"] {
        assert!(Held::of_entries(vec![Bytes::copy_from_slice(entry)]).is_err(), "{entry:?}");
    }
    let unknown = Bytes::from_static(b"\x0a\x01a\x18\x01");
    assert!(Held::of_entries(vec![unknown]).is_ok(), "a field that is not known is passed over");
}
