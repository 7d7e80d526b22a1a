//! Answers of the proxy's own, as those who asked can read them.

use backstay_model::{InsteadOf, Respond};
use backstay_proxy::config::{Action, Edits, Filters, Forward, Target, WeightedTarget, WeightedTargets};
use backstay_proxy::route::Matcher;
use backstay_proxy::server::Options;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};

use crate::support::{
    ANY_PORT, Answer, BackendOf, Client, H2Client, Proxy, Raw, Routes, access_log, ask, socket, text, to,
};

const REFUSED: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";

/// A proxy before nobody.
async fn before_nobody() -> Proxy {
    let (upstream, address) = Raw::bind().await;
    drop(upstream);
    Proxy::start(Routes::all(to(&BackendOf::http1(&[address]).build(), address.port()))).await
}

async fn over_http2(proxy: &Proxy, request: http::request::Builder) -> Answer {
    let request = request.body(Full::default().boxed()).unwrap();
    Answer::read(H2Client::connect(proxy.address).await.begin(request).await.unwrap()).await
}

#[tokio::test]
async fn a_head_gets_no_body() {
    let proxy = before_nobody().await;
    let http2 = over_http2(&proxy, Request::head("http://a.test/")).await;
    let request = Request::head("/").header("host", "a.test").body(Full::default()).unwrap();
    let http1 = Client::connect(proxy.address).await.send(request).await;
    for answer in [http2, http1] {
        let length = REFUSED.len().to_string();
        assert_eq!((answer.status.as_u16(), answer.header("content-length"), answer.text()), (503, &*length, ""));
    }
}

#[tokio::test]
async fn a_call_gets_a_status() {
    let proxy = before_nobody().await;
    let call = || Request::post("http://a.test/a.B/C").header("content-type", "application/grpc+proto");
    let answer = over_http2(&proxy, call()).await;
    let told = |name| answer.header(name);
    assert_eq!((answer.status.as_u16(), told("content-type"), answer.text()), (200, "application/grpc", ""));
    assert_eq!((told("grpc-status"), told("grpc-message")), ("14", REFUSED));
    let answer = over_http2(&proxy, Request::post("http://a.test/").header("content-type", "application/json")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, REFUSED));
}

/// An answer that was asked for is one, and one in place of something else is a fault that the log names as Envoy does.
#[tokio::test]
async fn an_answer_in_place_of_what_was_asked_for_says_so_in_the_access_log() {
    let instead =
        |of| Box::new(Respond { instead_of: Some(of), ..Respond::text(StatusCode::INTERNAL_SERVER_ERROR, "") });
    let share = |respond| {
        let share = WeightedTarget { weight: 1, target: Target::Respond(respond), filters: Edits::default() };
        let targets = WeightedTargets::new(vec![share]);
        Action::Forward(Forward { targets, request_timeout: None, backend_request_timeout: None })
    };
    let nothing = WeightedTargets::new(Vec::new());
    let nothing = Forward { targets: nothing, request_timeout: None, backend_request_timeout: None };
    for (action, status, flag, details) in [
        (text(200, "written"), 200, "-", "direct_response"),
        (text(500, "written"), 500, "-", "direct_response"),
        (Action::Respond(instead(InsteadOf::UnresolvedBackend)), 500, "NC", "cluster_not_found"),
        (share(instead(InsteadOf::UnresolvedBackend)), 500, "NC", "cluster_not_found"),
        (Action::Respond(instead(InsteadOf::RefusedRule)), 500, "NR", "rule_refused"),
        (Action::Respond(instead(InsteadOf::NoBackend)), 500, "NR", "no_backend"),
        (Action::Forward(nothing), 500, "NR", "no_backend"),
    ] {
        let table = Routes::default().rule("", Matcher::prefix("/"), Filters::default(), action).build();
        let (log, lines) = access_log();
        let options = Options { access_log: Some(log), ..Options::default() };
        let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, status, "{details}");
        let line = lines.next();
        assert_eq!((&line["flags"], &line["details"]), (&flag.into(), &details.into()));
    }
}
