//! What is passed through directly is what the state machine would have made of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    CallPlan, Composition, Decoder, Filter, Flow, Head, Limits, MergeOrder, Output, Pattern, Request, RequestRules,
    Settings,
};

const NAMES: [&str; 9] = [
    "accept-encoding",
    "content-length",
    "content-type",
    "host",
    "range",
    "te",
    "user-agent",
    "x-a",
    "x-forwarded-for",
];

fn names() -> impl Strategy<Value = Vec<HeaderName>> {
    let names: Vec<_> = NAMES.iter().map(|name| HeaderName::from_static(name)).collect();
    proptest::sample::subsequence(names, 0..=NAMES.len())
}

fn filter() -> impl Strategy<Value = Filter> {
    prop_oneof![Just(Admission::All), names().prop_map(Admission::Listed)]
}

fn query_filter() -> impl Strategy<Value = Admission<String>> {
    let listed = proptest::sample::subsequence(vec!["a".to_owned(), "b".to_owned()], 0..=2);
    prop_oneof![Just(Admission::All), listed.prop_map(Admission::Listed)]
}

fn plan(rules: RequestRules, call: CallPlan) -> Plan {
    Plan::new(Settings {
        calls: vec![call],
        flow: Flow::Parallel,
        order: MergeOrder::Listed,
        timeout: Duration::from_secs(1),
        operations: None,
        fixed: None,
        request: rules,
        output: Output {
            encoder: Encoder::Opaque,
            headers: HeaderMap::from_iter([(HeaderName::from_static("x-made-by"), HeaderValue::from_static("test"))]),
            completed: Some(HeaderName::from_static("x-completed")),
            ..Output::default()
        },
        limits: Limits::default(),
    })
    .expect("a plan")
}

fn sorted(headers: &HeaderMap) -> Vec<(String, Vec<Bytes>)> {
    let values = |name: &HeaderName| headers.get_all(name).iter().map(|value| Bytes::copy_from_slice(value.as_bytes()));
    let mut all: Vec<_> = headers.keys().map(|name| (name.to_string(), values(name).collect())).collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn it_sends_and_says_what_the_state_machine_does(
        rules in (filter(), query_filter()),
        filters in (filter(), query_filter()),
        sent in proptest::collection::vec((0..NAMES.len(), "[a-z0-9]{1,3}"), 0..8),
        query in "([ab]=[a-z%+;]{0,2}&?){0,4}",
        pattern in prop_oneof![Just("/p"), Just("/p?x=1"), Just("/p/{id}"), Just("/p/{id}?q={other}")],
        id in "[a-z/?# %é]{0,4}",
        body in any::<bool>(),
        answered in proptest::collection::vec((0..3_usize, "[a-z]{1,3}"), 0..4),
    ) {
        let product = HeaderValue::from_static("product/1");
        let rules = RequestRules { headers: rules.0, query: rules.1, product };
        let call = CallPlan {
            headers: filters.0,
            query: filters.1,
            decoder: Decoder::Opaque,
            ..CallPlan::new(Method::POST, Pattern::parse(pattern))
        };
        let plan = Arc::new(plan(rules, call));
        let mut headers = HeaderMap::new();
        for (name, value) in &sent {
            headers.append(HeaderName::from_static(NAMES[*name]), value.parse().expect("a value"));
        }
        let presence = if body { RequestBody::Present } else { RequestBody::Empty };
        let client = HeaderValue::from_static("192.0.2.1");
        let host = HeaderValue::from_static("gateway.test");
        let request = Request {
            parameters: vec![("id".to_owned(), id.clone())],
            headers: headers.clone(),
            query: query.clone(),
            client: "192.0.2.1".to_owned(),
            host: host.clone(),
            body: presence,
        };
        let (mut composition, step) = Composition::start(Arc::clone(&plan), request);
        let only = plan.direct().expect("it is passed through");
        let parameters = [("id", id.as_str())];
        let asked = DirectRequest { parameters: &parameters, query: &query, client, host, body: presence };
        let direct = plan.admit(only, &mut headers, asked);
        let Some(made) = step.calls.first() else {
            prop_assert!(direct.is_err());
            return Ok(());
        };
        let direct = direct.expect("it is sent");
        let target = direct.target.clone().or_else(|| only.pattern.fixed_target());
        prop_assert_eq!(target.as_deref(), Some(made.target.as_str()));
        prop_assert_eq!(direct.body, made.body);
        prop_assert_eq!(direct.undo_gzip, made.undo_gzip);
        prop_assert_eq!(sorted(&headers), sorted(&made.headers));

        let mut answer = HeaderMap::new();
        for (name, value) in &answered {
            let name = ["x-made-by", "x-completed", "x-other"][*name];
            answer.append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        let head = Head { status: http::StatusCode::OK, headers: answer.clone(), url: String::new() };
        let response = composition.on_response(made.id, head, Bytes::new()).response.expect("a response");
        plan.add_fields(&mut answer);
        prop_assert_eq!(sorted(&answer), sorted(&response.headers));
    }
}
