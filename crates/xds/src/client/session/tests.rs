use std::collections::BTreeMap;

use backstay_proto::discovery::{Any, DeltaDiscoveryResponse, Node, Resource};
use bytes::Bytes;

use super::{Delivery, Received, Session, Update};
use crate::client::Rejection;
use crate::refusal;

const TYPE: &str = "type.example/Thing";

fn session() -> Session {
    Session::open(TYPE, Node::default(), BTreeMap::new()).0
}

fn resource(name: &str) -> Resource {
    let value = Bytes::copy_from_slice(name.as_bytes());
    let any = Any { type_url: TYPE.to_owned(), value };
    Resource { name: name.to_owned(), version: format!("v-{name}"), resource: Some(any) }
}

fn response(resources: Vec<Resource>, removed: &[&str]) -> DeltaDiscoveryResponse {
    DeltaDiscoveryResponse {
        type_url: TYPE.to_owned(),
        nonce: "n".to_owned(),
        resources,
        removed_resources: removed.iter().map(|&name| name.to_owned()).collect(),
        ..DeltaDiscoveryResponse::default()
    }
}

fn delivery(response: DeltaDiscoveryResponse) -> Delivery {
    match session().receive(response).unwrap() {
        Received::Apply(delivery) => delivery,
        Received::Refuse(request) => panic!("{request:?}"),
    }
}

fn rejection(name: &str, field: &str, message: &str) -> Rejection {
    Rejection { name: name.into(), field: field.to_owned(), message: message.to_owned() }
}

#[test]
fn the_first_request_subscribes_to_everything_and_says_what_is_held() {
    let node = Node { id: "proxy-1".to_owned(), cluster: "edge".to_owned(), ..Node::default() };
    let held = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    let (_, request) = Session::open(TYPE, node.clone(), held);
    assert_eq!((request.node, request.type_url.as_str()), (Some(node), TYPE));
    assert!(request.resource_names_subscribe.is_empty() && request.resource_names_unsubscribe.is_empty());
    let held = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    assert_eq!(request.initial_resource_versions, held);
    assert!(request.response_nonce.is_empty());
}

#[test]
fn a_response_is_delivered_whole_and_acknowledged() {
    let Delivery { updates, removed, acknowledgement } = delivery(response(vec![resource("a"), resource("b")], &["c"]));
    let update = |name: &'static str| Update {
        name: name.into(),
        version: format!("v-{name}").into(),
        value: Bytes::from_static(name.as_bytes()),
    };
    assert_eq!(updates, [update("a"), update("b")]);
    assert_eq!(removed, ["c".into()]);
    let request = acknowledgement.with(Vec::new());
    assert_eq!((request.type_url.as_str(), request.response_nonce.as_str()), (TYPE, "n"));
    assert_eq!(request.error_detail, None);
    assert_eq!((request.node, request.initial_resource_versions.len()), (None, 0));
}

#[test]
fn rejections_name_resource_version_and_field() {
    let acknowledgement = delivery(response(vec![resource("a"), resource("b"), resource("c")], &[])).acknowledgement;
    let request = acknowledgement.with(vec![rejection("b", "tls.sni", "is empty"), rejection("c", "", "no")]);
    let error = request.error_detail.unwrap();
    assert_eq!((error.code, error.message.as_str()), (3, "b: tls.sni: is empty; c: no"));
    let details = refusal::rejections(&error.details).unwrap();
    let details: Vec<_> = details.iter().map(|r| (&*r.name, &*r.version, &*r.field, &*r.message)).collect();
    assert_eq!(details, [("b", "v-b", "tls.sni", "is empty"), ("c", "v-c", "", "no")]);
}

#[test]
fn a_resource_may_have_several_faults() {
    let acknowledgement = delivery(response(vec![resource("a"), resource("b")], &[])).acknowledgement;
    let faults = vec![rejection("b", "port", "is 0"), rejection("b", "address", "is none")];
    let error = acknowledgement.with(faults).error_detail.unwrap();
    assert_eq!(error.message, "b: port: is 0; b: address: is none");
    let details = refusal::rejections(&error.details).unwrap();
    let details: Vec<_> = details.iter().map(|r| (&*r.name, &*r.version, &*r.field)).collect();
    assert_eq!(details, [("b", "v-b", "port"), ("b", "v-b", "address")]);
}

#[test]
fn many_rejections_are_all_in_the_details_and_counted_in_the_message() {
    let names: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
    let acknowledgement = delivery(response(names.iter().map(|name| resource(name)).collect(), &[])).acknowledgement;
    let error =
        acknowledgement.with(names.iter().map(|name| rejection(name, "", "no")).collect()).error_detail.unwrap();
    assert!(error.message.ends_with("; and 12 more"), "{}", error.message);
    assert_eq!(refusal::rejections(&error.details).unwrap().len(), 20);
}

#[test]
fn a_rejection_of_something_that_was_not_offered_rejects_nothing() {
    let acknowledgement = delivery(response(vec![resource("a")], &["b"])).acknowledgement;
    let request = acknowledgement.with(vec![rejection("b", "", "no"), rejection("z", "", "no")]);
    assert_eq!(request.error_detail, None);
}

#[test]
fn a_resource_that_cannot_be_read_is_refused_and_the_others_are_delivered() {
    let empty = Resource { resource: None, ..resource("empty") };
    let foreign = Any { type_url: "type.example/Foreign".to_owned(), value: Bytes::new() };
    let foreign = Resource { resource: Some(foreign), ..resource("foreign") };
    let Delivery { updates, acknowledgement, .. } = delivery(response(vec![empty, resource("a"), foreign], &[]));
    assert_eq!(updates.iter().map(|update| &*update.name).collect::<Vec<_>>(), ["a"]);
    let error = acknowledgement.with(vec![rejection("a", "", "no")]).error_detail.unwrap();
    let details = refusal::rejections(&error.details).unwrap();
    let names: Vec<_> = details.iter().map(|rejection| (&*rejection.name, &*rejection.version)).collect();
    assert_eq!(names, [("empty", "v-empty"), ("foreign", "v-foreign"), ("a", "v-a")]);
}

#[test]
fn a_response_that_contradicts_itself_is_refused_as_a_whole() {
    let cases = [
        (response(vec![resource("a"), resource("a")], &[]), "resource \"a\" occurs more than once"),
        (response(vec![resource("a")], &["a"]), "resource \"a\" occurs more than once"),
        (response(Vec::new(), &["a", "a"]), "resource \"a\" occurs more than once"),
        (response(vec![resource("")], &[]), "a resource has no name"),
        (response(Vec::new(), &[""]), "a resource has no name"),
    ];
    for (response, message) in cases {
        let Received::Refuse(request) = session().receive(response).unwrap() else { panic!("{message}") };
        let error = request.error_detail.unwrap();
        assert_eq!((error.code, error.message.as_str(), error.details.len()), (3, message, 0));
        assert_eq!(request.response_nonce, "n");
    }
}

#[test]
fn a_response_of_another_type_cannot_be_answered() {
    let response = DeltaDiscoveryResponse { type_url: "type.example/Other".to_owned(), ..response(Vec::new(), &[]) };
    let error = session().receive(response).unwrap_err();
    assert!(error.to_string().contains("type.example/Other") && error.to_string().contains(TYPE), "{error}");
}
