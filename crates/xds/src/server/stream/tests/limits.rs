use backstay_proto::discovery::{DeltaDiscoveryRequest, Node};

use super::{Bench, put, request};
use crate::Snapshot;
use crate::server::{Demand, Options, Violation};

fn bench(change: impl FnOnce(&mut Options)) -> Bench {
    let mut options = Options::default();
    change(&mut options);
    Bench::with_options(Snapshot::empty().apply(1, super::TYPE, [put("a", "1")]), options)
}

fn of_type(type_url: &str) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest { type_url: type_url.to_owned(), ..request(&["a"], &[], &[]) }
}

#[test]
fn a_stream_begins_with_a_node_and_each_request_with_a_type() {
    let nobody = DeltaDiscoveryRequest { node: None, ..request(&[], &[], &[]) };
    let options = Options::default();
    assert_eq!(Demand::from(nobody).node(&options), Err(Violation::NoNode));
    assert_eq!(Demand::from(request(&[], &[], &[])).node(&options).unwrap().id, "node");
    assert_eq!(bench(|_| ()).request(of_type("")), Err(Violation::NoType));
}

#[test]
fn an_unknown_type_is_a_type_without_resources() {
    let mut bench = bench(|_| ());
    bench.request(of_type("type.example/Unknown")).unwrap();
    bench.request(request(&["a"], &[], &[])).unwrap();
    let types: Vec<_> = bench.responses.iter().map(|response| response.type_url.as_str()).collect();
    assert_eq!(types, ["type.example/Unknown", super::TYPE], "types do not wait for each other");
    assert_eq!(bench.responses[0].removed_resources, ["a"]);
    assert_eq!(bench.responses[1].resources[0].name, "a");
}

#[test]
fn the_number_of_types_is_limited() {
    let mut bench = bench(|options| options.max_types = 2);
    bench.request(of_type("type.example/1")).unwrap();
    bench.request(of_type("type.example/2")).unwrap();
    bench.request(of_type("type.example/1")).unwrap();
    assert_eq!(bench.request(of_type("type.example/3")), Err(Violation::TooManyTypes { limit: 2 }));
}

#[test]
fn subscriptions_are_limited_over_all_types_and_room_is_given_back() {
    let mut bench = bench(|options| options.max_subscriptions = 3);
    bench.request(of_type("type.example/1")).unwrap();
    bench.request(request(&["a", "b"], &[], &[])).unwrap();
    bench.request(request(&["c"], &["b"], &[])).unwrap();
    bench.request(request(&["a", "c"], &[], &[])).unwrap();
    let more = bench.request(request(&["d"], &[], &[]));
    assert_eq!(more, Err(Violation::TooManySubscriptions { limit: 3 }));
}

#[test]
fn long_names_are_refused_wherever_they_are() {
    let long = "x".repeat(11);
    let refused = Err(Violation::NameTooLong { length: 11, limit: 10 });
    let with = |change: &dyn Fn(&mut DeltaDiscoveryRequest)| {
        let mut request = DeltaDiscoveryRequest { type_url: "t".to_owned(), ..request(&[], &[], &[]) };
        change(&mut request);
        bench(|options| options.max_name_bytes = 10).request(request)
    };
    assert_eq!(with(&|_| ()), Ok(()));
    assert_eq!(with(&|request| request.type_url = long.clone()), refused);
    assert_eq!(with(&|request| request.resource_names_subscribe.push(long.clone())), refused);
    assert_eq!(with(&|request| request.resource_names_unsubscribe.push(long.clone())), refused);
    assert_eq!(with(&|request| drop(request.initial_resource_versions.insert(long.clone(), String::new()))), refused);
    assert_eq!(with(&|request| drop(request.initial_resource_versions.insert(String::new(), long.clone()))), refused);
}

#[test]
fn a_node_that_says_too_much_of_itself_is_refused() {
    let options = Options { max_name_bytes: 10, ..Options::default() };
    let long = "x".repeat(11);
    let nodes = [
        Node { id: long.clone(), ..Node::default() },
        Node { cluster: long.clone(), ..Node::default() },
        Node { user_agent_version: long, ..Node::default() },
    ];
    for node in nodes {
        let request = DeltaDiscoveryRequest { node: Some(node), ..request(&[], &[], &[]) };
        assert_eq!(Demand::from(request).node(&options), Err(Violation::NameTooLong { length: 11, limit: 10 }));
    }
}

#[test]
fn what_a_client_makes_the_server_remember_is_limited_in_bytes() {
    let refused = Err(Violation::TooManyBytes { limit: 100 });
    let name = "x".repeat(60);
    let limited = || bench(|options| options.max_subscription_bytes = 100);

    let mut subscribing = limited();
    subscribing.request(request(&[&name], &[], &[])).unwrap();
    subscribing.request(request(&["short"], &[&name], &[])).unwrap();
    subscribing.request(request(&[&name], &[], &[])).unwrap();
    assert_eq!(subscribing.request(request(&[&"y".repeat(60)], &[], &[])), refused);

    let held = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")];
    assert_eq!(limited().request(request(&[], &[], &held)), refused);
}

#[test]
fn names_let_go_under_a_wildcard_count_until_they_are_answered() {
    let mut bench = bench(|options| options.max_subscription_bytes = 100);
    let names = ["x".repeat(60), "y".repeat(60)];
    bench.request(request(&["*"], &[], &[])).unwrap();
    // The first response is in flight: nothing can be answered.
    bench.request(request(&[&names[0]], &[&names[0]], &[])).unwrap();
    let more = bench.request(request(&[&names[1]], &[&names[1]], &[]));
    assert_eq!(more, Err(Violation::TooManyBytes { limit: 100 }));
}

#[test]
fn names_let_go_under_a_wildcard_stop_counting_when_they_are_answered() {
    let mut bench = bench(|options| options.max_subscription_bytes = 100);
    bench.request(request(&["*"], &[], &[])).unwrap();
    for letter in ["x", "y", "z"] {
        let name = letter.repeat(60);
        bench.answer_last(None);
        bench.request(request(&[&name], &[&name], &[])).unwrap();
        assert_eq!(bench.responses.last().unwrap().removed_resources, [name]);
    }
}
