//! One response out of several backends' answers.

use backstay_proto::config::{call, composed_output};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::support::compose::{ComposeOf, get, literal, parameter, paths, template, value_of};
use crate::support::{Client, Proxy, Upstream, ask, echo};

/// An upstream that answers every request with this.
pub(crate) async fn says(body: &'static str) -> Upstream {
    Upstream::http1(move |_: Request<Incoming>| async move { Response::new(Full::from(body)) }).await
}

/// An address that nobody listens on.
pub(crate) async fn nobody() -> std::net::SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_answer_is_decoded_and_encoded_again() {
    let upstream = says(r#"{ "b": 1.50, "a": {"x": "<&>", "y": [1, 2]}, "c": 12345678901234567890 }"#).await;
    let composition = ComposeOf::new().call(get("only", "/"), &[upstream.address]);
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text(), r#"{"a":{"x":"\u003c\u0026\u003e","y":[1,2]},"b":1.50,"c":12345678901234567890}"#);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("x-completed"), "true");
    assert_eq!(answer.header("x-made-by"), "test");
}

#[tokio::test]
async fn answers_of_several_backends_are_merged() {
    let (users, posts) = (says(r#"{"user":{"id":7,"name":"x"},"z":0}"#).await, says(r#"{"posts":[1,2]}"#).await);
    let mut user = get("user", "/");
    (user.target, user.allow) = (vec!["user".to_owned()], paths(&["id"]));
    user.mapping.insert("id".to_owned(), "identity".to_owned());
    let mut post = get("posts", "/");
    post.group = "all".to_owned();
    let composition = ComposeOf::new().call(user, &[users.address]).call(post, &[posts.address]);
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.text(), r#"{"all":{"posts":[1,2]},"identity":7}"#);
    assert_eq!(answer.header("x-completed"), "true");
}

#[tokio::test]
async fn what_one_backend_does_not_answer_is_missing_and_said_to_be() {
    let there = says(r#"{"a":1}"#).await;
    let composition =
        ComposeOf::new().call(get("there", "/"), &[there.address]).call(get("gone", "/"), &[nobody().await]);
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, r#"{"a":1}"#));
    assert_eq!(answer.header("x-completed"), "false");
}

#[tokio::test]
async fn failures_say_what_went_wrong_in_the_words_of_go() {
    let gone = nobody().await;
    let missing = Upstream::http1(|_: Request<Incoming>| async {
        Response::builder().status(404).body(Full::<Bytes>::from("no")).unwrap()
    })
    .await;
    let text = |composition: ComposeOf| async move {
        let proxy = Proxy::start(composition.at(template("/x/{id}"))).await;
        let answer = ask(proxy.address, Request::get("/x/7")).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.header("x-completed"), "false");
        answer.text().to_owned()
    };
    let refused = text(ComposeOf::new().call(get("only", "/a"), &[gone])).await;
    assert_eq!(refused, format!("Get \"http://{gone}/a\": dial tcp {gone}: connect: connection refused"));
    let none = text(ComposeOf::new().call(get("only", "/a"), &[])).await;
    assert_eq!(none, "no hosts available");
    let mut call = get("only", "");
    call.pattern = vec![literal("/a/"), parameter("id")];
    let status = text(ComposeOf::new().call(call, &[missing.address])).await;
    assert_eq!(status, format!("invalid status code 404 [GET /a/{{{{.Id}}}}]: http://{}/a/7", missing.address));
    let empty = says("").await;
    assert_eq!(text(ComposeOf::new().call(get("only", "/"), &[empty.address])).await, "EOF");
}

#[tokio::test]
async fn in_a_sequence_later_calls_ask_with_what_earlier_ones_answered() {
    let first = says(r#"{"user":{"id":42}}"#).await;
    let second = Upstream::http1(|request: Request<Incoming>| async move {
        Response::new(Full::<Bytes>::from(format!(r#"{{"asked":"{}"}}"#, request.uri())))
    })
    .await;
    let mut next = get("second", "");
    next.pattern = vec![literal("/of/"), value_of(0, &["user", "id"])];
    let composition = ComposeOf::new()
        .call(get("first", "/"), &[first.address])
        .call(next, &[second.address])
        .with(|message| message.set_flow(backstay_proto::config::compose::Flow::Sequential));
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.text(), r#"{"asked":"/of/42","user":{"id":42}}"#);
}

#[tokio::test]
async fn an_opaque_answer_is_the_response_as_it_is() {
    let upstream = Upstream::http1(|_: Request<Incoming>| async {
        Response::builder()
            .status(418)
            .header("x-kind", "teapot")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body(Full::<Bytes>::from("short and stout"))
            .unwrap()
    })
    .await;
    let proxy = Proxy::start(ComposeOf::opaque(get("only", "/pot"), &[upstream.address]).table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (418, "short and stout"));
    assert_eq!(answer.header("x-kind"), "teapot");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(answer.header("x-completed"), "false");
    assert_eq!(answer.header("content-length"), "15");
}

#[tokio::test]
async fn a_backend_gets_a_closed_list_of_headers() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(ComposeOf::opaque(get("only", "/echo"), &[upstream.address]).table()).await;
    let request = Request::get("/?q=1").header("host", "gateway.test:8080").header("x-secret", "s");
    let answer = ask(proxy.address, request.header("content-type", "a/b").header("accept", "*/*")).await;
    let expected = format!(
        "GET /echo HTTP/1.1\naccept-encoding: gzip\ncontent-type: a/b\nhost: {}\nuser-agent: Backstay test\n\
         x-forwarded-for: 127.0.0.1\nx-forwarded-host: gateway.test:8080\n\n",
        upstream.address
    );
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn hosts_take_turns() {
    let (one, two) = (says(r#"{"host":1}"#).await, says(r#"{"host":2}"#).await);
    let composition = ComposeOf::new().call(get("only", "/"), &[one.address, two.address]);
    let proxy = Proxy::start(composition.table()).await;
    let mut client = Client::connect(proxy.address).await;
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(client.get("/").await.text().to_owned());
    }
    assert_eq!(asked, [r#"{"host":1}"#, r#"{"host":2}"#, r#"{"host":1}"#, r#"{"host":2}"#]);
}

#[tokio::test]
async fn what_is_put_out_has_other_encodings_too() {
    let upstream = says(r#"{"a":[1,"x"]}"#).await;
    let proxy = Proxy::start(
        ComposeOf::new().call(get("only", "/"), &[upstream.address]).output(composed_output::Encoding::Xml).table(),
    )
    .await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.header("content-type"), "application/xml");
    assert_eq!(answer.text(), "<doc><a>1</a><a>x</a></doc>");
    let _ = call::Decoder::Json;
}
