//! Answers to a response: decode, filter, merge and encode, by the engine and by `serde_json::Value` doing the same. What is
//! compared is checked to be equal first.
//!
//! `small`: one answer of 200 bytes as it is. `merged`: three answers, of which one has a target and is allowed in part, one is
//! renamed and denied in part, and one is a collection in a group. `large`: one answer of 65 KiB, as it is; `large-sorted`: the
//! same, as a server writes it that sorts names; `large-allowed`: a tenth of it is kept.

#![allow(clippy::expect_used)] // A benchmark that cannot run says so by ending.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use backstay_composition::*;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::header::HeaderValue;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

/// How many items make an answer of 65 KiB.
const LARGE: usize = 250;

fn call(path: &str, decoder: Decoder, pipeline: Pipeline) -> CallPlan {
    CallPlan { decoder, pipeline, ..CallPlan::new(Method::GET, Pattern::parse(path)) }
}

fn plan(calls: Vec<CallPlan>) -> Arc<Plan> {
    let settings = Settings {
        calls,
        flow: Flow::Parallel,
        order: MergeOrder::Listed,
        timeout: std::time::Duration::from_secs(2),
        operations: None,
        fixed: None,
        request: RequestRules::new(HeaderValue::from_static("bench")),
        output: Output::default(),
        limits: Limits::default(),
    };
    Arc::new(Plan::new(settings).expect("a plan"))
}

/// A whole composition, but for the network.
fn compose(plan: &Arc<Plan>, answers: &[Bytes]) -> Bytes {
    let request = Request {
        parameters: Vec::new(),
        headers: HeaderMap::new(),
        query: String::new(),
        client: "192.0.2.1".to_owned(),
        host: HeaderValue::from_static("a"),
        body: RequestBody::Empty,
    };
    let (mut composition, step) = Composition::start(plan.clone(), request);
    for (call, answer) in step.calls.iter().zip(answers) {
        let head = Head { status: StatusCode::OK, headers: HeaderMap::new(), url: String::new() };
        if let Some(response) = composition.on_response(call.id, head, answer.clone()).response
            && let ResponseBody::Full(body) = response.body
        {
            return body;
        }
    }
    unreachable!("every call has an answer")
}

/// Names in order, as the engine writes them: `Value` keeps them as they came.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.into_iter().collect();
            Value::Object(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn parse(answer: &Bytes) -> Value {
    serde_json::from_slice(answer).expect("JSON")
}

fn write(value: &Value) -> Bytes {
    serde_json::to_vec(value).expect("JSON").into()
}

fn item(at: usize) -> Value {
    json!({
        "id": at, "name": format!("item number {at}"), "price": at as f64 + 0.5, "available": at.is_multiple_of(2),
        "tags": ["red", "green", "blue"], "owner": {"first": "Ada", "last": "Lovelace", "address": {"zip": "12345", "city": "London"}},
        "description": "A thing of some use, with a text that is long enough to be one.", "none": null,
    })
}

fn pair(criterion: &mut Criterion, name: &str, bytes: usize, engine: impl Fn() -> Bytes, tree: impl Fn() -> Bytes) {
    assert_eq!(engine(), tree(), "{name}");
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("engine", |bencher| bencher.iter(|| black_box(engine())));
    group.bench_function("serde_json", |bencher| bencher.iter(|| black_box(tree())));
    group.finish();
}

fn small(criterion: &mut Criterion) {
    let plan = plan(vec![call("/a", Decoder::Json(Collection::No), Pipeline::default())]);
    let answer =
        write(&json!({"id": 7, "name": "Ada", "mail": "ada@example.com", "roles": ["admin", "author"], "seen": 1.5,
        "settings": {"theme": "dark", "language": "en", "beta": false}, "bio": "Wrote the first program."}));
    let answers = [answer.clone()];
    pair(criterion, "small", answer.len(), || compose(&plan, &answers), || write(&sorted(parse(&answer))));
}

fn merged(criterion: &mut Criterion) {
    let allow = Selection::Allow(Allow::new(["name", "owner.address.city", "tags"]));
    let deny = Selection::Deny(Deny::new(["description", "owner.address"]));
    let calls = vec![
        call(
            "/a",
            Decoder::Json(Collection::No),
            Pipeline::default()
                .with_target("data", ArrayTargets::Empty)
                .with_change(Change::Select(allow, Mapping::default())),
        ),
        call(
            "/b",
            Decoder::Json(Collection::No),
            Pipeline::default().with_change(Change::Select(deny, Mapping::new([("id", "number"), ("name", "title")]))),
        ),
        call("/c", Decoder::Json(Collection::Yes), Pipeline::default().with_group("posts")),
    ];
    let plan = plan(calls);
    let answers = [
        write(&json!({"meta": item(1), "data": item(2)})),
        write(&item(3)),
        write(&Value::Array((0..5).map(item).collect())),
    ];
    let tree = || {
        let mut out = serde_json::Map::new();
        let mut first = parse(&answers[0]);
        let data = first["data"].take();
        for name in ["name", "tags"] {
            out.insert(name.to_owned(), data[name].clone());
        }
        out.insert("owner".to_owned(), json!({"address": {"city": data["owner"]["address"]["city"]}}));
        let Value::Object(mut second) = parse(&answers[1]) else { unreachable!() };
        second.remove("description");
        if let Some(Value::Object(owner)) = second.get_mut("owner") {
            owner.remove("address");
        }
        for (old, new) in [("id", "number"), ("name", "title")] {
            if let Some(value) = second.remove(old) {
                second.insert(new.to_owned(), value);
            }
        }
        out.extend(second);
        out.insert("posts".to_owned(), json!({"collection": parse(&answers[2])}));
        write(&sorted(Value::Object(out)))
    };
    let bytes = answers.iter().map(Bytes::len).sum();
    pair(criterion, "merged", bytes, || compose(&plan, &answers), tree);
}

fn large(criterion: &mut Criterion) {
    let document = json!({"items": (0..LARGE).map(item).collect::<Vec<_>>(), "count": LARGE});
    let answer = write(&document);
    let whole = plan(vec![call("/a", Decoder::Json(Collection::No), Pipeline::default())]);
    let answers = [answer.clone()];
    pair(criterion, "large", answer.len(), || compose(&whole, &answers), || write(&sorted(parse(&answer))));

    let answer = write(&sorted(document));
    let answers = [answer.clone()];
    pair(criterion, "large-sorted", answer.len(), || compose(&whole, &answers), || write(&parse(&answer)));

    let answer = write(&json!({"kept": item(0), "rest": (0..LARGE).map(item).collect::<Vec<_>>()}));
    let allow = Change::Select(Selection::Allow(Allow::new(["kept"])), Mapping::default());
    let part = plan(vec![call("/a", Decoder::Json(Collection::No), Pipeline::default().with_change(allow))]);
    let answers = [answer.clone()];
    let tree = || {
        let mut document = parse(&answer);
        write(&sorted(json!({"kept": document["kept"].take()})))
    };
    pair(criterion, "large-allowed", answer.len(), || compose(&part, &answers), tree);
}

criterion_group!(benches, small, merged, large);
criterion_main!(benches);
