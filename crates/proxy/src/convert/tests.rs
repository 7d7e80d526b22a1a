use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use backstay_dns_cache::Family;
use backstay_proto::config::{
    Attachment, Backend, BackendRef, ClientTls, DnsCache, DynamicForward, Endpoint, Filter, Forward, Header,
    HeaderModifier, Listener, Match, Mirror, NamedMatch, PathMatch, PathModifier, Redirect, Resource, Respond, Route,
    Rule, Secret, ServerTls, StaticEndpoints, Timeouts, UrlRewrite, WeightedBackend, backend, endpoint, filter,
    listener, named_match, path_match, path_modifier, resource, rule, secret, weighted_backend,
};
use prost::Message;

use super::{DiscoveryPlan, SecretPlan};
use crate::config::{Action, Allowed, BackendSpec, Discovery, HostPattern, Protocol, Target};

const ANY: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn http(port: u32) -> Listener {
    Listener { port, protocol: listener::Protocol::Http.into(), ..Listener::default() }
}

fn https(secrets: &[&str]) -> Listener {
    let tls = ServerTls { secrets: secrets.iter().map(|name| (*name).to_owned()).collect() };
    Listener { protocol: listener::Protocol::Https.into(), tls: Some(tls), ..http(443) }
}

#[test]
fn listeners() {
    let plan = super::listener(&Listener { hostname: "*.Example.com".into(), ..http(80) }, ANY).unwrap();
    assert_eq!(
        (plan.address.to_string().as_str(), plan.hosts),
        ("[::]:80", HostPattern::Wildcard(".example.com".into()))
    );
    let plan = super::listener(&Listener { address: "10.0.0.1".into(), ..https(&["secret/n/s"]) }, ANY).unwrap();
    assert_eq!(
        (plan.address.to_string().as_str(), plan.secrets),
        ("10.0.0.1:443", Some(vec![Arc::from("secret/n/s")]))
    );
    for (message, field) in [
        (http(0), "port"),
        (http(65_536), "port"),
        (Listener { address: "localhost".into(), ..http(80) }, "address"),
        (Listener { hostname: "a b".into(), ..http(80) }, "hostname"),
        (Listener { protocol: 0, ..http(80) }, "protocol"),
        (Listener { protocol: 7, ..http(80) }, "protocol"),
        (Listener { tls: Some(ServerTls::default()), ..http(80) }, "tls"),
        (Listener { tls: None, ..https(&[]) }, "tls"),
        (https(&[]), "tls.secrets"),
        (https(&["secret/n/s", "backend/x"]), "tls.secrets[1]"),
    ] {
        assert_eq!(super::listener(&message, ANY).unwrap_err().field, field, "{message:?}");
    }
}

fn ip(text: &str) -> Endpoint {
    Endpoint { host: Some(endpoint::Host::Ip(text.into())), ..Endpoint::default() }
}

fn fqdn(text: &str) -> Endpoint {
    Endpoint { host: Some(endpoint::Host::Fqdn(text.into())), ..Endpoint::default() }
}

fn srv(text: &str) -> Endpoint {
    Endpoint { host: Some(endpoint::Host::Srv(text.into())), ..Endpoint::default() }
}

fn fixed(endpoints: Vec<Endpoint>) -> Backend {
    Backend { discovery: Some(backend::Discovery::Static(StaticEndpoints { endpoints })), ..Backend::default() }
}

fn dynamic(cache: DnsCache, names: &[&str]) -> Backend {
    let allowed_names = names.iter().map(|name| (*name).to_owned()).collect();
    let forward = DynamicForward { dns_cache: Some(cache), allowed_names, ..DynamicForward::default() };
    Backend { discovery: Some(backend::Discovery::DynamicForward(forward)), ..Backend::default() }
}

fn over_tls(tls: ClientTls) -> Backend {
    Backend { protocol: backend::Protocol::Http2Tls.into(), tls: Some(tls), ..fixed(vec![ip("10.0.0.1")]) }
}

#[test]
fn backends() {
    let plan = super::backend(&fixed(vec![ip("10.0.0.1"), ip("2001:db8::1"), fqdn("Svc.example.")])).unwrap();
    assert_eq!((plan.protocol, plan.timeouts.connect), (Protocol::Http1, Duration::from_secs(5)));
    let DiscoveryPlan::Static(endpoints) = plan.discovery else { panic!() };
    assert_eq!(endpoints.len(), 3);

    let cache = DnsCache { lookup_family: 3, max_hosts: 7, host_ttl: seconds(9), ..DnsCache::default() };
    let plan = super::backend(&dynamic(cache, &["*.example.com"])).unwrap();
    let DiscoveryPlan::Dynamic { settings, allowed, .. } = plan.discovery else { panic!() };
    assert_eq!(
        (settings.family, settings.max_hosts, settings.host_ttl),
        (Family::V4Preferred, 7, Duration::from_secs(9))
    );
    assert_eq!((settings.refresh_rate, settings.query_timeout), (Duration::from_secs(60), Duration::from_secs(5)));
    assert_eq!(allowed, Allowed::Only([HostPattern::Wildcard(".example.com".into())].into()));

    let timeouts =
        |connect, idle| Backend { timeouts: Some(Timeouts { connect, idle, ..Timeouts::default() }), ..fixed(vec![]) };
    let rate = |rate| DnsCache { min_refresh_rate: Some(rate), ..DnsCache::default() };
    for (message, field) in [
        (Backend::default(), "discovery"),
        (Backend { protocol: 9, ..fixed(vec![]) }, "protocol"),
        (Backend { tls: Some(ClientTls::default()), ..fixed(vec![]) }, "tls"),
        (fixed(vec![ip("10.0.0.1"), ip("10.0.0.999")]), "static.endpoints[1].ip"),
        (fixed(vec![ip("[::1]")]), "static.endpoints[0].ip"),
        (fixed(vec![fqdn("127.0.0.1")]), "static.endpoints[0].fqdn"),
        (fixed(vec![fqdn("a b")]), "static.endpoints[0].fqdn"),
        (fixed(vec![srv("_http._tcp.svc.example"), srv("10.0.0.1")]), "static.endpoints[1].srv"),
        (fixed(vec![Endpoint::default()]), "static.endpoints[0]"),
        (timeouts(seconds(0), None), "timeouts.connect"),
        (timeouts(None, seconds(-1)), "timeouts.idle"),
        (dynamic(DnsCache { lookup_family: 5, ..DnsCache::default() }, &[]), "dynamic_forward.dns_cache.lookup_family"),
        (
            dynamic(rate(prost_types::Duration { seconds: 0, nanos: 999_999_999 }), &[]),
            "dynamic_forward.dns_cache.min_refresh_rate",
        ),
        (dynamic(DnsCache { host_ttl: seconds(0), ..DnsCache::default() }, &[]), "dynamic_forward.dns_cache.host_ttl"),
        (dynamic(DnsCache::default(), &["a.example", ""]), "dynamic_forward.allowed_names[1]"),
        (over_tls(ClientTls { sni: "a b".into(), ..ClientTls::default() }), "tls.sni"),
        (over_tls(ClientTls { verified_name: "*.x".into(), ..ClientTls::default() }), "tls.verified_name"),
        (over_tls(ClientTls { ca_secret: "ca".into(), ..ClientTls::default() }), "tls.ca_secret"),
        (over_tls(ClientTls { ca_bundle: "ca".into(), ..ClientTls::default() }), "tls.ca_bundle"),
        (over_tls(ClientTls { client_certificate: "c".into(), ..ClientTls::default() }), "tls.client_certificate"),
        (over_tls(ClientTls { min_version: 2, max_version: 1, ..ClientTls::default() }), "tls"),
        (over_tls(ClientTls { min_version: 3, ..ClientTls::default() }), "tls.min_version"),
        (over_tls(ClientTls { alpn: vec!["http/1.1".into()], ..ClientTls::default() }), "tls.alpn"),
        (over_tls(ClientTls { cipher_suites: vec!["RC4-SHA".into()], ..ClientTls::default() }), "tls.cipher_suites[0]"),
        (
            over_tls(ClientTls {
                cipher_suites: vec!["TLS_AES_128_GCM_SHA256".into()],
                max_version: 1,
                ..ClientTls::default()
            }),
            "tls",
        ),
    ] {
        assert_eq!(super::backend(&message).unwrap_err().field, field, "{message:?}");
    }
}

fn prefix(text: &str) -> Match {
    let kind = Some(path_match::Kind::Prefix(text.into()));
    Match { path: Some(PathMatch { kind }), ..Match::default() }
}

fn respond(status: u32) -> rule::Action {
    rule::Action::Respond(Respond { status, body: "x".into() })
}

fn with(rule: Rule) -> Route {
    let attachment = Attachment { listener: "listener/n/g/l".into(), hostnames: vec![] };
    Route { attachments: vec![attachment], rules: vec![rule], order_key: "1".into() }
}

fn answering(rule: Rule) -> Route {
    let action = rule.action.or_else(|| Some(respond(200)));
    with(Rule {
        matches: if rule.matches.is_empty() { vec![prefix("/")] } else { rule.matches },
        action,
        filters: rule.filters,
        ..Rule::default()
    })
}

fn acting(action: rule::Action) -> Route {
    answering(Rule { action: Some(action), ..Rule::default() })
}

fn filtering(kind: filter::Kind) -> Route {
    answering(Rule { filters: vec![Filter { kind: Some(kind) }], ..Rule::default() })
}

fn matching(matched: Match) -> Route {
    answering(Rule { matches: vec![matched], ..Rule::default() })
}

fn reference(backend: &str, port: u32) -> BackendRef {
    BackendRef { backend: backend.into(), port }
}

fn forward(target: Option<weighted_backend::Target>) -> Route {
    let backends = vec![WeightedBackend { weight: 1, target, filters: vec![] }];
    acting(rule::Action::Forward(Forward { backends, ..Forward::default() }))
}

fn set_header(name: &str, value: &str) -> filter::Kind {
    let header = Header { name: name.into(), value: value.into() };
    filter::Kind::RequestHeaders(HeaderModifier { set: vec![header], ..HeaderModifier::default() })
}

fn replace(kind: path_modifier::Kind) -> filter::Kind {
    filter::Kind::UrlRewrite(UrlRewrite { hostname: String::new(), path: Some(PathModifier { kind: Some(kind) }) })
}

#[test]
fn routes_name_the_field_at_fault() {
    let header = |kind| Match { headers: vec![NamedMatch { name: "x-a".into(), kind }], ..prefix("/") };
    let path = |kind| Match { path: Some(PathMatch { kind }), ..Match::default() };
    let redirect = |redirect| acting(rule::Action::Redirect(redirect));
    let mirror = |numerator, denominator| {
        filter::Kind::Mirror(Mirror { backend: Some(reference("backend/a", 1)), numerator, denominator })
    };
    for (message, field) in [
        (Route { attachments: vec![Attachment::default()], ..Route::default() }, "attachments[0].listener"),
        (
            Route {
                attachments: vec![Attachment {
                    hostnames: vec!["ok".into(), "a b".into()],
                    listener: "listener/a".into(),
                }],
                ..Route::default()
            },
            "attachments[0].hostnames[1]",
        ),
        (with(Rule { action: Some(respond(200)), ..Rule::default() }), "rules[0].matches"),
        (with(Rule { matches: vec![prefix("/")], ..Rule::default() }), "rules[0].action"),
        (acting(respond(199)), "rules[0].respond.status"),
        (acting(respond(600)), "rules[0].respond.status"),
        (matching(prefix("a")), "rules[0].matches[0].path.prefix"),
        (matching(path(Some(path_match::Kind::Exact(String::new())))), "rules[0].matches[0].path.exact"),
        (matching(path(Some(path_match::Kind::Regex("(".into())))), "rules[0].matches[0].path.regex"),
        (matching(path(None)), "rules[0].matches[0].path"),
        (matching(Match { method: "GE T".into(), ..prefix("/") }), "rules[0].matches[0].method"),
        (matching(header(None)), "rules[0].matches[0].headers[0]"),
        (matching(header(Some(named_match::Kind::Regex("[".into())))), "rules[0].matches[0].headers[0].regex"),
        (answering(Rule { filters: vec![Filter::default()], ..Rule::default() }), "rules[0].filters[0]"),
        (filtering(set_header("a b", "x")), "rules[0].filters[0].request_headers.set[0].name"),
        (filtering(set_header("x", "a\nb")), "rules[0].filters[0].request_headers.set[0].value"),
        (filtering(set_header("Transfer-Encoding", "chunked")), "rules[0].filters[0].request_headers.set[0].name"),
        (filtering(set_header("CDN-Loop", "me")), "rules[0].filters[0].request_headers.set[0].name"),
        (
            filtering(replace(path_modifier::Kind::ReplaceFull("/a?b".into()))),
            "rules[0].filters[0].url_rewrite.path.replace_full",
        ),
        (
            filtering(replace(path_modifier::Kind::ReplacePrefix("a".into()))),
            "rules[0].filters[0].url_rewrite.path.replace_prefix",
        ),
        (filtering(mirror(1, 0)), "rules[0].filters[0].mirror.denominator"),
        (filtering(mirror(2, 1)), "rules[0].filters[0].mirror.numerator"),
        (forward(None), "rules[0].forward.backends[0].target"),
        (
            forward(Some(weighted_backend::Target::Backend(reference("service/a", 1)))),
            "rules[0].forward.backends[0].backend.backend",
        ),
        (
            forward(Some(weighted_backend::Target::Backend(reference("backend/a", 65_536)))),
            "rules[0].forward.backends[0].backend.port",
        ),
        (redirect(Redirect { status: 304, ..Redirect::default() }), "rules[0].redirect.status"),
        (redirect(Redirect { status: 302, scheme: "ftp".into(), ..Redirect::default() }), "rules[0].redirect.scheme"),
        (
            redirect(Redirect { status: 302, hostname: "*.x".into(), ..Redirect::default() }),
            "rules[0].redirect.hostname",
        ),
    ] {
        let fault = super::route(&"route/n/r".into(), &message, &|_| None).unwrap_err();
        assert_eq!(fault.field, field, "{message:?}");
        assert!(!fault.message.is_empty());
    }
}

#[test]
fn a_reference_that_leads_nowhere_answers_500() {
    let backend = crate::config::Backend::new(BackendSpec {
        name: "backend/a".into(),
        protocol: Protocol::Http1,
        discovery: Discovery::addresses(vec![]),
        tls: None,
        timeouts: crate::config::Timeouts::default(),
        metrics: Arc::default(),
        policy: crate::config::Policy::default(),
        breakers: backstay_balancer::Breakers::new(&backstay_balancer::Limits::default()),
    });
    for (port, there, reached) in [(80, true, true), (80, false, false), (0, true, false)] {
        let message = forward(Some(weighted_backend::Target::Backend(reference("backend/a", port))));
        let plan = super::route(&"route/n/r".into(), &message, &|name| {
            (there && name == "backend/a").then(|| Arc::clone(&backend))
        })
        .unwrap();
        let Action::Forward(forward) = &plan.rules[0].rule.action else { panic!() };
        match &forward.targets.all()[0].target {
            Target::Backend { .. } => assert!(reached),
            Target::Respond(answer) => assert!(!reached && answer.status == 500),
        }
        assert!(plan.backends.contains("backend/a"));
    }
}

#[test]
fn secrets_never_show_themselves() {
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned(), "*.b.example".to_owned()]).unwrap();
    let (chain, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let certificate = |chain: &str, private_key: &str| {
        let (chain, private_key) = (chain.to_owned().into(), private_key.to_owned().into());
        Secret { kind: Some(secret::Kind::Certificate(secret::Certificate { chain, private_key })) }
    };
    let SecretPlan::Certificate(identity) = super::secret(&certificate(&chain, &key)).unwrap() else { panic!() };
    assert_eq!(identity.names, [HostPattern::Exact("a.example".into()), HostPattern::Wildcard(".b.example".into())]);
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let authority = |bundle: &str| {
        let bundle = bundle.to_owned().into();
        Secret { kind: Some(secret::Kind::CertificateAuthority(secret::CertificateAuthority { bundle })) }
    };
    assert!(matches!(super::secret(&authority(&chain)).unwrap(), SecretPlan::Authority(_)));
    let noise = "-----BEGIN PRIVATE KEY-----\nSWYgeW91IGNhbiByZWFkIHRoaXM=\n-----END PRIVATE KEY-----\n";
    for (message, field) in [
        (Secret::default(), ""),
        (certificate("", &key), "certificate.chain"),
        (certificate(&chain, ""), "certificate.private_key"),
        (certificate(&chain, noise), "certificate"),
        (certificate(&chain, &other), "certificate"),
        (authority(""), "certificate_authority.bundle"),
        (authority(&key), "certificate_authority.bundle"),
    ] {
        let fault = super::secret(&message).unwrap_err();
        assert_eq!(fault.field, field);
        assert!(!fault.message.contains("BEGIN") && !fault.message.contains("SWYg"), "{}", fault.message);
    }
}

#[test]
fn a_name_says_what_its_resource_is() {
    let encode = |kind| bytes::Bytes::from(Resource { kind }.encode_to_vec());
    let backend = encode(Some(resource::Kind::Backend(fixed(vec![]))));
    assert!(super::decode("backend/a", backend.clone()).is_ok());
    for name in ["secret/a", "backend", "backend/", "", "other/a"] {
        assert!(super::decode(name, backend.clone()).is_err(), "{name}");
    }
    assert!(super::decode("backend/a", encode(None)).unwrap_err().message.contains("newer"));
    // A field of a number that nobody has given away yet, in the backend and around it.
    let unknown = [0xfa, 0x3e, 1, b'x'];
    let inner = [&fixed(vec![]).encode_to_vec()[..], &unknown].concat();
    let (_, tag) = (backend.len(), backend[0]);
    let nested = [&[tag, u8::try_from(inner.len()).unwrap()][..], &inner].concat();
    for value in [[&backend[..], &unknown].concat(), nested] {
        let fault = super::decode("backend/a", value.into()).unwrap_err();
        assert!(fault.message.contains("newer"), "{fault:?}");
    }
    assert!(
        super::decode("backend/a", bytes::Bytes::from_static(b"\xff\xff")).unwrap_err().message.contains("decoded")
    );
}

mod policies;
