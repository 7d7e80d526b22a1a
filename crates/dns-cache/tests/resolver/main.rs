//! The cache and the resolver together, against a DNS server on a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod edns;
mod hostile;
mod isolation;
mod server;
mod tls;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use backstay_dns_cache::{
    Answer, Cache, Family, LookupError, RecordKind, Resolve, ServiceAnswer, ServiceRecord, Settings, SystemResolver,
};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::{self, A, AAAA};
use server::{DnsServer, Reply};
use tokio::runtime::Handle;

async fn start(settings: Settings) -> (DnsServer, Cache) {
    let server = DnsServer::start().await;
    let resolver = Arc::new(SystemResolver::new(&[server.address.into()]).unwrap());
    let cache = Cache::new(settings, resolver, &Handle::current()).unwrap();
    (server, cache)
}

fn family(family: Family) -> Settings {
    Settings { family, ..Settings::default() }
}

async fn lookup(cache: &Cache, authority: &str) -> Result<Vec<String>, String> {
    let found = cache.lookup(authority, 80).await;
    found.map(|list| list.iter().map(ToString::to_string).collect()).map_err(|error| error.details().into_owned())
}

fn kinds(server: &DnsServer) -> Vec<RecordType> {
    server.asked().into_iter().map(|(_, kind, _)| kind).collect()
}

#[tokio::test]
async fn families_ask_what_envoy_asks() {
    for (setting, answer, asked) in [
        (Family::V4Only, vec!["10.0.0.1:80"], vec![A]),
        (Family::V6Only, vec!["[2001:db8::1]:80"], vec![AAAA]),
        (Family::Auto, vec!["[2001:db8::1]:80", "10.0.0.1:80"], vec![A, AAAA]),
        (Family::StrictAuto, vec!["[2001:db8::1]:80"], vec![AAAA]),
        (Family::V4Preferred, vec!["10.0.0.1:80"], vec![A]),
        (Family::All, vec!["10.0.0.1:80", "[2001:db8::1]:80"], vec![A, AAAA]),
    ] {
        let (server, cache) = start(family(setting)).await;
        server.set("both.example", A, Reply::Addresses(60, vec!["10.0.0.1"]));
        server.set("both.example", AAAA, Reply::Addresses(60, vec!["2001:db8::1"]));
        assert_eq!(lookup(&cache, "both.example").await.unwrap(), answer, "{setting:?}");
        assert_eq!(lookup(&cache, "Both.Example.:80").await.unwrap(), answer);
        let mut kinds = kinds(&server);
        kinds.sort();
        assert_eq!(kinds, asked, "{setting:?}: one question per family, and none for the second request");
    }
}

#[tokio::test]
async fn strict_auto_falls_back_to_ipv4() {
    let (server, cache) = start(family(Family::StrictAuto)).await;
    for (name, reply) in [("nodata.example", Reply::NoData), ("error.example", Reply::Code(ResponseCode::ServFail))] {
        server.set(name, AAAA, reply);
        server.set(name, A, Reply::Addresses(60, vec!["10.0.0.1"]));
        assert_eq!(lookup(&cache, name).await.unwrap(), ["10.0.0.1:80"]);
    }
    assert_eq!(kinds(&server), [AAAA, A, AAAA, AAAA, A], "an error is asked about twice");
}

#[tokio::test]
async fn failures_say_why_and_are_remembered() {
    let (server, cache) = start(family(Family::V4Only)).await;
    for (name, reply, details) in [
        ("nx.example", Reply::Code(ResponseCode::NXDomain), "dns_resolution_failure{nxdomain}"),
        ("nodata.example", Reply::NoData, "dns_resolution_failure{nodata}"),
        ("error.example", Reply::Code(ResponseCode::ServFail), "dns_resolution_failure{servfail}"),
        ("refused.example", Reply::Code(ResponseCode::Refused), "dns_resolution_failure{refused}"),
    ] {
        server.set(name, A, reply);
        assert_eq!(lookup(&cache, name).await.unwrap_err(), details);
        let asked = server.asked().len();
        assert!((1..=2).contains(&asked), "{asked}");
        assert_eq!(lookup(&cache, name).await.unwrap_err(), details);
        assert_eq!(server.asked(), []);
    }
    let counts = cache.stats().snapshot();
    assert_eq!((counts.dns_query_success, counts.dns_query_failure, counts.num_negative_hosts), (2, 2, 4));
}

#[tokio::test]
async fn a_silent_server_ends_in_a_timeout() {
    let (server, cache) = start(Settings { query_timeout: Duration::from_millis(50), ..family(Family::V4Only) }).await;
    server.set("mute.example", A, Reply::Silence);
    assert_eq!(lookup(&cache, "mute.example").await.unwrap_err(), "dns_resolution_failure{resolve_timeout}");
    assert_eq!(cache.stats().snapshot().dns_query_timeout, 1);
}

#[tokio::test]
async fn the_least_ttl_of_a_chain_counts() {
    let server = DnsServer::start().await;
    let resolver = SystemResolver::new(&[server.address.into()]).unwrap();
    server.set("short.example", A, Reply::Alias(6, "target.example", 60, vec!["10.0.0.1"]));
    server.set("long.example", A, Reply::Alias(60, "target.example", 7, vec!["10.0.0.1"]));
    for (name, ttl) in [("short.example", 6), ("long.example", 7)] {
        let answer = resolver.query(name.into(), RecordKind::A).await;
        assert_eq!(answer, Answer::Addresses(vec!["10.0.0.1".parse().unwrap()], Duration::from_secs(ttl)), "{name}");
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn what_does_not_fit_comes_over_tcp() {
    let (server, cache) = start(family(Family::V4Only)).await;
    server.set("big.example", A, Reply::Truncated(vec!["10.0.0.1", "10.0.0.2"]));
    assert_eq!(lookup(&cache, "big.example").await.unwrap(), ["10.0.0.1:80", "10.0.0.2:80"]);
    let transports: Vec<_> = server.asked().into_iter().map(|(.., transport)| transport).collect();
    assert_eq!(transports, ["udp", "tcp"]);
}

#[tokio::test]
async fn literals_and_nonsense_cost_no_question() {
    for setting in [Family::V4Only, Family::V6Only, Family::Auto, Family::StrictAuto, Family::V4Preferred, Family::All]
    {
        let (server, cache) = start(family(setting)).await;
        assert_eq!(lookup(&cache, "10.0.0.1:19000").await.unwrap(), ["10.0.0.1:19000"]);
        assert_eq!(lookup(&cache, "[2001:db8::1]").await.unwrap(), ["[2001:db8::1]:80"]);
        for authority in ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "h:0", "h:abc", "user@h"] {
            assert_eq!(
                lookup(&cache, authority).await.unwrap_err(),
                "dns_resolution_failure{misformatted_domain_name}"
            );
        }
        assert_eq!(lookup(&cache, "").await.unwrap_err(), "empty_host_header");
        assert_eq!((server.asked(), cache.stats().snapshot().num_hosts), (vec![], 0));
    }
}

#[tokio::test]
async fn junk_names_leave_room_for_real_ones() {
    let (server, cache) = start(Settings { max_hosts: 2, max_negative_hosts: 4, ..family(Family::V4Only) }).await;
    server.set("good.example", A, Reply::Addresses(60, vec!["10.0.0.1"]));
    server.set("better.example", A, Reply::Addresses(60, vec!["10.0.0.2"]));
    for n in 0..20 {
        lookup(&cache, &format!("junk{n}.example")).await.unwrap_err();
    }
    lookup(&cache, "good.example").await.unwrap();
    lookup(&cache, "better.example").await.unwrap();
    let full = cache.lookup("third.example", 80).await.unwrap_err();
    assert_eq!(
        (full.status(), full.body(), &*full.details(), full.flag()),
        (503, "DNS cache overflow", "dns_cache_overflow", None)
    );
    assert_eq!(full, LookupError::Overflow);
    lookup(&cache, "good.example").await.unwrap();
}

#[tokio::test]
async fn services_are_asked_for() {
    let server = DnsServer::start().await;
    let resolver = SystemResolver::new(&[server.address.into()]).unwrap();
    let records = vec![(10, 5, 8080, "One.example"), (20, 0, 0, "no-port.example"), (0, 0, 80, ".")];
    server.set("_http._tcp.example", RecordType::SRV, Reply::Services(60, records));
    server.set("_off._tcp.example", RecordType::SRV, Reply::Services(60, vec![(0, 0, 80, ".")]));
    server.set("_bad._tcp.example", RecordType::SRV, Reply::Code(ResponseCode::ServFail));
    let record = ServiceRecord { priority: 10, weight: 5, target: "one.example".into(), port: 8080 };
    for (name, answer) in [
        ("_http._tcp.example", ServiceAnswer::Records(vec![record], Duration::from_secs(60))),
        ("_off._tcp.example", ServiceAnswer::Empty("nodata".into())),
        ("_none._tcp.example", ServiceAnswer::Empty("nxdomain".into())),
        ("_bad._tcp.example", ServiceAnswer::Failed("servfail".into())),
    ] {
        assert_eq!(resolver.services(name.into()).await, answer, "{name}");
    }
}
