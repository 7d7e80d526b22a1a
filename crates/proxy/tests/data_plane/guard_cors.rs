//! Cross-origin resource sharing.

use backstay_proto::config::{BotDetection, Cors, Guards};
use backstay_proxy::config::Action;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;

use crate::support::guards::{Guarded, below};
use crate::support::{Answer, BackendOf, H2Client, Proxy, Raw, Upstream, ask, text, to};

const PAGE: &str = "https://page.test";

fn owned(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}

fn cors(origins: &[&str]) -> Cors {
    Cors {
        origins: owned(origins),
        methods: owned(&["GET", "PUT"]),
        headers: owned(&["X-One", "Authorization"]),
        exposed_headers: owned(&["X-Two"]),
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Cors::default()
    }
}

fn of(cors: Cors) -> Guards {
    Guards { cors: Some(cors), ..Guards::default() }
}

fn preflight(path: &str, origin: &str, method: &str, headers: &str) -> http::request::Builder {
    let request = Request::options(path).header("origin", origin).header("access-control-request-method", method);
    if headers.is_empty() { request } else { request.header("access-control-request-headers", headers) }
}

/// What an answer says to browsers, as `NAME: VALUE`.
fn said(headers: &HeaderMap) -> Vec<String> {
    let told = headers.iter().filter(|(name, _)| name.as_str().starts_with("access-control-") || *name == "vary");
    let mut told: Vec<_> = told.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    told.sort();
    told
}

const OF_PREFLIGHTS: &str = "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

#[tokio::test]
async fn preflights_are_answered_wherever_they_go() {
    let proxy = Proxy::start(Guarded::route(of(cors(&[PAGE]))).table(below("/here"), text(200, "ok"))).await;
    for path in ["/here", "/elsewhere"] {
        let answer = ask(proxy.address, preflight(path, PAGE, "PUT", "authorization,x-one")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (204, ""));
        let expected = [
            "access-control-allow-headers: authorization,x-one",
            "access-control-allow-methods: PUT",
            "access-control-allow-origin: https://page.test",
            "access-control-max-age: 60",
            OF_PREFLIGHTS,
        ];
        assert_eq!(said(&answer.headers), expected, "{path}");
    }
    // A plain OPTIONS is a request as any other.
    let plain = ask(proxy.address, Request::options("/elsewhere").header("origin", PAGE)).await;
    assert_eq!((plain.status.as_u16(), plain.header("access-control-allow-origin")), (404, PAGE));
}

#[tokio::test]
async fn what_is_not_allowed_is_not_told() {
    let proxy = Proxy::start(Guarded::rule(of(cors(&[PAGE]))).table(below("/"), text(200, "ok"))).await;
    for request in [
        preflight("/", "https://other.test", "GET", ""),
        preflight("/", PAGE, "DELETE", ""),
        preflight("/", PAGE, "GET", "x-one,x-three"),
    ] {
        let answer = ask(proxy.address, request).await;
        assert_eq!((answer.status.as_u16(), said(&answer.headers)), (204, vec![OF_PREFLIGHTS.to_owned()]));
    }
    for request in [
        Request::get("/"),
        Request::get("/").header("origin", "https://other.test"),
        Request::delete("/").header("origin", PAGE),
    ] {
        let answer = ask(proxy.address, request).await;
        assert_eq!((answer.status.as_u16(), said(&answer.headers)), (200, vec!["vary: Origin".to_owned()]));
    }
}

#[tokio::test]
async fn whoever_answers_the_page_may_read_it() {
    let (gone, address) = Raw::bind().await;
    drop(gone);
    let nobody = Action::Forward(to(&BackendOf::http1(&[address]).build(), address.port()));
    let bots = BotDetection { deny: owned(&["spider"]), ..BotDetection::default() };
    let guards = Guards { bots: Some(bots), ..of(Cors { credentials: true, ..cors(&["https://*.test"]) }) };
    let proxy = Proxy::start(Guarded::route(guards).table(below("/here"), nobody)).await;
    for (path, agent, status) in [("/here", "browser", 503), ("/here", "spider", 403), ("/elsewhere", "browser", 404)] {
        let request = Request::get(path).header("origin", PAGE).header("user-agent", agent);
        let answer = ask(proxy.address, request).await;
        let expected = [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://page.test",
            "access-control-expose-headers: X-Two",
            "vary: Origin",
        ];
        assert_eq!((answer.status.as_u16(), said(&answer.headers)), (status, owned(&expected)), "{path} {agent}");
    }
    // A preflight comes before what else there is to pass.
    let answer = ask(proxy.address, preflight("/here", PAGE, "GET", "").header("user-agent", "spider")).await;
    assert_eq!(answer.status.as_u16(), 204);
}

/// An upstream that says itself who may read it.
async fn generous() -> Upstream {
    Upstream::http1(|_| async {
        let answer = Response::builder()
            .header("access-control-allow-origin", "*")
            .header("access-control-allow-credentials", "true")
            .header("access-control-expose-headers", "x-of-its-own")
            .header("access-control-allow-methods", "PATCH")
            .header("vary", "accept-encoding");
        answer.body(Full::new(Bytes::from("ok"))).unwrap()
    })
    .await
}

#[tokio::test]
async fn nothing_is_said_twice() {
    let upstream = generous().await;
    let forward = || Action::Forward(to(&BackendOf::http1(&[upstream.address]).build(), upstream.address.port()));
    let proxy = Proxy::start(Guarded::rule(of(cors(&[PAGE]))).table(below("/"), forward())).await;
    let answer = ask(proxy.address, Request::get("/").header("origin", PAGE)).await;
    let expected = [
        "access-control-allow-methods: PATCH",
        "access-control-allow-origin: https://page.test",
        "access-control-expose-headers: X-Two",
        "vary: Origin",
        "vary: accept-encoding",
    ];
    assert_eq!(said(&answer.headers), expected);
    // Nor is what only the upstream says.
    let answer = ask(proxy.address, Request::get("/").header("origin", "https://other.test")).await;
    assert_eq!(said(&answer.headers), ["access-control-allow-methods: PATCH", "vary: Origin", "vary: accept-encoding"]);
    // Where the upstream is asked about preflights, its answer stands beside what is known here.
    let passing = Cors { pass_preflights: true, ..cors(&[PAGE]) };
    let proxy = Proxy::start(Guarded::rule(of(passing)).table(below("/"), forward())).await;
    let answer = ask(proxy.address, preflight("/", PAGE, "PUT", "")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "ok"));
    let expected = [
        "access-control-allow-credentials: true",
        "access-control-allow-methods: PUT",
        "access-control-allow-origin: https://page.test",
        "access-control-expose-headers: x-of-its-own",
        "access-control-max-age: 60",
        "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        "vary: accept-encoding",
    ];
    assert_eq!(said(&answer.headers), expected);
}

#[tokio::test]
async fn http2_is_told_the_same() {
    let proxy = Proxy::start(Guarded::rule(of(cors(&["*"]))).table(below("/"), text(200, "ok"))).await;
    let mut client = H2Client::connect(proxy.address).await;
    let request = preflight("http://a.test/", PAGE, "PUT", "").body(Full::default()).unwrap();
    let request = request.map(http_body_util::BodyExt::boxed);
    let answer = Answer::read(client.begin(request).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(answer.header("access-control-allow-methods"), "PUT");
}
