//! What a service says is what its clients and its backends see.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use tokio::sync::Semaphore;

use super::world::World;
use crate::harness::tls::Authority;
use crate::harness::traffic::{Answer, Client};
use crate::harness::{PATIENCE, Upstream, port};

const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// An upstream that tells its name, the path and the host that it sees, and `X-Forwarded-For`.
async fn telling(name: &'static str) -> Upstream {
    let header = |headers: &HeaderMap, name: &str| {
        headers.get(name).map_or_else(|| "none".to_owned(), |value| value.to_str().unwrap().to_owned())
    };
    Upstream::start(ANYWHERE, move |seen| async move {
        let (host, from) = (header(&seen.headers, "host"), header(&seen.headers, "x-forwarded-for"));
        Response::new(format!("{name} {} {host} {from}", seen.uri.path()).into())
    })
    .await
}

/// The fields of a form.
type Form<'a> = &'a [(&'a str, &'a str)];

/// The status, and the title of the page that tells a failure.
fn failure(answer: &Answer) -> (u16, String) {
    let text = answer.text();
    let title = text.split_once("<title>503 ").and_then(|(_, rest)| rest.split_once("</title>"));
    (answer.status.as_u16(), title.map_or_else(|| text.clone(), |(title, _)| title.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_have_backends_of_their_own_and_others_are_unknown() {
    let world = World::start("hosts", &["www.h.example", "api.h.example", "*.h.example"]).await;
    let (www, api) = (Upstream::answering("www").await, Upstream::answering("api").await);
    world.condition("www", "100", r#"req.http.host == "www.h.example""#).await;
    world.condition("api", "10", r#"std.tolower(req.http.host) == "api.h.example""#).await;
    world.backend("www", www.port(), &[("request_condition", "www")]).await;
    world.backend("api", api.port(), &[("request_condition", "api"), ("auto_loadbalance", "1")]).await;
    world.activate().await;
    assert_eq!(world.get("www.h.example", "/").await.text(), "www");
    assert_eq!(world.get("API.h.example:80", "/").await.text(), "api");
    let none = world.get("other.h.example", "/").await;
    assert_eq!(failure(&none), (503, "No default director found".to_owned()));
    assert_eq!(none.headers["x-backend"], "cause=no_destination");
    for host in ["a.b.h.example", "else.example"] {
        let unknown = world.get(host, "/").await;
        let rest = "Please check that this domain has been added to a service.";
        assert_eq!(unknown.text(), format!("Fastly error: unknown domain: {host}. {rest}"));
        assert_eq!(unknown.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_conditions_that_hold_the_last_one_counts() {
    let world = World::start("paths", &["p.example"]).await;
    let mut upstreams = Vec::new();
    for name in ["main", "services", "images", "writes", "parked"] {
        upstreams.push(Upstream::answering(name).await);
    }
    world.condition("services path", "10", r#"req.url.path ~ "^/(services|content/dam)/""#).await;
    world.condition("images / all", "30", r#"req.url.ext ~ "(?i)^(gif|png)$" && !(req.url ~ "^/raw/")"#).await;
    world.condition("not GET", "5", r#"req.request != "GET" && req.request != "HEAD""#).await;
    world.condition("never", "100", "!req.url").await;
    world.backend("Main 5/DA Origin", upstreams[0].port(), &[]).await;
    let conditions = ["services path", "images / all", "not GET", "never"];
    for (upstream, condition) in upstreams[1..].iter().zip(conditions) {
        world.backend(condition, upstream.port(), &[("request_condition", condition)]).await;
    }
    world.activate().await;
    let table = [
        ("GET", "/", "main"),
        ("GET", "/services/x", "services"),
        ("GET", "/services/x.PNG", "images"),
        ("GET", "/raw/x.png", "main"),
        ("POST", "/services/x", "services"),
        ("POST", "/", "writes"),
    ];
    for (method, path, expected) in table {
        assert_eq!(world.send(method, "p.example", path, &[]).await.text(), expected, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_object_moves_traffic_from_a_backend_that_is_sick() {
    let world = World::start("failover", &["f.example"]).await;
    let healthy = Arc::new(AtomicBool::new(true));
    let health = Arc::clone(&healthy);
    let primary = Upstream::start(ANYWHERE, move |seen| {
        let sick = seen.uri.path() == "/up" && !health.load(Ordering::Relaxed);
        async move {
            let status = if sick { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
            Response::builder().status(status).body(Bytes::from("primary")).unwrap()
        }
    })
    .await;
    let mirror = Upstream::answering("mirror").await;
    let check = [
        ("name", "check"),
        ("host", "f.example"),
        ("path", "/up"),
        ("check_interval", "1000"),
        ("initial", "1"),
        ("threshold", "1"),
        ("window", "1"),
    ];
    world.make("healthcheck", &check).await;
    world.condition("Primary Down", "11", "req.restarts > 0 || !req.backend.healthy").await;
    world.condition("never", "1", r#"req.http.X == "1" && req.http.X != "1""#).await;
    world.backend("primary", primary.port(), &[("healthcheck", "check")]).await;
    world.backend("mirror", mirror.port(), &[("request_condition", "never")]).await;
    let header = [
        ("name", "use mirror"),
        ("action", "set"),
        ("type", "request"),
        ("dst", "backend"),
        ("src", "F_mirror"),
        ("request_condition", "Primary Down"),
    ];
    world.make("header", &header).await;
    world.activate().await;
    assert_eq!(world.get("f.example", "/").await.text(), "primary");
    healthy.store(false, Ordering::Relaxed);
    world.until("f.example", "/", |answer| answer.text() == "mirror").await;
    healthy.store(true, Ordering::Relaxed);
    world.until("f.example", "/", |answer| answer.text() == "primary").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_responses_are_what_settings_and_header_objects_make_of_them() {
    let world = World::start("headers", &["u.example"]).await;
    let upstream = telling("o").await;
    world.backend("o", upstream.port(), &[]).await;
    world.condition("robots", "0", r#"req.url.path == "/robots.txt""#).await;
    let robots = [
        ("name", "robots"),
        ("status", "200"),
        ("content", "User-agent: *"),
        ("content_type", "text/plain"),
        ("request_condition", "robots"),
    ];
    world.make("response_object", &robots).await;
    let edge = [
        ("name", "edge"),
        ("type", "response"),
        ("action", "set"),
        ("dst", "http.X-Edge"),
        ("src", r#""e" req.url.path"#),
    ];
    world.make("header", &edge).await;
    let target = [
        ("name", "target"),
        ("type", "request"),
        ("action", "regex"),
        ("dst", "url"),
        ("src", "req.url"),
        ("regex", "^/old/(.*)"),
        ("substitution", r"/new/\1"),
    ];
    world.make("header", &target).await;
    world.make("request_settings", &[("name", "r"), ("xff", "leave"), ("default_host", "in.example")]).await;
    world.activate().await;
    let robots = world.get("u.example", "/robots.txt").await;
    assert_eq!(
        (robots.text().as_str(), &robots.headers["x-edge"]),
        ("User-agent: *", &"e/robots.txt".parse().unwrap())
    );
    assert_eq!(world.get("u.example", "/old/a").await.text(), "o /new/a in.example none");
    let forwarded = world.send("GET", "u.example", "/", &[("x-forwarded-for", "192.0.2.1, 192.0.2.2")]).await;
    assert_eq!(forwarded.text(), "o / in.example 192.0.2.1, 192.0.2.2");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_dictionaries_count_without_a_new_version() {
    let world = World::start("lists", &["l.example"]).await;
    let upstream = telling("o").await;
    world.backend("o", upstream.port(), &[("override_host", "in.example")]).await;
    let list = world.make("acl", &[("name", "blocked")]).await["id"].as_str().unwrap().to_owned();
    let dictionary = world.make("dictionary", &[("name", "moved")]).await["id"].as_str().unwrap().to_owned();
    world.condition("blocked", "0", "client.ip ~ blocked").await;
    let answer = [("name", "no"), ("status", "403"), ("content", "no"), ("request_condition", "blocked")];
    world.make("response_object", &answer).await;
    world.condition("moved", "1", "table.contains(moved, req.url.path)").await;
    let target = [
        ("name", "moved"),
        ("type", "request"),
        ("action", "set"),
        ("dst", "url"),
        ("src", "table.lookup(moved, req.url.path)"),
        ("request_condition", "moved"),
    ];
    world.make("header", &target).await;
    world.activate().await;
    assert!(world.get("l.example", "/a").await.text().starts_with("o /a in.example"));
    let item = format!("/service/{}/dictionary/{dictionary}/item/%2Fa", world.id);
    assert_eq!(world.fastly.put(&item, &[("item_value", "/b")]).await.status, StatusCode::OK);
    world.until("l.example", "/a", |answer| answer.text().starts_with("o /b ")).await;
    let entry = format!("/service/{}/acl/{list}/entry", world.id);
    world.fastly.make(&entry, &[("ip", "127.0.0.0"), ("subnet", "8")]).await;
    world.until("l.example", "/a", |answer| answer.status == StatusCode::FORBIDDEN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_why_in_the_words_that_clients_know() {
    let world = World::start("failures", &["t.example"]).await;
    let silent = Upstream::start(ANYWHERE, |_| std::future::pending()).await;
    let closed = port::free();
    world.condition("slow", "1", r#"req.url ~ "^/slow""#).await;
    world.condition("plain", "2", "req.http.X-Tls").await;
    world.backend("closed", closed, &[]).await;
    world.backend("silent", silent.port(), &[("request_condition", "slow"), ("first_byte_timeout", "300")]).await;
    world.make("request_settings", &[("name", "tls"), ("force_ssl", "1"), ("request_condition", "plain")]).await;
    world.activate().await;
    let refused = world.get("t.example", "/").await;
    assert_eq!(failure(&refused), (503, "Connection refused".to_owned()));
    assert_eq!(refused.headers["x-backend"], "F_closed; cause=connect_failure");
    assert_eq!(failure(&world.get("t.example", "/slow").await), (503, "first byte timeout".to_owned()));
    let moved = world.send("GET", "t.example", "/a?b", &[("x-tls", "1")]).await;
    assert_eq!((moved.status.as_u16(), &moved.headers["location"]), (301, &"https://t.example/a?b".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_max_conn_is_refused_at_once_and_free_again_afterwards() {
    let world = World::start("limit", &["m.example"]).await;
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let upstream = Upstream::start(ANYWHERE, move |seen| {
        let gate = Arc::clone(&opened);
        async move {
            if seen.uri.path() == "/held" {
                gate.acquire().await.unwrap().forget();
            }
            Response::new(Bytes::from("served"))
        }
    })
    .await;
    world.backend("o", upstream.port(), &[("max_conn", "1")]).await;
    world.activate().await;
    let (client, listener) = (world.client.clone(), world.listener);
    let held = tokio::spawn(async move { client.get(listener, "m.example", "/held").await });
    let arrived = async {
        while upstream.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
    for _ in 0..4 {
        // Connections of clients are spread over the proxy's threads, which have one limit.
        let answer = Client::new().get(world.listener, "m.example", "/").await.unwrap();
        assert_eq!(failure(&answer), (503, "Backend.max_conn reached".to_owned()));
    }
    gate.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap().text(), "served");
    world.until("m.example", "/", |answer| answer.text() == "served").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_spreads_by_weight_and_weight_0_takes_nothing() {
    let world = World::start("pool", &["b.example"]).await;
    let upstreams = [Upstream::answering("a").await, Upstream::answering("b").await, Upstream::answering("c").await];
    for (upstream, (name, weight)) in upstreams.iter().zip([("a", "100"), ("b", "100"), ("c", "0")]) {
        world.backend(name, upstream.port(), &[("auto_loadbalance", "1"), ("weight", weight)]).await;
    }
    world.activate().await;
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        seen.insert(world.get("b.example", "/").await.text());
    }
    assert_eq!(seen, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_tls_are_sent_and_verified_as_the_backend_says() {
    let world = World::start("tls", &["s.example"]).await;
    let authority = Authority::new();
    let pair = authority.issue(&["origin.example", "*.herd.example"]);
    let upstream = Upstream::start_tls(pair.acceptor(&["http/1.1"]), |seen| async move {
        Response::new(seen.server_name.unwrap_or_else(|| "no name".to_owned()).into())
    })
    .await;
    let ca = authority.pem();
    let wildcard = [("ssl_ca_cert", ca.as_str()), ("ssl_cert_hostname", "*.herd.example")];
    let table: [(&str, Form<'_>, &str); 5] = [
        (
            "named",
            &[("ssl_ca_cert", &ca), ("ssl_cert_hostname", "origin.example"), ("ssl_sni_hostname", "sni.example")],
            "sni.example",
        ),
        ("both", &[("ssl_ca_cert", &ca), ("ssl_hostname", "origin.example")], "origin.example"),
        ("wildcard", &wildcard, "no name"),
        ("unverified", &[("ssl_check_cert", "0"), ("ssl_sni_hostname", "10.0.0.9")], "no name"),
        (
            "other",
            &[("ssl_ca_cert", &ca), ("ssl_cert_hostname", "else.example")],
            "hostname doesn&#39;t match against certificate",
        ),
    ];
    for (name, fields, _) in &table {
        world.condition(name, "1", &format!(r#"req.url.path == "/{name}""#)).await;
        let fields = [&[("use_ssl", "1"), ("request_condition", name)], *fields].concat();
        world.backend(name, upstream.port(), &fields).await;
    }
    world.activate().await;
    for (name, _, expected) in table {
        assert_eq!(failure(&world.get("s.example", &format!("/{name}")).await).1, expected, "{name}");
    }
}
