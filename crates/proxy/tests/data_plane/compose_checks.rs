//! What requests to compositions, and what is answered, have to be: bodies by a schema, and expressions that have to be true.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use backstay_proto::config::{Call, ComposeLimits};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::support::compose::{ComposeOf, get, listed, literal, parameter, template};
use crate::support::{Answer, Client, Proxy, Upstream, ask};

/// An upstream that answers `body` with what it was sent as a header, and counts how often it was asked.
async fn answering(body: &'static str, asked: &Arc<AtomicUsize>) -> Upstream {
    let asked = Arc::clone(asked);
    Upstream::http1(move |request: Request<Incoming>| {
        asked.fetch_add(1, SeqCst);
        async move {
            let sent = request.into_body().collect().await.unwrap().to_bytes();
            let sent = String::from_utf8_lossy(&sent).into_owned();
            Response::builder().header("x-sent", sent).body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
        }
    })
    .await
}

async fn send(proxy: &Proxy, body: &'static str) -> Answer {
    let request = Request::builder().method("POST").uri("/").header("host", "test");
    Client::connect(proxy.address).await.send(request.body(Full::from(body)).unwrap()).await
}

fn post() -> Call {
    Call { method: "POST".to_owned(), ..get("a", "/") }
}

const SCHEMA: &str = r#"{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":2},"age":{"minimum":18}}}"#;

#[tokio::test]
async fn a_body_that_is_not_valid_is_answered_400_and_goes_nowhere() {
    let asked = Arc::default();
    let upstream = answering("{}", &asked).await;
    let compose = ComposeOf::opaque(post(), &[upstream.address]).with(|message| message.body_schema = SCHEMA.into());
    let proxy = Proxy::start(compose.table()).await;
    for (body, told) in [
        ("{}", "- (root): name is required"),
        (
            r#"{"name":"x","age":17}"#,
            "- age: Must be greater than or equal to 18\n- name: String length must be greater than or equal to 2",
        ),
        ("[]", "- (root): Invalid type. Expected: object, given: array"),
        ("", "could not validate a malformed body"),
        ("{", "could not validate a malformed body"),
    ] {
        let answer = send(&proxy, body).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (400, told), "{body}");
        assert_eq!((answer.header("x-completed"), answer.header("x-made-by")), ("false", "test"));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
    assert_eq!(asked.load(SeqCst), 0);
    // What is valid goes on as it is, and so does what follows the document.
    for body in [r#"{ "name": "Al", "age": 18.0 }"#, r#"{"name":"Al"} and more"#] {
        let answer = send(&proxy, body).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-sent")), (200, body));
    }
    assert_eq!(asked.load(SeqCst), 2);
}

#[tokio::test]
async fn a_refusal_says_nothing_unless_failures_do_and_a_body_that_is_too_long_is_not_read() {
    let asked = Arc::default();
    let upstream = answering("{}", &asked).await;
    let compose = ComposeOf::new().call(post(), &[upstream.address]).with(|message| {
        message.body_schema = SCHEMA.into();
        message.output.as_mut().unwrap().error_messages = false;
        message.limits = Some(ComposeLimits { request_bytes: 16, ..Default::default() });
    });
    let proxy = Proxy::start(compose.table()).await;
    let answer = send(&proxy, "{}").await;
    assert_eq!((answer.status.as_u16(), answer.text(), answer.header("content-type")), (400, "", ""));
    assert_eq!(send(&proxy, r#"{"name":"longer than that"}"#).await.status, 413);
    assert_eq!(asked.load(SeqCst), 0);
}

#[tokio::test]
async fn work_that_a_schema_asks_for_is_bounded() {
    let asked = Arc::default();
    let upstream = answering("{}", &asked).await;
    let choices: Vec<_> = (0..40)
        .map(|at| {
            let next = format!(r##"{{"$ref":"#/definitions/d{}"}}"##, at + 1);
            format!(r#""d{at}":{{"oneOf":[{{"items":{next}}},{{"items":{next}}}]}}"#)
        })
        .collect();
    let schema = format!(r##"{{"definitions":{{{},"d40":{{}}}},"$ref":"#/definitions/d0"}}"##, choices.join(","));
    let compose =
        ComposeOf::new().call(post(), &[upstream.address]).with(|message| message.body_schema = schema.into());
    let proxy = Proxy::start(compose.table()).await;
    let answer = send(&proxy, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (400, "the body takes more work to check than it may"));
}

fn expressions(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_request_by_which_an_expression_is_not_true_goes_nowhere() {
    let asked = Arc::default();
    let upstream = answering(r#"{"a":1}"#, &asked).await;
    let compose = ComposeOf::new().call(get("a", "/"), &[upstream.address]).with(|message| {
        message.headers = listed(&["x-team"]);
        message.query = listed(&["page"]);
        message.expressions = expressions(&[
            "req_method == 'GET' && req_path.startsWith('/shop/')",
            "'red' in req_headers['X-Team'] && int(req_querystring.page[0]) < 10",
            "!has(req_querystring.other) && req_headers['X-Forwarded-Host'].size() == 1",
        ]);
    });
    let proxy = Proxy::start(compose.table()).await;
    for (path, team, expected) in [
        ("/shop/a?page=3", "red", "200"),
        ("/shop/a?page=3&other=1", "red", "200"),
        ("/other?page=3", "red", "request aborted by evaluator #0"),
        ("/shop/a?page=30", "red", "request aborted by evaluator #1"),
        ("/shop/a?page=x", "red", "request aborted by evaluator #1"),
        ("/shop/a", "red", "request aborted by evaluator #1"),
        ("/shop/a?page=3", "blue", "request aborted by evaluator #1"),
    ] {
        let answer = ask(proxy.address, Request::get(path).header("x-team", team)).await;
        match expected {
            "200" => assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"a":1}"#), "{path} {team}"),
            told => assert_eq!((answer.status.as_u16(), answer.text()), (500, told), "{path} {team}"),
        }
    }
    assert_eq!(asked.load(SeqCst), 2);
}

#[tokio::test]
async fn an_answer_by_which_an_expression_is_not_true_is_none() {
    let body = r#"{"age":20,"price":1.5,"name":"x","list":[{"id":1},{"id":2}],"none":null}"#;
    let asked = Arc::default();
    let upstream = answering(body, &asked).await;
    for (expression, expected) in [
        ("resp_data.age >= 18 && resp_completed", 200),
        ("resp_data.age == 20.0 && resp_data.price > 1", 200),
        ("resp_data.list.exists(x, x.id == 2) && resp_data.list.size() == 2", 200),
        ("resp_data.none == null && !has(resp_data.other)", 200),
        // Only what is passed on as it is has its status there, as with KrakenD.
        ("resp_metadata_status == 0", 200),
        ("resp_data.age > 30", 500),
        ("resp_data.other == 1", 500),
        ("resp_data.name", 500),
        ("resp_data.list.all(x, x.id == 1)", 500),
        ("timestamp(now) < timestamp('2000-01-01T00:00:00Z') || resp_completed", 200),
    ] {
        let compose = ComposeOf::new().call(get("a", "/"), &[upstream.address]);
        let compose = compose.with(|message| message.expressions = expressions(&[expression]));
        let proxy = Proxy::start(compose.table()).await;
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!(answer.status.as_u16(), expected, "{expression}: {}", answer.text());
        assert_eq!(answer.header("x-completed"), if expected == 200 { "true" } else { "false" });
    }
}

#[tokio::test]
async fn what_is_passed_on_is_seen_by_its_head() {
    let asked = Arc::default();
    let upstream = answering("text", &asked).await;
    for (expression, expected) in [
        ("resp_metadata_status == 200 && 'sent' in dyn({'sent': 1})", (200, "text")),
        ("resp_metadata_headers['X-Sent'][0] == ''", (200, "text")),
        ("resp_metadata_status == 201", (500, "request aborted by evaluator #0")),
        ("size(resp_data) == 0", (200, "text")),
    ] {
        let compose = ComposeOf::opaque(get("a", "/"), &[upstream.address]);
        let compose = compose.with(|message| message.expressions = expressions(&[expression]));
        let answer = ask(Proxy::start(compose.table()).await.address, Request::get("/")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), expected, "{expression}");
    }
}

#[tokio::test]
async fn a_call_by_which_an_expression_is_not_true_fails_alone() {
    let asked = Arc::default();
    let one = answering(r#"{"a":1}"#, &asked).await;
    let other = answering(r#"{"b":2}"#, &Arc::default()).await;
    for (expression, expected, calls) in [
        ("req_path == '/in/a' && req_querystring.q[0] == '1'", r#"{"a":1,"b":2}"#, 1),
        ("resp_data.a == 1", r#"{"a":1,"b":2}"#, 1),
        ("req_method == 'POST'", r#"{"b":2}"#, 0),
        ("resp_data.a == 2", r#"{"b":2}"#, 1),
    ] {
        let call = Call { expressions: expressions(&[expression]), ..get("a", "/in/a") };
        let compose = ComposeOf::new().call(call, &[one.address]).call(get("b", "/b"), &[other.address]);
        let compose = compose.with(|message| message.query = listed(&["q"]));
        let proxy = Proxy::start(compose.table()).await;
        let before = asked.load(SeqCst);
        let answer = ask(proxy.address, Request::get("/?q=1")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, expected), "{expression}");
        assert_eq!(asked.load(SeqCst) - before, calls, "{expression}");
        assert_eq!(answer.header("x-completed"), if expected.contains('a') { "true" } else { "false" });
    }
}

#[tokio::test]
async fn parameters_of_the_path_begin_with_a_capital_letter() {
    let asked = Arc::default();
    let upstream = answering(r#"{"a":1}"#, &asked).await;
    for (expression, expected) in [("req_params.Id == '7'", 200), ("req_params.id == '7'", 500)] {
        let call = Call {
            pattern: vec![literal("/"), parameter("id")],
            expressions: expressions(&[expression]),
            ..get("a", "/")
        };
        let compose = ComposeOf::new().call(call, &[upstream.address]);
        let compose = compose.with(|message| message.expressions = expressions(&[expression]));
        let proxy = Proxy::start(compose.at(template("/users/{id}"))).await;
        assert_eq!(ask(proxy.address, Request::get("/users/7")).await.status.as_u16(), expected, "{expression}");
    }
}
