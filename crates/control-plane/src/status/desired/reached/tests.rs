use std::sync::Arc;

use backstay_compiler::{ListenerReport, ObjectKey, ObjectStatus, Report};
use backstay_resources::Timestamp;
use backstay_resources::gateway::GATEWAY;
use backstay_xds::server::StreamId;
use serde_json::json;

use super::*;
use crate::tracker::{Refusal, Stream, Subscription};

const HTTP: &str = "listener/n/web/http";
const TYPE: &str = "type";

fn accepted() -> Condition {
    let message = String::new();
    Condition { kind: "Accepted", status: ConditionStatus::True, reason: "Accepted", message, since: None, until: None }
}

fn key() -> ObjectKey {
    ObjectKey::new(&GATEWAY, "n", "web")
}

/// A tracker that knows a Gateway with these addresses.
fn tracker(source: AddressSource, given: &[&str]) -> Tracker {
    let program = |resource| (Arc::from("default"), resource);
    let programs: Vec<_> = match given {
        [] => vec![program(HTTP.into())],
        given => given.iter().map(|address| program(resource(address))).collect(),
    };
    let asked = GatewayAddresses {
        fleet: "default".into(),
        source,
        given: given
            .iter()
            .zip(&programs)
            .map(|(address, program)| ((*address).to_owned(), vec![program.clone()]))
            .collect(),
    };
    let listener = ListenerReport {
        name: "http".to_owned(),
        supported_kinds: Vec::new(),
        attached_routes: 0,
        conditions: vec![accepted()],
        programs: programs.clone(),
    };
    let report = Report::of_gateway(vec![accepted()], vec![listener], Some(asked));
    let mut tracker = Tracker::default();
    tracker.reported(ObjectStatus { key: key(), generation: 1, report: report.into(), programs });
    tracker
}

fn resource(address: &str) -> Arc<str> {
    format!("{HTTP}@{address}").into()
}

fn connect(tracker: &mut Tracker, number: u64, fleet: &str, address: &str) -> StreamId {
    let id = StreamId(number);
    let stream = Stream {
        replica: None,
        fleet: fleet.into(),
        node_id: format!("proxy-{number}"),
        address: address.to_owned(),
        version: String::new(),
        connected: Timestamp::from_second(1),
        types: [(Arc::from(TYPE), Subscription::default())].into(),
    };
    tracker.opened(id, stream);
    id
}

fn refuse(tracker: &mut Tracker, id: StreamId, address: &str, field: &str) {
    let refusal = Refusal { version: "v".into(), field: field.to_owned(), message: "it cannot be bound".to_owned() };
    tracker.refused(id, &TYPE.into(), resource(address), refusal);
}

/// The addresses of the status, and reason of its `Programmed` if it is about them.
fn seen(tracker: &Tracker, old: &Value) -> (Vec<String>, String) {
    let status = super::super::status(tracker, &key(), old, Timestamp::from_second(1)).unwrap();
    let addresses = status["addresses"].as_array().unwrap().iter();
    let conditions = status["conditions"].as_array().unwrap();
    let programmed = conditions.iter().find(|found| found["type"] == PROGRAMMED).unwrap();
    let reason = programmed["reason"].as_str().unwrap().to_owned();
    assert!(!reason.starts_with("Address") || programmed["status"] == "False");
    (addresses.map(|address| address["value"].as_str().unwrap().to_owned()).collect(), reason)
}

#[test]
fn a_gateway_without_addresses_is_reached_where_its_proxies_are() {
    let mut tracker = tracker(AddressSource::Proxies, &[]);
    let before = json!({"addresses": [{"type": "IPAddress", "value": "10.9.9.9"}]});
    assert_eq!(seen(&tracker, &json!({})).0, Vec::<String>::new());
    assert_eq!(seen(&tracker, &before).0, ["10.9.9.9"], "nobody has said otherwise since");
    tracker.take_dirty(Timestamp::from_second(1));
    let one = connect(&mut tracker, 1, "default", "10.0.0.2:41000");
    assert!(tracker.take_dirty(Timestamp::from_second(1)).contains(&key()));
    connect(&mut tracker, 2, "default", "[::ffff:10.0.0.1]:41000");
    connect(&mut tracker, 3, "default", "10.0.0.1:41001");
    assert!(tracker.take_dirty(Timestamp::from_second(1)).contains(&key()));
    connect(&mut tracker, 4, "other", "10.0.0.3:41000");
    assert!(!tracker.take_dirty(Timestamp::from_second(1)).contains(&key()));
    assert_eq!(seen(&tracker, &before).0, ["10.0.0.1", "10.0.0.2"]);
    tracker.closed(one);
    assert!(tracker.take_dirty(Timestamp::from_second(1)).contains(&key()));
    assert_eq!(seen(&tracker, &before).0, ["10.0.0.1"]);
}

#[test]
fn an_address_without_a_value_is_assigned_or_said_not_to_be() {
    let not = |reason: &str| (Vec::<String>::new(), reason.to_owned());
    let mut any = tracker(AddressSource::Assigned, &[]);
    assert_eq!(seen(&any, &json!({})), not("AddressNotAssigned"));
    connect(&mut any, 1, "default", "10.0.0.2:41000");
    connect(&mut any, 2, "default", "10.0.0.1:41000");
    let (addresses, reason) = seen(&any, &json!({}));
    assert_eq!(addresses, ["10.0.0.1"]);
    assert!(!reason.starts_with("Address"), "{reason}");

    let mut both = tracker(AddressSource::Unassignable(1), &["10.0.0.1"]);
    connect(&mut both, 1, "default", "10.0.0.2:41000");
    assert_eq!(seen(&both, &json!({})), (vec!["10.0.0.1".to_owned()], "AddressNotAssigned".to_owned()));
}

#[test]
fn an_address_that_cannot_be_bound_is_none_of_the_gateway() {
    let mut tracker = tracker(AddressSource::Spec, &["10.0.0.1", "192.0.2.1"]);
    let all = vec!["10.0.0.1".to_owned(), "192.0.2.1".to_owned()];
    assert_eq!(seen(&tracker, &json!({})).0, all);
    let id = connect(&mut tracker, 1, "default", "10.0.0.2:41000");
    refuse(&mut tracker, id, "192.0.2.1", "address");
    assert_eq!(seen(&tracker, &json!({})), (vec!["10.0.0.1".to_owned()], "AddressNotUsable".to_owned()));
    tracker.accepted(id, &TYPE.into(), std::iter::once(&resource("192.0.2.1")));
    assert_eq!(seen(&tracker, &json!({})).0, all);
    // A port that another program has says nothing of the address.
    refuse(&mut tracker, id, "192.0.2.1", "port");
    assert_eq!(seen(&tracker, &json!({})), (all, "Refused".to_owned()));
}
