use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use backstay_destination::lookup::Family;
use backstay_proto::config::{
    Backend, ClientTls, DnsCache, DynamicForward, Endpoint, Listener, Resource, Secret, ServerTls, StaticEndpoints,
    Timeouts, backend, endpoint, listener, resource, secret,
};
use prost::Message;

use crate::{Allowed, Discovery, Faults, HostPattern, Protocol};

mod compositions;
mod faults;
mod policies;
mod routes;
mod sequences;

const ANY: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// The paths of all fields at fault.
fn fields<T: std::fmt::Debug>(checked: Result<T, Faults>) -> Vec<String> {
    checked.unwrap_err().into_iter().map(|fault| fault.field).collect()
}

fn http(port: u32) -> Listener {
    Listener { port, protocol: listener::Protocol::Http.into(), ..Listener::default() }
}

fn https(secrets: &[&str]) -> Listener {
    let tls = ServerTls { secrets: secrets.iter().map(|name| (*name).to_owned()).collect(), ..ServerTls::default() };
    Listener { protocol: listener::Protocol::Https.into(), tls: Some(tls), ..http(443) }
}

#[test]
fn listeners() {
    let plan = crate::Listener::try_from(&Listener { hostname: "*.Example.com".into(), ..http(80) }).unwrap();
    assert_eq!(
        (plan.socket(ANY).to_string().as_str(), plan.hosts),
        ("[::]:80", HostPattern::Wildcard(".example.com".into()))
    );
    let plan = crate::Listener::try_from(&Listener { address: "10.0.0.1".into(), ..https(&["secret/n/s"]) }).unwrap();
    assert_eq!(
        (plan.socket(ANY).to_string().as_str(), plan.secrets),
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
        assert_eq!(fields(crate::Listener::try_from(&message)), [field], "{message:?}");
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
    Backend {
        discovery: Some(backend::Discovery::Static(StaticEndpoints { endpoints, ..StaticEndpoints::default() })),
        ..Backend::default()
    }
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
    let plan = crate::Backend::try_from(&fixed(vec![ip("10.0.0.1"), ip("2001:db8::1"), fqdn("Svc.example.")])).unwrap();
    assert_eq!((plan.spec.protocol, plan.spec.timeouts.connect), (Protocol::Http1, Duration::from_secs(5)));
    let Discovery::Static(endpoints) = plan.discovery else { panic!() };
    assert_eq!(endpoints.len(), 3);

    let cache = DnsCache { lookup_family: 3, max_hosts: 7, host_ttl: seconds(9), ..DnsCache::default() };
    let plan = crate::Backend::try_from(&dynamic(cache, &["*.example.com"])).unwrap();
    let Discovery::Dynamic(found) = plan.discovery else { panic!() };
    let (settings, allowed) = (found.settings, found.allowed);
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
        (dynamic(DnsCache { lookup_family: 6, ..DnsCache::default() }, &[]), "dynamic_forward.dns_cache.lookup_family"),
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
        assert_eq!(fields(crate::Backend::try_from(&message)), [field], "{message:?}");
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
    let crate::Secret::Certificate(identity) = crate::Secret::try_from(&certificate(&chain, &key)).unwrap() else {
        panic!()
    };
    assert_eq!(
        identity.statement.names,
        [HostPattern::Exact("a.example".into()), HostPattern::Wildcard(".b.example".into())]
    );
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let authority = |bundle: &str| {
        let bundle = bundle.to_owned().into();
        Secret { kind: Some(secret::Kind::CertificateAuthority(secret::CertificateAuthority { bundle })) }
    };
    assert!(matches!(crate::Secret::try_from(&authority(&chain)).unwrap(), crate::Secret::Authority(_)));
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
        let faults = crate::Secret::try_from(&message).unwrap_err();
        let told = faults.to_string();
        assert!(!told.contains("BEGIN") && !told.contains("SWYg"), "{told}");
        assert_eq!(fields::<()>(Err(faults)), [field]);
    }
}

#[test]
fn a_name_says_what_its_resource_is() {
    let encode = |kind| bytes::Bytes::from(Resource { kind }.encode_to_vec());
    let backend = encode(Some(resource::Kind::Backend(fixed(vec![]))));
    assert!(crate::Resource::decode("backend/a", backend.clone()).is_ok());
    for name in ["secret/a", "backend", "backend/", "", "other/a"] {
        assert!(crate::Resource::decode(name, backend.clone()).is_err(), "{name}");
    }
    assert!(crate::Resource::decode("backend/a", encode(None)).unwrap_err().to_string().contains("newer"));
    // A field of a number that nobody has given away yet, in the backend and around it.
    let unknown = [0xfa, 0x3e, 1, b'x'];
    let inner = [&fixed(vec![]).encode_to_vec()[..], &unknown].concat();
    let (_, tag) = (backend.len(), backend[0]);
    let nested = [&[tag, u8::try_from(inner.len()).unwrap()][..], &inner].concat();
    for value in [[&backend[..], &unknown].concat(), nested] {
        let faults = crate::Resource::decode("backend/a", value.into()).unwrap_err();
        assert!(faults.to_string().contains("newer"), "{faults}");
    }
    assert!(
        crate::Resource::decode("backend/a", bytes::Bytes::from_static(b"\xff\xff"))
            .unwrap_err()
            .to_string()
            .contains("decoded")
    );
}

#[test]
fn addresses_of_names_outlive_failures_and_not_their_names_unless_it_is_said() {
    for (stale, absent, expected) in [
        (None, None, (None, Some(0))),
        (seconds(9), None, (Some(9), Some(0))),
        (None, seconds(3600), (None, Some(3600))),
    ] {
        let list = StaticEndpoints { endpoints: vec![fqdn("svc.example")], max_stale: stale, max_absent: absent };
        let message = Backend { discovery: Some(backend::Discovery::Static(list)), ..Backend::default() };
        let Discovery::Static(list) = crate::Backend::try_from(&message).unwrap().discovery else { panic!() };
        let seconds = |span: Option<Duration>| span.map(|span| span.as_secs());
        assert_eq!((seconds(list.staleness.max_stale), seconds(list.staleness.max_absent)), expected);
    }
}

#[test]
fn names_that_no_certificate_can_carry_need_another_where_there_is_tls() {
    for (name, carried) in [("my_service", true), ("-a.example", false), ("a-.example", false)] {
        assert!(crate::Backend::try_from(&fixed(vec![fqdn(name)])).is_ok(), "{name}");
        let over_tls = |tls| Backend {
            protocol: backend::Protocol::Http1Tls.into(),
            tls: Some(tls),
            ..fixed(vec![ip("10.0.0.1"), fqdn(name)])
        };
        let found = crate::Backend::try_from(&over_tls(ClientTls::default()));
        assert_eq!(found.is_ok(), carried, "{name}");
        if let Err(faults) = found {
            let text = faults.to_string();
            assert!(text.contains("static.endpoints[1].fqdn"), "{text}");
        }
        let other = ClientTls { sni: "svc.example".into(), ..ClientTls::default() };
        assert!(crate::Backend::try_from(&over_tls(other)).is_ok(), "{name}");
    }
}
