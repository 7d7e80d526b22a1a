//! Names, from a DNS server on a socket to the upstreams that they lead to.

use std::path::Path;

use backstay_proto::config::{AddressRules, Backend, DnsCache, DynamicForward, backend, dns_cache, endpoint, resource};
use backstay_proxy::{Options, Proxy};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::dns_server::{DnsServer, Reply};
use crate::plane::{ControlPlane, free_port};
use crate::traffic::{Upstream, get};
use crate::{acknowledged, admin, backend as fixed, listener, options, route, with_state};

fn asking(server: &DnsServer, options: Options) -> Options {
    Options { dns_servers: vec![server.address.into()], ..options }
}

fn dynamic(rules: Option<AddressRules>) -> resource::Kind {
    with_cache(rules, DnsCache::default())
}

pub(crate) fn with_cache(rules: Option<AddressRules>, cache: DnsCache) -> resource::Kind {
    let cache = DnsCache { lookup_family: dns_cache::LookupFamily::V4Only.into(), ..cache };
    let forward = DynamicForward { dns_cache: Some(cache), address_rules: rules, ..DynamicForward::default() };
    resource::Kind::Backend(Backend {
        discovery: Some(backend::Discovery::DynamicForward(forward)),
        ..Backend::default()
    })
}

pub(crate) fn loopback() -> Option<AddressRules> {
    Some(AddressRules { allow: vec!["127.0.0.0/8".into()], ..AddressRules::default() })
}

async fn dns(proxy: &Proxy) -> serde_json::Value {
    serde_json::from_str(&admin(proxy, "/dns").await.1).unwrap()
}

#[tokio::test]
async fn a_name_leads_to_no_address_that_is_denied() {
    let server = DnsServer::start().await;
    let upstream = Upstream::start("127.0.0.1:0", "inside").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(asking(&server, options(Some(plane.address)))).await.unwrap();
    plane.put(vec![("listener/n/g/http", listener(listen)), ("backend/web", dynamic(None)), ("route/n/web", route(0))]);
    acknowledged(&mut plane, 1).await;
    let port = upstream.port();
    server.set("rebound.example", RecordType::A, Reply::Addresses(60, vec!["127.0.0.1"]));
    server.set("partly.example", RecordType::A, Reply::Addresses(60, vec!["169.254.169.254", "127.0.0.1"]));
    for host in ["rebound.example", "partly.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        assert_eq!(
            get(listen, &format!("{host}:{port}"), "/").await,
            (503, "DNS resolution failure".to_owned()),
            "{host}"
        );
    }
    let metrics = admin(&proxy, "/metrics").await.1;
    let line = "backstay_dns_cache_dns_address_filter_out_total{backend=\"backend/web\"} 7";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
    let hosts = dns(&proxy).await["caches"][0]["hosts"].clone();
    assert_eq!((&hosts[0]["state"], &hosts[0]["lastError"]), (&"failed".into(), &"address_denied".into()));

    plane.put(vec![("backend/web", dynamic(loopback()))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, &format!("127.0.0.1:{port}"), "/").await, (200, "inside".to_owned()));
    // The names that failed are asked for again when the rules change; how soon that is over is not said.
    while get(listen, &format!("partly.example:{port}"), "/").await.0 != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(listen, "127.0.0.1:0", "/").await.0, 400, "no such port");

    plane.put(vec![("backend/web", dynamic(None))]);
    acknowledged(&mut plane, 3).await;
    for host in ["partly.example", "127.0.0.1"] {
        assert_eq!(get(listen, &format!("{host}:{port}"), "/").await.0, 503, "at once, whatever was known: {host}");
    }
    proxy.shutdown().await;
}

async fn known_host(directory: &Path, server: &DnsServer) -> (Proxy, u16, Upstream) {
    let upstream = Upstream::start("127.0.0.1:0", "known").await;
    server.set("known.example", RecordType::A, Reply::Addresses(60, vec!["127.0.0.1"]));
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(asking(server, with_state(Some(plane.address), directory))).await.unwrap();
    plane.put(vec![
        ("listener/n/g/http", listener(listen)),
        ("backend/web", dynamic(loopback())),
        ("route/n/web", route(0)),
    ]);
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, &format!("known.example:{}", upstream.port()), "/").await.1, "known");
    (proxy, listen, upstream)
}

#[tokio::test]
async fn a_proxy_that_restarts_reaches_known_names_while_dns_is_away() {
    let server = DnsServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    let (proxy, listen, upstream) = known_host(directory.path(), &server).await;
    proxy.shutdown().await;

    server.set("known.example", RecordType::A, Reply::Code(ResponseCode::ServFail));
    let host = format!("known.example:{}", upstream.port());
    let again = Proxy::start(asking(&server, with_state(None, directory.path()))).await.unwrap();
    assert_eq!(get(listen, &host, "/").await, (200, "known".to_owned()));
    let hosts = dns(&again).await["caches"][0]["hosts"].clone();
    assert_eq!(
        (&hosts[0]["host"], &hosts[0]["addresses"][0]),
        (&host.clone().into(), &host.replace("known.example", "127.0.0.1").into())
    );
    let metrics = admin(&again, "/metrics").await.1;
    assert!(metrics.contains("backstay_dns_cache_cache_load_total{backend=\"backend/web\"} 1"), "{metrics}");
    again.shutdown().await;

    let file = directory.path().join("dns-cache");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.starts_with(&format!("backend/web\t{host}|")), "{kept}");
    std::fs::write(&file, format!("what is this?\n{kept}")).unwrap();
    let damaged = Proxy::start(asking(&server, with_state(None, directory.path()))).await.unwrap();
    assert_eq!(get(listen, &host, "/").await.1, "known", "bad lines are skipped");
    damaged.shutdown().await;
}

/// A proxy that asks `server` and goes wherever the names lead.
async fn open_proxy(server: &DnsServer, cache: DnsCache) -> (Proxy, ControlPlane, u16) {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(asking(server, options(Some(plane.address)))).await.unwrap();
    plane.put(vec![
        ("listener/n/g/http", listener(listen)),
        ("backend/web", with_cache(loopback(), cache)),
        ("route/n/web", route(0)),
    ]);
    acknowledged(&mut plane, 1).await;
    (proxy, plane, listen)
}

#[tokio::test]
async fn settings_of_a_cache_change_and_what_it_knows_stays() {
    let server = DnsServer::start().await;
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let host = |name: &str| format!("{name}.example:{}", upstream.port());
    for name in ["one.example", "two.example", "three.example"] {
        server.set(name, RecordType::A, Reply::Addresses(60, vec!["127.0.0.1"]));
    }
    let of_size = |max_hosts| DnsCache { max_hosts, ..DnsCache::default() };
    let (proxy, mut plane, listen) = open_proxy(&server, of_size(1)).await;
    let full = (503, "DNS cache overflow".to_owned());
    assert_eq!(get(listen, &host("one"), "/").await.1, "here");
    assert_eq!(get(listen, &host("two"), "/").await, full);

    plane.put(vec![("backend/web", with_cache(loopback(), of_size(2)))]);
    acknowledged(&mut plane, 2).await;
    for (name, expected) in [("one", "here"), ("two", "here"), ("three", "DNS cache overflow")] {
        assert_eq!(get(listen, &host(name), "/").await.1, expected, "{name}");
    }
    let hour = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
    let other = DnsCache { host_ttl: hour, min_refresh_rate: hour, max_pending_requests: 7, ..of_size(1) };
    plane.put(vec![("backend/web", with_cache(loopback(), other))]);
    acknowledged(&mut plane, 3).await;
    for (name, expected) in [("one", "here"), ("two", "here"), ("three", "DNS cache overflow")] {
        assert_eq!(get(listen, &host(name), "/").await.1, expected, "{name}");
    }
    let asked: Vec<_> = server.asked().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(asked, ["one.example", "two.example"], "nothing that was known is asked for again");
    proxy.shutdown().await;
}

#[tokio::test]
async fn addresses_outlive_lookups_that_fail_for_as_long_as_the_policy_says() {
    let server = DnsServer::start().await;
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let host = format!("one.example:{}", upstream.port());
    let second = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let often = |max_stale| DnsCache {
        refresh_rate: second,
        min_refresh_rate: second,
        host_ttl: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        max_stale,
        ..DnsCache::default()
    };
    server.set("one.example", RecordType::A, Reply::Addresses(1, vec!["127.0.0.1"]));
    let (proxy, mut plane, listen) = open_proxy(&server, often(None)).await;
    assert_eq!(get(listen, &host, "/").await.1, "here");
    server.set("one.example", RecordType::A, Reply::Code(ResponseCode::ServFail));
    while dns(&proxy).await["caches"][0]["hosts"][0]["state"] != "stale" {
        assert_eq!(get(listen, &host, "/").await.1, "here");
    }
    assert_eq!(get(listen, &host, "/").await.1, "here", "for ever, unless something is said");

    plane.put(vec![("backend/web", with_cache(loopback(), often(Some(prost_types::Duration::default()))))]);
    acknowledged(&mut plane, 2).await;
    // It has been stale for some time already.
    while get(listen, &host, "/").await != (503, "DNS resolution failure".to_owned()) {}
    server.set("one.example", RecordType::A, Reply::Addresses(1, vec!["127.0.0.1"]));
    while get(listen, &host, "/").await.1 != "here" {}
    proxy.shutdown().await;
}

#[tokio::test]
async fn a_service_names_its_servers_and_their_ports() {
    let server = DnsServer::start().await;
    let (one, two) = (Upstream::start("127.0.0.1:0", "one").await, Upstream::start("127.0.0.2:0", "two").await);
    let records = vec![(0, 5, one.port(), "a.example"), (0, 5, two.port(), "b.example")];
    server.set("_http._tcp.example", RecordType::SRV, Reply::Services(60, records));
    server.set("a.example", RecordType::A, Reply::Addresses(60, vec!["127.0.0.1"]));
    server.set("b.example", RecordType::A, Reply::Addresses(60, vec!["127.0.0.2"]));
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(asking(&server, options(Some(plane.address)))).await.unwrap();
    plane.put(vec![
        ("listener/n/g/http", listener(listen)),
        ("backend/web", fixed(vec![endpoint::Host::Srv("_http._tcp.Example.".into())])),
        ("route/n/web", route(1)),
    ]);
    acknowledged(&mut plane, 1).await;
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(get(listen, "any.example", "/").await.1);
    }
    for name in ["one", "two"] {
        assert!(answers.iter().any(|answer| answer == name), "{answers:?}");
    }
    let endpoints = dns(&proxy).await["endpoints"].clone();
    assert_eq!(endpoints[0]["name"], "_http._tcp.example", "{endpoints}");
    proxy.shutdown().await;
}
