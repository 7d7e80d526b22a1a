//! A backend's answer on its way through a composition: JSON, XML and feeds, selected, and written in any encoding. Whatever comes, there is
//! a response; what was decoded and written as JSON can be decoded, and from then on stays the same.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use backstay_composition::{
    CallPlan, Change, Collection, Composition, Decoder, Deny, Encoder, Flow, Head, Limits, Mapping, MergeOrder, Output,
    Pattern, Pipeline, Plan, Request, RequestBody, RequestRules, ResponseBody, Selection, Settings,
};
use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Method, StatusCode};
use libfuzzer_sys::fuzz_target;

const DECODERS: [Decoder; 6] = [
    Decoder::Json(Collection::No),
    Decoder::Json(Collection::Yes),
    Decoder::SafeJson,
    Decoder::Xml(Collection::No),
    Decoder::Feed,
    Decoder::Text,
];
const ENCODERS: [Encoder; 5] = [Encoder::Json, Encoder::JsonCollection, Encoder::Xml, Encoder::Yaml, Encoder::Text];

fn compose(decoder: Decoder, pipeline: Pipeline, encoder: Encoder, answer: Bytes) -> (StatusCode, Bytes) {
    let call = CallPlan { decoder, pipeline, ..CallPlan::new(Method::GET, Pattern::parse("/")) };
    let settings = Settings {
        calls: vec![call],
        flow: Flow::Parallel,
        order: MergeOrder::Listed,
        timeout: Duration::from_secs(1),
        operations: None,
        fixed: None,
        request: RequestRules::new(HeaderValue::from_static("fuzz")),
        output: Output { encoder, ..Output::default() },
        limits: Limits::default(),
    };
    let request = Request {
        parameters: Vec::new(),
        headers: HeaderMap::new(),
        query: String::new(),
        client: "192.0.2.1".to_owned(),
        host: HeaderValue::from_static("a"),
        body: RequestBody::Empty,
    };
    let plan = Plan::new(settings).expect("a plan");
    let (mut composition, step) = Composition::start(Arc::new(plan), request);
    let call = step.calls.first().expect("a call");
    let head = Head { status: StatusCode::OK, headers: HeaderMap::new(), url: String::new() };
    let response = composition.on_response(call.id, head, answer).response.expect("a response");
    match response.body {
        ResponseBody::Full(body) => (response.status, body),
        ResponseBody::Stream(_) => panic!("nothing is passed through"),
    }
}

fuzz_target!(|input: (u8, u8, bool, &[u8])| {
    let (decoder, encoder, selects, body) = input;
    let decoder = DECODERS[usize::from(decoder) % DECODERS.len()];
    let encoder = ENCODERS[usize::from(encoder) % ENCODERS.len()];
    let pipeline = if selects {
        let deny = Selection::Deny(Deny::new(["a", "b.c"]));
        Pipeline::default().with_change(Change::Select(deny, Mapping::default()))
    } else {
        Pipeline::default()
    };
    let (status, written) = compose(decoder, pipeline, encoder, Bytes::copy_from_slice(body));
    if status == StatusCode::OK && encoder == Encoder::Json {
        let (status, again) = compose(Decoder::SafeJson, Pipeline::default(), encoder, written.clone());
        assert_eq!(status, StatusCode::OK, "{written:?}");
        // As in Go's, fields of feeds have an order of their own, and bytes that are no text are written as an escape: once.
        let (_, third) = compose(Decoder::SafeJson, Pipeline::default(), encoder, again.clone());
        assert_eq!(again, third, "what was read once stays as it is");
    }
});
