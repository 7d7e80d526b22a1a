//! The state machine: what a shell sees. What clients of other gateways see is in tests/recorded.

use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use super::*;
use crate::{
    Admission, CallPlan, DecodeError, Decoder, Encoder, ErrorBody, FailureRule, Flow, Limits, MergeOrder, Output,
    Pattern, Plan, RequestRules, Requirement, Role, Settings,
};

fn settings(paths: &[&str]) -> Settings {
    Settings {
        calls: paths.iter().map(|path| CallPlan::new(Method::GET, Pattern::parse(path))).collect(),
        flow: Flow::Parallel,
        order: MergeOrder::Listed,
        timeout: Duration::from_secs(2),
        operations: None,
        fixed: None,
        request: RequestRules::new(HeaderValue::from_static("product/1")),
        output: Output {
            completed: Some(HeaderName::from_static("completed")),
            errors: ErrorBody::Message,
            ..Output::default()
        },
        limits: Limits::default(),
    }
}

fn sequential(paths: &[&str]) -> Settings {
    Settings { flow: Flow::Sequential { propagated: Vec::new() }, ..settings(paths) }
}

fn request() -> Request {
    Request {
        parameters: vec![("id".to_owned(), "7".to_owned())],
        headers: HeaderMap::new(),
        query: String::new(),
        client: "192.0.2.1".to_owned(),
        host: HeaderValue::from_static("gateway.test"),
        body: RequestBody::Empty,
    }
}

fn start(settings: Settings) -> (Composition, Step) {
    Composition::start(Arc::new(Plan::new(settings).expect("a plan")), request())
}

fn ok() -> Head {
    Head { status: StatusCode::OK, headers: HeaderMap::new(), url: "http://b/".to_owned() }
}

fn with_status(status: StatusCode) -> Head {
    Head { status, ..ok() }
}

/// The body of a response, and whether it says that it is complete.
fn said(step: Step) -> (u16, String, String) {
    let response = step.response.expect("a response");
    let ResponseBody::Full(body) = response.body else { panic!("it is not streamed") };
    let completed = response.headers["completed"].to_str().expect("a text").to_owned();
    (response.status.as_u16(), String::from_utf8(body.to_vec()).expect("UTF-8"), completed)
}

fn expect(step: Step, status: u16, body: &str, completed: bool) {
    assert_eq!(said(step), (status, body.to_owned(), completed.to_string()));
}

#[test]
fn answers_are_merged_as_they_are_listed_whichever_comes_first() {
    let (mut composition, step) = start(settings(&["/a", "/b"]));
    assert!(composition.on_response(step.calls[1].id, ok(), r#"{"x":2,"b":1}"#.into()).response.is_none());
    expect(
        composition.on_response(step.calls[0].id, ok(), r#"{"x":1,"a":1}"#.into()),
        200,
        r#"{"a":1,"b":1,"x":2}"#,
        true,
    );
}

#[test]
fn answers_are_merged_as_they_arrive_if_that_is_asked_for() {
    let (mut composition, step) = start(Settings { order: MergeOrder::Arrival, ..settings(&["/a", "/b"]) });
    assert!(composition.on_response(step.calls[1].id, ok(), r#"{"x":2}"#.into()).response.is_none());
    expect(composition.on_response(step.calls[0].id, ok(), r#"{"x":1}"#.into()), 200, r#"{"x":1}"#, true);
}

#[test]
fn several_calls_leave_part_of_the_time_for_the_response() {
    let (_, step) = start(settings(&["/a"]));
    assert_eq!((step.calls[0].deadline, step.calls[0].timeout), (Duration::from_secs(2), None));
    let (_, step) = start(settings(&["/a", "/b"]));
    assert_eq!(step.calls[1].deadline, Duration::from_millis(1700));
    let mut copied = settings(&["/a"]);
    copied.calls[0].copies = NonZeroU8::new(2).expect("two");
    let (_, step) = start(copied);
    assert_eq!(step.calls.len(), 2);
    assert_eq!(
        (step.calls[1].deadline, step.calls[1].timeout),
        (Duration::from_secs(2), Some(Duration::from_millis(1500)))
    );
}

#[test]
fn the_first_complete_copy_counts_and_the_others_are_given_up() {
    let mut copied = settings(&["/a"]);
    copied.calls[0].copies = NonZeroU8::new(3).expect("three");
    let (mut composition, step) = start(copied);
    let ids: Vec<_> = step.calls.iter().map(|call| call.id).collect();
    assert!(composition.on_error(ids[1], CallError::NoEndpoint).response.is_none());
    let step = composition.on_response(ids[2], ok(), r#"{"a":1}"#.into());
    assert_eq!(step.cancelled, [ids[0]]);
    expect(step, 200, r#"{"a":1}"#, true);
    // What comes after the response changes nothing.
    assert!(composition.on_response(ids[0], ok(), r#"{"a":2}"#.into()).response.is_none());
}

#[test]
fn when_no_copy_is_complete_the_last_that_came_counts() {
    let mut copied = settings(&["/a"]);
    copied.calls[0].copies = NonZeroU8::new(2).expect("two");
    copied.calls[0].failure = FailureRule::Details("x".to_owned());
    let (mut composition, step) = start(copied);
    let ids: Vec<_> = step.calls.iter().map(|call| call.id).collect();
    assert!(composition.on_response(ids[0], with_status(StatusCode::NOT_FOUND), "no".into()).response.is_none());
    let step = composition.on_error(ids[1], CallError::Deadline);
    expect(step, 200, r#"{"error_x":{"http_status_code":404,"http_body":"no"}}"#, false);
}

#[test]
fn when_the_deadline_passes_what_is_there_is_the_response() {
    let (mut composition, step) = start(settings(&["/a", "/b", "/c"]));
    assert!(composition.on_response(step.calls[1].id, ok(), r#"{"b":1}"#.into()).response.is_none());
    let ended = composition.on_deadline();
    assert_eq!(ended.cancelled, [step.calls[0].id, step.calls[2].id]);
    expect(ended, 200, r#"{"b":1}"#, false);
    let (mut composition, _) = start(settings(&["/a", "/b"]));
    let both = "context deadline exceeded\ncontext deadline exceeded";
    expect(composition.on_deadline(), 500, both, false);
}

#[test]
fn a_required_call_fails_the_response() {
    let mut required = settings(&["/a", "/b"]);
    required.calls[1].requirement = Requirement::Required;
    let (mut composition, step) = start(required.clone());
    assert!(composition.on_response(step.calls[0].id, ok(), r#"{"a":1}"#.into()).response.is_none());
    expect(composition.on_error(step.calls[1].id, CallError::NoEndpoint), 500, "no hosts available", false);
    let (mut composition, step) = start(required);
    assert!(composition.on_error(step.calls[0].id, CallError::NoEndpoint).response.is_none());
    expect(composition.on_response(step.calls[1].id, ok(), r#"{"b":1}"#.into()), 200, r#"{"b":1}"#, false);
}

#[test]
fn nobody_waits_for_a_shadow() {
    let mut shadowed = settings(&["/a", "/shadow/{id}", "/other"]);
    shadowed.calls[1].role = Role::Shadow { timeout: Duration::from_secs(1) };
    shadowed.calls[2].role = Role::Shadow { timeout: Duration::from_secs(3) };
    let (mut composition, step) = start(shadowed);
    let targets: Vec<_> = step.calls.iter().map(|call| (call.target.as_str(), call.deadline.as_secs())).collect();
    assert_eq!(targets, [("/shadow/7", 3), ("/other", 3), ("/a", 2)]);
    assert_eq!(composition.wanted(step.calls[0].id, StatusCode::OK), Wanted::Head);
    assert!(composition.on_error(step.calls[0].id, CallError::NoEndpoint).response.is_none());
    expect(composition.on_response(step.calls[2].id, ok(), r#"{"a":1}"#.into()), 200, r#"{"a":1}"#, true);
}

#[test]
fn a_sequence_makes_the_next_call_when_the_last_has_answered() {
    let (mut composition, step) = start(sequential(&["/a", "/b/{resp0_u.id}", "/c/{resp1_k}"]));
    assert_eq!(step.calls.len(), 1);
    let step = composition.on_response(step.calls[0].id, ok(), r#"{"u":{"id":12345678901234567890}}"#.into());
    assert_eq!(step.calls[0].target, "/b/12345678901234567890");
    assert_eq!(step.calls[0].deadline, Duration::from_millis(1700));
    let step = composition.on_response(step.calls[0].id, ok(), r#"{"k":"a b?x"}"#.into());
    assert_eq!(step.calls[0].target, "/c/a%20b?x");
    let named = ("Resp1_k".to_owned(), "a b?x".to_owned());
    assert!(step.calls[0].parameters.contains(&named));
    let step = composition.on_response(step.calls[0].id, ok(), r#"{"c":1}"#.into());
    expect(step, 200, r#"{"c":1,"k":"a b?x","u":{"id":12345678901234567890}}"#, true);
}

#[test]
fn a_call_that_cannot_be_written_fails_by_itself() {
    let bad = |value: &str, error: &str| {
        let (mut composition, step) = start(sequential(&["/a", "/b/{resp0_x}", "/c"]));
        let body = serde_json::json!({ "x": value }).to_string();
        let step = composition.on_response(step.calls[0].id, ok(), body.into());
        assert!(step.calls.is_empty());
        let response = step.response.expect("a response");
        assert_eq!(response.errors.len(), 1);
        assert_eq!(response.errors[0].to_string(), format!("parse \"/b/{value}\": {error}"));
    };
    bad("%zz", "invalid URL escape \"%zz\"");
    bad("%", "invalid URL escape \"%\"");
    bad("a\r\nHost: x", "net/url: invalid control character in URL");
    bad("\u{7f}", "net/url: invalid control character in URL");
}

#[test]
fn the_body_of_an_opaque_answer_can_be_a_parameter() {
    let mut plan = sequential(&["/a", "/b", "/c"]);
    plan.calls[0].decoder = Decoder::Opaque;
    plan.calls[1].decoder = Decoder::Opaque;
    plan.flow = Flow::Sequential { propagated: vec![crate::Reference { call: 0, path: Vec::new() }] };
    let (mut composition, step) = start(plan);
    assert!(matches!(composition.wanted(step.calls[0].id, StatusCode::OK), Wanted::Body { .. }));
    let step = composition.on_response(step.calls[0].id, ok(), "token".into());
    assert_eq!(step.calls[0].parameters.last(), Some(&("Resp0".to_owned(), "token".to_owned())));
    assert_eq!(composition.wanted(step.calls[0].id, StatusCode::OK), Wanted::Head);
}

#[test]
fn an_answer_that_is_passed_through_is_streamed() {
    let mut plan = settings(&["/a"]);
    plan.calls[0].decoder = Decoder::Opaque;
    plan.output.encoder = Encoder::Opaque;
    let (mut composition, step) = start(plan);
    let call = step.calls[0].id;
    assert_eq!(composition.wanted(call, StatusCode::IM_A_TEAPOT), Wanted::Stream);
    let mut head = with_status(StatusCode::IM_A_TEAPOT);
    head.headers.append("set-cookie", HeaderValue::from_static("a=1"));
    head.headers.append("set-cookie", HeaderValue::from_static("b=2"));
    let response = composition.on_response(call, head, Bytes::new()).response.expect("a response");
    assert_eq!(response.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers.get_all("set-cookie").iter().count(), 2);
    assert!(matches!(response.body, ResponseBody::Stream(streamed) if streamed == call));
    assert_eq!(response.headers["completed"], "false");
}

#[test]
fn only_bodies_that_are_looked_at_are_wanted() {
    let mut plan = settings(&["/a", "/b", "/c"]);
    plan.calls[1].failure = FailureRule::Details("x".to_owned());
    plan.calls[2].decoder = Decoder::Opaque;
    let (composition, step) = start(plan);
    let wanted = |call: usize, status| composition.wanted(step.calls[call].id, status);
    let body = Wanted::Body { limit: Limits::default().response_bytes };
    assert_eq!(wanted(0, StatusCode::OK), body);
    assert_eq!(wanted(0, StatusCode::NO_CONTENT), Wanted::Head);
    assert_eq!(wanted(1, StatusCode::NOT_FOUND), body);
    assert_eq!(wanted(2, StatusCode::OK), Wanted::Head);
}

#[test]
fn no_answer_is_longer_than_its_limit_and_all_are_not_longer_than_theirs() {
    let limits = Limits { response_bytes: 20, total_bytes: 30, ..Limits::default() };
    let (mut composition, step) = start(Settings { limits, ..settings(&["/a", "/b", "/c"]) });
    let ids: Vec<_> = step.calls.iter().map(|call| call.id).collect();
    let long = Bytes::from(format!("{{\"a\":\"{}\"}}", "x".repeat(20)));
    assert!(composition.on_response(ids[0], ok(), long).response.is_none());
    assert!(composition.on_response(ids[1], ok(), r#"{"b":"12345678901"}"#.into()).response.is_none());
    assert_eq!(composition.wanted(ids[2], StatusCode::OK), Wanted::Body { limit: 11 });
    let step = composition.on_response(ids[2], ok(), r#"{"c":"12345678901"}"#.into());
    let errors = &step.response.as_ref().expect("a response").errors;
    assert_eq!(errors[0].to_string(), "the answer is longer than 20 bytes");
    assert_eq!(errors[1].to_string(), "the answers to one request are longer than 30 bytes together");
    expect(step, 200, r#"{"b":"12345678901"}"#, false);
}

#[test]
fn what_is_compressed_is_not_longer_than_its_limit_either() {
    let compressed = |length: usize| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        write!(encoder, "{{\"a\":\"{}\"}}", "x".repeat(length)).expect("written");
        Bytes::from(encoder.finish().expect("written"))
    };
    let mut head = ok();
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let limits = Limits { response_bytes: 1000, total_bytes: 1500, ..Limits::default() };
    let plan = Settings { limits, ..settings(&["/a", "/b"]) };
    let (mut composition, step) = start(plan.clone());
    assert!(composition.on_response(step.calls[0].id, head.clone(), compressed(1000)).response.is_none());
    let ended = composition.on_error(step.calls[1].id, DecodeError::TooLong { limit: 1000 }.into());
    expect(ended, 500, "the answer is longer than 1000 bytes\nthe answer is longer than 1000 bytes", false);
    // What has been decompressed counts for what may still come.
    let (mut composition, step) = start(plan);
    assert!(composition.on_response(step.calls[0].id, head.clone(), compressed(900)).response.is_none());
    let ended = composition.on_response(step.calls[1].id, head, compressed(900));
    assert_eq!(ended.response.expect("a response").errors[0].to_string(), "the answer is longer than 592 bytes");
}

#[test]
fn the_clients_body_goes_to_those_who_can_have_it() {
    let with_body = |settings: Settings| {
        let plan = Arc::new(Plan::new(settings).expect("a plan"));
        let (_, step) = Composition::start(plan.clone(), Request { body: RequestBody::Present, ..request() });
        let bodies: Vec<_> = step.calls.iter().map(|call| call.body).collect();
        (plan.keeps_body(), bodies)
    };
    assert_eq!(with_body(settings(&["/a"])), (false, vec![CallBody::Chunked]));
    assert_eq!(with_body(settings(&["/a", "/b"])), (false, vec![CallBody::Chunked, CallBody::Empty]));
    let mut unsafe_one = settings(&["/a", "/b"]);
    unsafe_one.calls[1].method = Method::POST;
    assert_eq!(with_body(unsafe_one), (true, vec![CallBody::Chunked, CallBody::Chunked]));
}

#[test]
fn what_is_about_the_clients_connection_does_not_go_on() {
    let mut plan = settings(&["/a"]);
    plan.request.headers = Admission::All;
    let mut headers = HeaderMap::new();
    for name in
        ["host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection"]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
    }
    headers.insert("content-length", HeaderValue::from_static("3"));
    headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.1"));
    let plan = Arc::new(Plan::new(plan).expect("a plan"));
    let (_, step) = Composition::start(plan, Request { headers, body: RequestBody::Present, ..request() });
    let call = &step.calls[0];
    let mut names: Vec<_> = call.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "user-agent", "x-forwarded-for", "x-forwarded-host"]);
    assert_eq!(call.headers["x-forwarded-for"], "192.0.2.1");
    assert_eq!(call.body, CallBody::Sized);
}

#[test]
fn statuses_are_passed_on_where_that_is_asked_for() {
    let run = |rule: &FailureRule, answers: &[(u16, &'static str)]| {
        let paths: Vec<_> = (0..answers.len()).map(|at| format!("/{at}")).collect();
        let mut settings = settings(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        settings.calls.iter_mut().for_each(|call| call.failure = rule.clone());
        let (mut composition, step) = start(settings);
        let mut response = None;
        for (call, (status, body)) in step.calls.iter().zip(answers) {
            let head = with_status(StatusCode::from_u16(*status).unwrap());
            let step = composition.on_response(call.id, head, Bytes::from_static(body.as_bytes()));
            if step.response.is_some() {
                response = step.response;
            }
        }
        let response = response.expect("a response");
        let ResponseBody::Full(body) = response.body else { panic!("nothing is streamed") };
        (response.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
    };
    type Row<'a> = (&'a [(u16, &'static str)], u16, &'a str);
    let rows: [Row<'_>; 9] = [
        (&[(200, "{\"a\":1}")], 200, "{\"a\":1}"),
        (&[(202, "{\"a\":1}")], 202, "{\"a\":1}"),
        (&[(202, "")], 202, "{}"),
        (&[(204, "")], 204, ""),
        (&[(404, "none")], 404, "none"),
        (&[(302, "")], 302, ""),
        (&[(404, "none"), (201, "{\"a\":1}")], 201, "{\"a\":1}"),
        (&[(204, ""), (200, "{\"a\":1}")], 204, ""),
        (&[(200, "{"), (503, "b"), (404, "c")], 503, "unexpected EOF\nb\nc"),
    ];
    for (answers, status, body) in rows {
        assert_eq!(run(&FailureRule::PassedOn, answers), (status, body.to_owned()), "{answers:?}");
    }
    assert_eq!(run(&FailureRule::Status, &[(404, "a"), (404, "b")]).0, 500);
}
