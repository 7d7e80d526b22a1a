//! What happens to heads on their way.

use backstay_model::{HeaderEdit, PathEdit, Redirect};
use backstay_proxy::config::{Action, Filters};
use backstay_proxy::route::Matcher;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};

use crate::support::{Answer, BackendOf, Client, Proxy, Routes, Upstream, ask, echo, raw, text, to};

#[tokio::test]
async fn the_upstream_learns_about_the_client_and_nothing_of_the_connection() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let request = Request::get("/a/b?c=d")
        .header("host", "Shop.Example:8080")
        .header("connection", "keep-alive, x-private")
        .header("x-private", "1")
        .header("keep-alive", "timeout=9")
        .header("te", "trailers")
        .header("proxy-connection", "keep-alive")
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-forwarded-proto", "https")
        .header("x-request-id", "mine");
    let answer = ask(proxy.address, request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text(),
        "GET /a/b?c=d HTTP/1.1\nconnection: te\nhost: Shop.Example:8080\nte: trailers\nx-forwarded-for: 192.0.2.7, 127.0.0.1\n\
         x-forwarded-proto: http\nx-request-id: mine\n\n"
    );
}

#[tokio::test]
async fn a_client_cannot_take_away_what_proxies_say_of_it() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let named = "host, content-length, x-forwarded-for, X-Forwarded-Host, x-forwarded-proto, x-request-id, x-private";
    let request = Request::get("/")
        .header("connection", named)
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-forwarded-host", "shop.example")
        .header("x-request-id", "mine")
        .header("x-private", "1");
    assert_eq!(
        ask(proxy.address, request).await.text(),
        "GET / HTTP/1.1\nhost: test\nx-forwarded-for: 192.0.2.7, 127.0.0.1\nx-forwarded-host: shop.example\n\
         x-forwarded-proto: http\nx-request-id: mine\n\n"
    );
}

#[tokio::test]
async fn clients_cannot_speak_for_proxies() {
    let upstream = Upstream::http1(echo).await;
    let edit = |value| HeaderEdit::Set(HeaderName::from_static("x-envoy-max-retries"), HeaderValue::from_static(value));
    let filters = Filters { request_headers: vec![edit("2")], ..Filters::default() };
    let forward = to(&BackendOf::http1(&[upstream.address]).build(), upstream.address.port());
    let table = Routes::default().rule("", Matcher::prefix("/"), filters, Action::Forward(forward)).build();
    let proxy = Proxy::start(table).await;
    let request = Request::get("/")
        .header("host", "test")
        .header("x-envoy-max-retries", "9")
        .header("x-envoy-retry-on", "5xx")
        .header("x-envoy-of-the-future", "1")
        .header("x-forwarded-client-cert", "By=me")
        .header("x-forwarded-for", "")
        .header("x-request-id", "mine");
    let answer = ask(proxy.address, request).await;
    assert_eq!(
        answer.text(),
        "GET / HTTP/1.1\nhost: test\nx-envoy-max-retries: 2\nx-forwarded-for: 127.0.0.1\nx-forwarded-proto: http\n\
         x-request-id: mine\n\n"
    );
}

#[tokio::test]
async fn only_the_expectation_to_continue_is_met_here() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let expecting = |what| Request::get("/").header("host", "test").header("expect", what);
    for (what, passed_on) in [("100-Continue", false), ("more", true)] {
        let answer = ask(proxy.address, expecting(what)).await;
        assert_eq!(answer.text().contains("expect: "), passed_on, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_target_is_no_host() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = raw(proxy.address, "GET other.test HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("invalid request target"), "{answer}");
}

#[tokio::test]
async fn each_request_without_an_id_gets_one() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    let mut ids = Vec::new();
    for id in [None, Some("")] {
        let request = Request::get("/").header("host", "test");
        let request = id.into_iter().fold(request, |request, id| request.header("x-request-id", id));
        let answer = client.send(request.body(Full::default()).unwrap()).await;
        let id = answer.text().lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        ids.push(id.to_owned());
    }
    let [first, second] = &ids[..] else { unreachable!() };
    assert_eq!((first.len(), first.matches('-').count()), (36, 4));
    assert_ne!(first, second);
}

#[tokio::test]
async fn what_belongs_to_the_upstream_connection_stays_there() {
    let upstream = Upstream::http1(|_| async {
        Response::builder()
            .status(203)
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("x-end", "2")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body(Full::from("body"))
            .unwrap()
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::NON_AUTHORITATIVE_INFORMATION, "body"));
    for gone in ["connection", "keep-alive", "x-hop"] {
        assert_eq!(answer.header(gone), "", "{gone}");
    }
    assert_eq!(answer.header("x-end"), "2");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
}

#[tokio::test]
async fn heads_are_edited_in_both_directions() {
    let upstream = Upstream::http1(|request| async {
        let mut response = echo(request).await;
        response.headers_mut().insert("x-gone", HeaderValue::from_static("1"));
        response.headers_mut().insert("x-set", HeaderValue::from_static("old"));
        response
    })
    .await;
    let name = HeaderName::from_static;
    let value = HeaderValue::from_static;
    let edits = || {
        vec![
            HeaderEdit::Set(name("x-set"), value("new")),
            HeaderEdit::Add(name("x-add"), value("more")),
            HeaderEdit::Remove(name("x-gone")),
        ]
    };
    let filters = Filters { request_headers: edits(), response_headers: edits(), ..Filters::default() };
    let backend = BackendOf::http1(&[upstream.address]).build();
    let mut forward = to(&backend, upstream.address.port());
    let mut targets = vec![crate::support::target(1, &backend, upstream.address.port())];
    let request_headers = vec![HeaderEdit::Add(name("x-add"), value("backend"))];
    targets[0].filters = Filters { request_headers, ..Filters::default() }.into();
    forward.targets = backstay_proxy::config::WeightedTargets::new(targets);
    let table = Routes::default().rule("", Matcher::prefix("/"), filters, Action::Forward(forward)).build();
    let proxy = Proxy::start(table).await;
    let request = Request::get("/").header("x-set", "old").header("x-add", "some").header("x-gone", "1");
    let answer = ask(proxy.address, request).await;
    let lines: Vec<_> = answer.text().lines().filter(|line| line.starts_with("x-") && !line.contains("-for")).collect();
    assert_eq!(lines[..3], ["x-add: backend", "x-add: more", "x-add: some"]);
    assert!(answer.text().contains("x-set: new\n") && !answer.text().contains("x-gone"));
    assert_eq!((answer.header("x-set"), answer.header("x-add"), answer.header("x-gone")), ("new", "more", ""));
}

#[tokio::test]
async fn host_and_path_are_rewritten() {
    let upstream = Upstream::http1(echo).await;
    let filters = Filters {
        rewrite_host: Some(HeaderValue::from_static("inner.example")),
        rewrite_path: Some(PathEdit::Prefix("/v2".into())),
        ..Filters::default()
    };
    let forward = to(&BackendOf::http1(&[upstream.address]).build(), upstream.address.port());
    let table = Routes::default().rule("", Matcher::prefix("/v1"), filters, Action::Forward(forward)).build();
    let proxy = Proxy::start(table).await;
    let answer = ask(proxy.address, Request::get("/v1/x?y=%20").header("host", "outer.example")).await;
    assert!(answer.text().starts_with("GET /v2/x?y=%20 HTTP/1.1\n"), "{}", answer.text());
    assert!(answer.text().contains("host: inner.example\nx-forwarded-for"), "{}", answer.text());
    assert!(answer.text().contains("x-forwarded-host: outer.example\n"), "{}", answer.text());
}

#[tokio::test]
async fn redirects_keep_what_they_do_not_change() {
    let redirect = |redirect| Action::Redirect(redirect);
    let plain = || Redirect { scheme: None, hostname: None, path: None, port: None, status: StatusCode::FOUND };
    let table = Routes::default()
        .rule("", Matcher::prefix("/same"), Filters::default(), redirect(plain()))
        .rule(
            "",
            Matcher::prefix("/secure"),
            Filters::default(),
            redirect(Redirect { scheme: Some("https".into()), status: StatusCode::MOVED_PERMANENTLY, ..plain() }),
        )
        .rule(
            "",
            Matcher::prefix("/moved"),
            Filters::default(),
            redirect(Redirect {
                hostname: Some("new.example".into()),
                path: Some(PathEdit::Prefix("/there".into())),
                port: std::num::NonZeroU16::new(8443),
                status: StatusCode::PERMANENT_REDIRECT,
                ..plain()
            }),
        )
        .build();
    let proxy = Proxy::start(table).await;
    let port = proxy.address.port();
    let location = async |path: &str, host: &str| {
        let answer = ask(proxy.address, Request::get(path).header("host", host)).await;
        (answer.status.as_u16(), answer.header("location").to_owned())
    };
    assert_eq!(location("/same?q=1", "a.example:1").await, (302, format!("http://a.example:{port}/same?q=1")));
    assert_eq!(location("/secure/x", "A.example").await, (301, "https://a.example/secure/x".into()));
    assert_eq!(location("/moved/x?q=1", "[::1]").await, (308, "http://new.example:8443/there/x?q=1".into()));
    assert_eq!(location("/secure", "[::1]:9").await, (301, "https://[::1]/secure".into()));
}

#[tokio::test]
async fn answers_to_head_keep_their_length_and_have_no_body() {
    let upstream = Upstream::http1(|request| async move {
        assert_eq!(request.method(), Method::HEAD);
        Response::builder().header("content-length", "5").body(Empty::new()).unwrap()
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..3 {
        let answer = client.send(Request::head("/").header("host", "a").body(Full::default()).unwrap()).await;
        assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, "5"));
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn answers_without_body_leave_the_connection_usable() {
    for status in [204, 304] {
        let upstream =
            Upstream::http1(move |_| async move { Response::builder().status(status).body(Empty::new()).unwrap() })
                .await;
        let proxy = Proxy::start(Routes::to(upstream.address)).await;
        let mut client = Client::connect(proxy.address).await;
        for _ in 0..3 {
            assert_eq!(client.get("/").await.status, status);
        }
        assert_eq!(upstream.connections(), 1);
    }
}

#[tokio::test]
async fn the_words_of_a_status_line_pass_through() {
    let upstream = Upstream::serve(|stream| async move {
        use tokio::io::AsyncWriteExt;
        let mut stream = stream;
        crate::support::Raw::head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 299 Quite Fine\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 299 Quite Fine\r\n"), "{answer}");
}

#[tokio::test]
async fn what_no_route_takes_is_not_found_and_what_an_operator_wrote_is_said() {
    let table = Routes::default().rule("a", Matcher::prefix("/x"), Filters::default(), text(418, "tea")).build();
    let proxy = Proxy::start(table).await;
    let mut client = Client::connect(proxy.address).await;
    let missing: Answer = client.get("/x").await;
    assert_eq!((missing.status, missing.text()), (StatusCode::NOT_FOUND, ""));
    let request = Request::post("/x").header("host", "A:1").body(Full::from("unread")).unwrap();
    let answer = client.send(request).await;
    assert_eq!((answer.status.as_u16(), answer.text(), answer.header("content-type")), (418, "tea", "text/plain"));
}
