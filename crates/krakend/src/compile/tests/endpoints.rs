//! Endpoints, and what their backends are asked.

use backstay_proto::config::admission::{Kind as Admits, Names};
use backstay_proto::config::call::{Decoder, Failure};
use backstay_proto::config::compose::{Flow, MergeOrder};
use backstay_proto::config::composed_output::Encoding;
use backstay_proto::config::pattern_segment::Kind as Segment;

use super::*;

fn listed(names: &[&str]) -> Option<config::Admission> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Some(config::Admission { kind: Some(Admits::Listed(Names { names })) })
}

fn pattern(call: &config::Call) -> Vec<Segment> {
    call.pattern.iter().map(|segment| segment.kind.clone().unwrap()).collect()
}

#[test]
fn an_endpoint_has_the_defaults_of_krakend() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a/{id}", "backend": [{"host": ["http://h"], "url_pattern": "/v/{id}?q=1"}]}"#,
    ));
    let compose = compose(&made, "GET /a/:id");
    assert_eq!(compose.timeout, Some(prost_types::Duration { seconds: 2, nanos: 0 }));
    assert_eq!(compose.headers, listed(&["content-type"]));
    assert_eq!(compose.query, listed(&[]));
    assert_eq!(compose.product, "KrakenD Version 2.13");
    let output = compose.output.as_ref().unwrap();
    assert_eq!(output.encoding(), Encoding::Json);
    assert_eq!(output.headers, [config::ResponseField { name: "X-Krakend".into(), value: "Version 2.13".into() }]);
    assert_eq!(
        (output.completed_header.as_str(), output.cache, output.error_messages),
        ("X-Krakend-Completed", None, false)
    );
    let [call] = compose.calls.as_slice() else { panic!("one call") };
    assert_eq!((call.method.as_str(), call.decoder(), call.failure()), ("GET", Decoder::Json, Failure::Plain));
    assert_eq!((call.copies, call.redirects, call.required), (0, 10, false));
    let expected = [Segment::Literal("/v/".into()), Segment::Parameter("id".into()), Segment::Literal("?q=1".into())];
    assert_eq!(pattern(call), expected);
}

#[test]
fn what_a_backend_makes_of_its_answer_is_in_its_call() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a", "method": "POST", "concurrent_calls": 3, "input_headers": ["X-b", "Content-Type", "x-B"],
            "input_query_strings": ["*"], "cache_ttl": "90s",
            "backend": [
              {"host": ["h"], "method": "put", "encoding": "xml", "is_collection": true, "target": "a.b", "allow": ["x.y", "z"],
               "mapping": {"x": "n"}, "group": "g", "input_headers": ["X-B"], "input_query_strings": ["p"],
               "extra_config": {"backend/http": {"return_error_details": "one"}, "backstay": {"required": true, "list_targets": true, "pass_status": true}}},
              {"host": ["h"], "encoding": "string", "deny": ["k"], "extra_config": {"backend/http": {"return_error_code": true}}},
              {"host": ["h"], "extra_config": {"proxy": {"shadow": true, "shadow_timeout": "7s"}, "backstay": {"pass_status": true}}}
            ]}"#,
    ));
    let compose = compose(&made, "POST /a");
    assert_eq!(compose.headers, listed(&["content-type", "x-b"]));
    assert_eq!(compose.query, Some(config::Admission { kind: Some(Admits::All(true)) }));
    assert_eq!(compose.output.as_ref().unwrap().cache, Some(prost_types::Duration { seconds: 90, nanos: 0 }));
    let [one, two, three] = compose.calls.as_slice() else { panic!("three calls") };
    assert_eq!((one.method.as_str(), one.decoder(), one.target.join(".")), ("PUT", Decoder::XmlList, "a.b".to_owned()));
    let allowed: Vec<_> = one.allow.as_ref().unwrap().paths.iter().map(|path| path.names.join("/")).collect();
    assert_eq!(allowed, ["x/y", "z"]);
    assert_eq!((one.mapping["x"].as_str(), one.group.as_str(), one.copies), ("n", "g", 3));
    assert_eq!((one.failure(), one.failure_name.as_str()), (Failure::Details, "one"));
    assert_eq!((one.headers.clone(), one.query.clone()), (listed(&["x-b"]), listed(&["p"])));
    assert!(one.required && one.list_targets && !two.required);
    assert_eq!((two.method.as_str(), two.decoder(), two.failure()), ("POST", Decoder::Text, Failure::Status));
    assert_eq!(two.deny.as_ref().unwrap().paths.len(), 1);
    assert_eq!(three.failure(), Failure::PassedOn);
    assert_eq!(three.shadow_timeout, Some(prost_types::Duration { seconds: 7, nanos: 0 }));
    let names: Vec<_> = compose.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["POST /a 0", "POST /a 1", "POST /a 2"]);
}

#[test]
fn a_sequence_refers_to_answers_that_are_there() {
    let (made, _) = compiled(
        &with_endpoints(
            r#"{"endpoint": "/a", "extra_config": {"proxy": {"sequential": true, "sequential_propagated_params": ["resp0_a.b"]}},
            "backend": [
              {"host": ["h"], "url_pattern": "/one"},
              {"host": ["h"], "url_pattern": "/two/{resp0_user.id}/{resp1_x}"}
            ]}"#,
        ),
        Files::Unknown,
    );
    let made = made.unwrap();
    let compose = compose(&made, "GET /a");
    assert_eq!(compose.flow(), Flow::Sequential);
    assert_eq!(compose.propagated, [config::Reference { call: 0, path: vec!["a".into(), "b".into()] }]);
    let found = pattern(&compose.calls[1]);
    let reference = config::Reference { call: 0, path: vec!["user".into(), "id".into()] };
    let expected = [
        Segment::Literal("/two/".into()),
        Segment::Reference(reference),
        Segment::Literal("/".into()),
        Segment::Literal("{{.Resp1_x}}".into()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn references_count_the_calls_whose_answers_count() {
    let (made, _) = compiled(
        &with_endpoints(
            r#"{"endpoint": "/a", "extra_config": {"proxy": {"sequential": true}}, "backend": [
              {"host": ["h"], "extra_config": {"proxy": {"shadow": true}}},
              {"host": ["h"], "url_pattern": "/one"},
              {"host": ["h"], "url_pattern": "/{resp0_a}"}
            ]}"#,
        ),
        Files::Unknown,
    );
    let made = made.unwrap();
    let call = &compose(&made, "GET /a").calls[2];
    assert!(matches!(&pattern(call)[1], Segment::Reference(reference) if reference.call == 0));
}

#[test]
fn static_data_has_the_numbers_of_go_and_operations_their_order() {
    let made = sound(&with_endpoints(
        r#"{"endpoint": "/a", "extra_config": {"backstay": {"merge_order": "arrival", "debug_header": "X-Calls"}, "proxy": {
              "static": {"strategy": "incomplete", "data": {"a": 1.0, "b": [1e3, null]}},
              "flatmap_filter": [{"type": "move", "args": ["a.*.b", "c"]}, {"type": "del", "args": ["x", "y"]}]}},
            "backend": [{"host": ["h"]}, {"host": ["h"]}]}"#,
    ));
    let compose = compose(&made, "GET /a");
    let fixed = compose.fixed.as_ref().unwrap();
    assert_eq!(fixed.json, r#"{"a":1,"b":[1000,null]}"#);
    assert_eq!(fixed.when(), config::fixed_data::When::Incomplete);
    assert_eq!(compose.operations.len(), 2);
    assert_eq!((compose.merge_order(), compose.debug_header.as_str()), (MergeOrder::Arrival, "X-Calls"));
}

#[test]
fn an_endpoint_with_nothing_but_shadows_answers_500() {
    let (made, _) = compiled(
        &with_endpoints(
            r#"{"endpoint": "/a", "backend": [{"host": ["h"], "extra_config": {"proxy": {"shadow": true}}}]}"#,
        ),
        Files::Unknown,
    );
    let made = made.unwrap();
    assert!(matches!(&rule(&made, "GET /a").action, Some(Action::Respond(respond)) if respond.status == 500));
}

#[test]
fn mistakes_in_settings_of_our_own_are_errors() {
    for (extra, problem) in [
        (r#"{"required": true}"#, "extra_config.backstay.required: it belongs to a backend"),
        (r#"{"merge_order": "random"}"#, "\"random\" is no order of merging: there are listed and arrival"),
        (r#"{"debug_heade": "X"}"#, "there is no such option: did you mean debug_header?"),
        (r#"{"debug_header": "a b"}"#, "\"a b\" is no name of a header"),
    ] {
        let text =
            format!(r#"{{"endpoint": "/a", "extra_config": {{"backstay": {extra}}}, "backend": [{{"host": "h"}}]}}"#);
        let said = said(&with_endpoints(&text));
        assert!(said.iter().any(|line| line.contains("error") && line.contains(problem)), "{said:?}");
    }
}
