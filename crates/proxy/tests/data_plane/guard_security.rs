//! Hosts that are served, TLS for all of it, and headers that browsers heed.

use backstay_proto::config::security_headers::SecurityField;
use backstay_proto::config::{Guards, SecurityHeaders, Unmatched};
use backstay_proxy::config::Action;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::support::guards::{Guarded, below, template};
use crate::support::{BackendOf, Proxy, Upstream, ask, text, to};

fn of(security: SecurityHeaders) -> Guards {
    Guards { security: Some(security), ..Guards::default() }
}

fn owned(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}

async fn proxy(security: SecurityHeaders) -> Proxy {
    Proxy::start(Guarded::route(of(security)).table(below("/here"), text(200, "ok"))).await
}

async fn status(proxy: &Proxy, host: &str, forwarded: &str) -> u16 {
    let mut request = Request::get("/here").header("host", host);
    if !forwarded.is_empty() {
        request = request.header("x-forwarded-host", forwarded);
    }
    ask(proxy.address, request).await.status.as_u16()
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let security = SecurityHeaders {
        allowed_hosts: owned(&["A.test", "b.test:8080"]),
        host_headers: owned(&["x-forwarded-host"]),
        response_headers: vec![field("x-frame-options", "DENY", false)],
        ..SecurityHeaders::default()
    };
    let proxy = proxy(security).await;
    for (host, forwarded, expected) in [
        ("a.test", "", 200),
        ("a.test:80", "", 500),
        ("B.test:8080", "", 200),
        ("c.test", "", 500),
        ("c.test", "a.test", 200),
        ("a.test", "c.test", 500),
    ] {
        assert_eq!(status(&proxy, host, forwarded).await, expected, "{host} {forwarded}");
    }
    let answer = ask(proxy.address, Request::get("/elsewhere").header("host", "c.test")).await;
    assert_eq!((answer.text(), answer.header("content-type")), ("Bad Host\n", "text/plain; charset=utf-8"));
    assert_eq!((answer.header("x-content-type-options"), answer.header("x-frame-options")), ("nosniff", ""));
}

#[tokio::test]
async fn hosts_can_be_expressions_of_the_whole() {
    let security = SecurityHeaders {
        allowed_hosts: owned(&["[a-c]\\.test", "x|y.test"]),
        allowed_hosts_are_regex: true,
        ..SecurityHeaders::default()
    };
    let proxy = proxy(security).await;
    for (host, expected) in [("a.test", 200), ("aa.test", 500), ("a.test.evil", 500), ("x", 200), ("y.test", 200)] {
        assert_eq!(status(&proxy, host, "").await, expected, "{host}");
    }
}

#[tokio::test]
async fn requests_without_tls_are_sent_to_where_it_is() {
    let security = |temporary, host: &str| SecurityHeaders {
        ssl_redirect: true,
        ssl_temporary_redirect: temporary,
        ssl_host: host.to_owned(),
        ssl_headers: [("X-Forwarded-Proto".to_owned(), "https".to_owned())].into(),
        ..SecurityHeaders::default()
    };
    let request = |target: &str| Request::get(target).header("host", "a.test:80");
    let plain = proxy(security(false, "")).await;
    let answer = ask(plain.address, request("/here?a=b%20c")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (301, "https://a.test:80/here?a=b%20c"));
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.text(), "<a href=\"https://a.test:80/here?a=b%20c\">Moved Permanently</a>.\n\n");
    let answer = ask(plain.address, Request::post("/here").header("host", "a.test:80")).await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("content-type"), answer.text()), (301, None, ""));
    let answer = ask(plain.address, request("/elsewhere").header("x-forwarded-proto", "http")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (301, "https://a.test:80/elsewhere"));
    let answer = ask(plain.address, request("/here").header("x-forwarded-proto", "https")).await;
    assert_eq!(answer.status.as_u16(), 200);
    let elsewhere = proxy(security(true, "tls.test:8443")).await;
    let answer = ask(elsewhere.address, request("/here")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (307, "https://tls.test:8443/here"));
    assert_eq!(answer.text(), "<a href=\"https://tls.test:8443/here\">Temporary Redirect</a>.\n\n");
}

fn field(name: &str, value: &str, over_tls: bool) -> SecurityField {
    SecurityField { name: name.to_owned(), value: value.to_owned(), over_tls }
}

#[tokio::test]
async fn every_answer_has_the_headers_once() {
    let security = SecurityHeaders {
        ssl_headers: [("x-tls".to_owned(), "yes".to_owned())].into(),
        response_headers: vec![
            field("strict-transport-security", "max-age=300", true),
            field("x-frame-options", "DENY", false),
        ],
        ..SecurityHeaders::default()
    };
    let upstream = Upstream::http1(|_| async {
        let answer = Response::builder().header("x-frame-options", "SAMEORIGIN").header("x-frame-options", "other");
        answer.body(Full::new(Bytes::from("ok"))).unwrap()
    })
    .await;
    let action = Action::Forward(to(&BackendOf::http1(&[upstream.address]).build(), upstream.address.port()));
    let proxy = Proxy::start(Guarded::route(of(security)).table(below("/here"), action)).await;
    for (path, status) in [("/here", 200), ("/elsewhere", 404)] {
        for (tls, transport) in [("yes", "max-age=300"), ("no", "")] {
            let answer = ask(proxy.address, Request::get(path).header("x-tls", tls)).await;
            let told: Vec<_> = answer.headers.get_all("x-frame-options").iter().collect();
            assert_eq!((answer.status.as_u16(), told == ["DENY"]), (status, true), "{told:?}");
            assert_eq!(answer.header("strict-transport-security"), transport, "{path} {tls}");
        }
    }
}

#[tokio::test]
async fn whoever_is_sent_to_another_spelling_is_guarded_there() {
    let security = SecurityHeaders {
        allowed_hosts: owned(&["a.test"]),
        response_headers: vec![field("x-frame-options", "DENY", false)],
        ..SecurityHeaders::default()
    };
    let unmatched = Some(Unmatched { redirect_trailing_slash: true, ..Unmatched::default() });
    let table = Guarded { unmatched, ..Guarded::route(of(security)) }.table(template("here", "id"), text(200, "ok"));
    let proxy = Proxy::start(table).await;
    let asked = async |path: &str, host: &str| ask(proxy.address, Request::get(path).header("host", host)).await;
    let sent = asked("/here/7/", "b.test").await;
    assert_eq!((sent.status.as_u16(), sent.header("location")), (301, "/here/7"));
    assert_eq!(sent.header("x-frame-options"), "");
    assert_eq!(asked("/here/7", "b.test").await.text(), "Bad Host\n");
    assert_eq!(asked("/elsewhere", "b.test").await.text(), "Bad Host\n");
    assert_eq!(asked("/here/7", "a.test").await.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn a_rule_apart_is_for_every_host() {
    let security = SecurityHeaders { allowed_hosts: owned(&["a.test"]), ..SecurityHeaders::default() };
    let rule = Some(Guards { apart: true, ..Guards::default() });
    let proxy =
        Proxy::start(Guarded { rule, ..Guarded::route(of(security)) }.table(below("/here"), text(200, "ok"))).await;
    assert_eq!(status(&proxy, "b.test", "").await, 200);
    assert_eq!(ask(proxy.address, Request::get("/elsewhere").header("host", "b.test")).await.text(), "Bad Host\n");
}
