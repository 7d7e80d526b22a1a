//! What is believed of proxies in front, as upstreams and clients see it.

use std::collections::BTreeSet;

use backstay_model::{HashKind, HashPolicy, Redirect};
use backstay_proxy::Trust;
use backstay_proxy::config::{Action, Filters};
use backstay_proxy::route::Matcher;
use backstay_proxy::server::Options;
use http::{Request, StatusCode};

use crate::balancing::{backend, maglev, numbered};
use crate::support::{ANY_PORT, Proxy, Routes, Upstream, access_log, ask, echo, socket, to};

fn passed_on() -> http::request::Builder {
    Request::get("/a?b").header("x-forwarded-for", "203.0.113.9").header("x-forwarded-proto", "https")
}

fn trusts() -> [(Trust, bool); 5] {
    [
        (Trust::default(), false),
        (Trust::networks(["192.0.2.0/24"]).unwrap(), false),
        (Trust::networks(["192.0.2.0/24", "127.0.0.1"]).unwrap(), true),
        (Trust::hops(1), true),
        (Trust::hops(0), false),
    ]
}

#[tokio::test]
async fn a_load_balancer_that_is_trusted_says_who_asks_and_by_what_scheme() {
    let upstream = Upstream::http1(echo).await;
    for (trust, believed) in trusts() {
        let label = format!("{trust:?}");
        let (log, lines) = access_log();
        let options = Options { access_log: Some(log), trust, ..Options::default() };
        let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(upstream.address))).await;
        let answer = ask(proxy.address, passed_on()).await;
        let scheme = if believed { "https" } else { "http" };
        for line in ["x-forwarded-for: 203.0.113.9, 127.0.0.1", &format!("x-forwarded-proto: {scheme}")] {
            assert!(answer.text().lines().any(|is| is == line), "{label}: {line}: {}", answer.text());
        }
        let client = lines.next()["client"].as_str().unwrap().to_owned();
        assert_eq!(client == "203.0.113.9:0", believed, "{label}: {client}");
        assert_eq!(client.starts_with("127.0.0.1:"), !believed, "{label}: {client}");
        // Who says nothing is asked nothing.
        let answer = ask(proxy.address, Request::get("/")).await;
        assert!(answer.text().contains("x-forwarded-proto: http\n"), "{label}: {}", answer.text());
        assert!(answer.text().contains("x-forwarded-for: 127.0.0.1\n"), "{label}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_redirect_keeps_the_scheme_that_the_client_spoke_to_the_load_balancer() {
    let redirect = Redirect { scheme: None, hostname: None, port: None, path: None, status: StatusCode::FOUND };
    for (trust, believed) in trusts() {
        let label = format!("{trust:?}");
        let action = Action::Redirect(redirect.clone());
        let table = Routes::default().rule("", Matcher::prefix("/"), Filters::default(), action).build();
        let proxy = Proxy::with(Options { trust, ..Options::default() }, socket(ANY_PORT, table)).await;
        let own = format!("http://a.test:{}/a?b", proxy.address.port());
        let location = |request: http::request::Builder| ask(proxy.address, request.header("host", "a.test"));
        let expected = if believed { "https://a.test/a?b" } else { &own };
        assert_eq!(location(passed_on()).await.header("location"), expected, "{label}");
        let expected = if believed { "https://a.test:8443/a?b" } else { &own };
        let asked = passed_on().header("x-forwarded-port", "8443");
        assert_eq!(location(asked).await.header("location"), expected, "{label}");
    }
}

/// `sourceIp` hashing keeps a client where it is, and not a load balancer.
#[tokio::test]
async fn clients_behind_a_trusted_load_balancer_are_told_apart() {
    let (_upstreams, endpoints) = numbered(4).await;
    for (trust, several) in [(Trust::default(), false), (Trust::hops(1), true)] {
        let mut backend = backend(endpoints.clone(), maglev());
        backend.policy.hash = [HashPolicy { kind: HashKind::SourceIp, terminal: false }].into();
        let table = Routes::all(to(&backend.build(), 1));
        let proxy = Proxy::with(Options { trust, ..Options::default() }, socket(ANY_PORT, table)).await;
        let mut seen = BTreeSet::new();
        for client in 0..40 {
            let request = Request::get("/").header("x-forwarded-for", format!("203.0.113.{client}"));
            seen.insert(ask(proxy.address, request).await.text().to_owned());
        }
        assert_eq!(seen.len() > 1, several, "{seen:?}");
    }
}
