//! Which backend serves a request.

use backstay_model::Respond;
use backstay_proxy::config::{Action, Edits, Filters, Target, WeightedTarget, WeightedTargets};
use backstay_proxy::route::{HeaderMatch, Matcher, PathMatch, QueryMatch, ValueMatch};
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::support::{BackendOf, Client, Proxy, Routes, Upstream, ask, target, text, to};

async fn named(name: &'static str) -> Upstream {
    Upstream::http1(move |_| async move { Response::new(Full::from(name)) }).await
}

#[tokio::test]
async fn the_first_match_that_holds_decides() {
    let mut special = Matcher::prefix("/");
    special.method = Some(Method::PUT);
    special.headers = [HeaderMatch { name: HeaderName::from_static("tier"), value: ValueMatch::exact("gold") }].into();
    special.query = [QueryMatch { name: "on".into(), value: ValueMatch::exact("1") }].into();
    let none = Filters::default;
    let table = Routes::default()
        .rule("a.example", Matcher::path(PathMatch::Exact("/x".into())), none(), text(200, "exact"))
        .rule("a.example", special, none(), text(200, "special"))
        .rule("a.example", Matcher::prefix("/"), none(), text(200, "rest"))
        .rule("*.example", Matcher::prefix("/"), none(), text(200, "wildcard"))
        .build();
    let proxy = Proxy::start(table).await;
    let at = async |method: Method, host: &str, path: &str, tier: &str| {
        let request = Request::builder().method(method).uri(path).header("host", host).header("tier", tier);
        let answer = ask(proxy.address, request).await;
        if answer.status == 404 { "none".to_owned() } else { answer.text().to_owned() }
    };
    assert_eq!(at(Method::GET, "a.example", "/x?q", "").await, "exact");
    assert_eq!(at(Method::GET, "A.EXAMPLE.", "/x/", "").await, "rest");
    assert_eq!(at(Method::PUT, "a.example:81", "/y?on=1", "gold").await, "special");
    assert_eq!(at(Method::PUT, "a.example", "/y?on=2&on=1", "gold").await, "rest");
    assert_eq!(at(Method::GET, "b.example", "/x", "").await, "wildcard");
    assert_eq!(at(Method::GET, "example", "/x", "").await, "none");
    assert_eq!(at(Method::OPTIONS, "a.example", "/", "").await, "rest");
}

#[tokio::test]
async fn targets_share_by_weight_and_a_weight_of_zero_takes_none() {
    let (one, two, never) = (named("one").await, named("two").await, named("never").await);
    let to_target = |weight, upstream: &Upstream| {
        target(weight, &BackendOf::http1(&[upstream.address]).build(), upstream.address.port())
    };
    let mut forward = to(&BackendOf::http1(&[one.address]).build(), one.address.port());
    forward.targets = WeightedTargets::new(vec![
        to_target(0, &never),
        to_target(3, &one),
        to_target(1, &two),
        WeightedTarget {
            weight: 1,
            target: Target::Respond(Box::new(Respond::text(StatusCode::INTERNAL_SERVER_ERROR, "invalid"))),
            filters: Edits::default(),
        },
        to_target(0, &never),
    ]);
    let proxy = Proxy::start(Routes::all(forward)).await;
    let mut client = Client::connect(proxy.address).await;
    let mut counts = std::collections::HashMap::<String, u32>::new();
    for _ in 0..1000 {
        *counts.entry(client.get("/").await.text().to_owned()).or_default() += 1;
    }
    // 600, 200 and 200 are expected; ten standard deviations are below 160.
    assert_eq!(counts.get("never"), None);
    assert!((450..750).contains(&counts["one"]), "{counts:?}");
    assert!((75..325).contains(&counts["two"]), "{counts:?}");
    assert!((75..325).contains(&counts["invalid"]), "{counts:?}");
}

#[tokio::test]
async fn a_rule_without_usable_targets_answers_500() {
    let upstream = named("x").await;
    let backend = BackendOf::http1(&[upstream.address]).build();
    for targets in [vec![], vec![target(0, &backend, upstream.address.port())]] {
        let mut forward = to(&backend, upstream.address.port());
        forward.targets = WeightedTargets::new(targets);
        let proxy = Proxy::start(Routes::all(forward)).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 500);
    }
}

#[tokio::test]
async fn addresses_of_a_backend_take_turns_and_follow_their_list() {
    let first = Upstream::http1(|_| async { Response::new(Full::from("127.0.0.1")) }).await;
    let port = first.address.port();
    let second = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = second.accept().await.unwrap();
            let service = hyper::service::service_fn(|_| async {
                Ok::<_, std::convert::Infallible>(Response::new(Full::<bytes::Bytes>::from("127.0.0.2")))
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let both = BackendOf::http1(&[first.address, (std::net::Ipv4Addr::new(127, 0, 0, 2), port).into()]).build();
    let table =
        Routes::default().rule("", Matcher::prefix("/"), Filters::default(), Action::Forward(to(&both, port))).build();
    let proxy = Proxy::start(table).await;
    let mut client = Client::connect(proxy.address).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(client.get("/").await.text().to_owned());
    }
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");

    both.set_endpoints(vec![backstay_upstream::Endpoint::ip("127.0.0.2".parse().unwrap())]);
    for _ in 0..4 {
        assert_eq!(client.get("/").await.text(), "127.0.0.2");
    }
    both.set_endpoints(vec![]);
    let answer = client.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, "no healthy upstream"));
    task.abort();
}
