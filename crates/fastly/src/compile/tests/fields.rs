//! Where each field of a backend and of a health check lands.

use backstay_proto::config;
use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::client_tls::Version;
use backstay_proto::config::dns_cache::LookupFamily;
use backstay_proto::config::endpoint::Host;
use backstay_proto::config::health_check::{Kind, Verdict as Rule};
use prost_types::Duration;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::{backend, sound, version, with};
use crate::compile::backend::CompiledBackend;

/// What a backend with these fields compiles to.
fn of(fields: Value) -> config::Backend {
    made(json!({"backends": [with(backend("o"), fields)]})).config
}

fn made(parts: Value) -> CompiledBackend {
    let version = version(with(parts, json!({"domains": [{"name": "a.test"}]})));
    sound(&version).0.backends.pop().unwrap()
}

fn tls(fields: Value) -> config::ClientTls {
    of(with(json!({"address": "origin.test", "port": 443, "use_ssl": true}), fields)).tls.unwrap()
}

fn endpoint(backend: &config::Backend) -> &config::Endpoint {
    match &backend.discovery {
        Some(Discovery::Static(list)) => &list.endpoints[0],
        other => panic!("{other:?}"),
    }
}

fn milliseconds(value: i32) -> Option<Duration> {
    Some(Duration { seconds: i64::from(value / 1000), nanos: value % 1000 * 1_000_000 })
}

#[test]
fn a_backend_of_which_nothing_is_said_has_the_defaults_of_the_api() {
    let backend = of(json!({}));
    assert_eq!(endpoint(&backend).host, Some(Host::Ip("192.0.2.1".to_owned())));
    assert_eq!(backend.protocol(), Protocol::Http1);
    let timeouts = backend.timeouts.unwrap();
    assert_eq!((timeouts.connect, timeouts.first_byte), (milliseconds(1000), milliseconds(15_000)));
    assert_eq!((timeouts.between_bytes, timeouts.idle, timeouts.total), (milliseconds(10_000), None, None));
    assert!(timeouts.end_on_silence, "the answer so far is what there is of it");
    let limits = backend.limits.unwrap();
    assert_eq!((limits.connections, limits.reject_when_full), (Some(200), true), "at once, and nobody waits");
    assert_eq!((backend.tls, backend.host, backend.health_checks.len()), (None, None, 0));
}

#[test]
fn every_field_of_a_backend_lands_where_proxies_look_for_it() {
    let name = of(json!({"address": "Origin.Test", "prefer_ipv6": true}));
    assert_eq!(endpoint(&name).host, Some(Host::Fqdn("origin.test".to_owned())));
    assert_eq!(endpoint(&name).lookup_family, Some(LookupFamily::V6Preferred.into()));
    let timeouts = of(json!({
        "connect_timeout": 50, "first_byte_timeout": 1500, "between_bytes_timeout": 2500, "fetch_timeout": 30000,
        "keepalive_time": 7,
    }));
    let timeouts = timeouts.timeouts.unwrap();
    assert_eq!((timeouts.connect, timeouts.first_byte), (milliseconds(50), milliseconds(1500)));
    assert_eq!((timeouts.between_bytes, timeouts.total), (milliseconds(2500), milliseconds(30_000)));
    assert_eq!(timeouts.idle, milliseconds(7000));
    assert_eq!(of(json!({"max_conn": 3})).limits.unwrap().connections, Some(3));
    assert_eq!(of(json!({"max_conn": 0})).limits.unwrap().connections, Some(u32::MAX));
    let connections = of(json!({
        "max_use": 9, "max_lifetime": 1500, "tcp_keepalive_time": 1, "tcp_keepalive_interval": 2,
        "tcp_keepalive_probes": 3,
    }));
    let connections = connections.connections.unwrap();
    assert_eq!((connections.max_requests, connections.max_lifetime), (9, milliseconds(1500)));
    let keepalive = connections.tcp_keepalive.unwrap();
    assert_eq!((keepalive.idle, keepalive.interval, keepalive.probes), (milliseconds(1000), milliseconds(2000), 3));
    let none = of(json!({"tcp_keepalive_enable": "0", "tcp_keepalive_time": 1})).connections.unwrap().tcp_keepalive;
    assert!(none.unwrap().disabled);
    let zero = of(json!({"max_use": 0, "max_lifetime": 0, "connect_timeout": 0, "first_byte_timeout": 0}));
    let (connections, timeouts) = (zero.connections.unwrap(), zero.timeouts.unwrap());
    assert_eq!((connections.max_requests, connections.max_lifetime), (0, None));
    assert_eq!((timeouts.connect, timeouts.first_byte), (None, None));
}

#[test]
fn the_host_is_that_of_the_backend_before_that_of_the_version() {
    let literal = |backend: &config::Backend| match backend.host.clone().and_then(|host| host.kind) {
        Some(config::host_rewrite::Kind::Literal(host)) => host,
        other => panic!("{other:?}"),
    };
    let own = with(backend("a"), json!({"override_host": "in.test"}));
    assert_eq!(literal(&made(json!({"backends": [own]})).config), "in.test");
    let settings = json!({"general.default_host": "default.test"});
    assert_eq!(literal(&made(json!({"backends": [own], "settings": settings})).config), "in.test");
    assert_eq!(literal(&made(json!({"backends": [backend("b")], "settings": settings})).config), "default.test");
}

#[test]
fn names_of_tls_are_what_is_set_and_no_others() {
    let none = "0.0.0.0";
    let table = [
        (json!({}), none, "origin.test"),
        (json!({"ssl_sni_hostname": "sni.test", "ssl_cert_hostname": "cert.test"}), "sni.test", "cert.test"),
        (json!({"ssl_hostname": "both.test"}), "both.test", "both.test"),
        (json!({"ssl_hostname": "both.test", "ssl_cert_hostname": "cert.test"}), "both.test", "cert.test"),
        (json!({"ssl_sni_hostname": "10.0.0.9", "ssl_cert_hostname": "10.0.0.9"}), none, "10.0.0.9"),
        (json!({"ssl_cert_hostname": "*.herd.test"}), none, "_any.herd.test"),
    ];
    for (fields, sni, verified) in table {
        let tls = tls(fields.clone());
        assert_eq!((tls.sni.as_str(), tls.verified_name.as_str()), (sni, verified), "{fields}");
    }
}

#[test]
fn tls_is_verified_unless_it_is_not_to_be() {
    assert_eq!(of(json!({"use_ssl": true, "port": 443})).protocol(), Protocol::Http1Tls);
    assert!(!tls(json!({})).skip_verification);
    assert!(tls(json!({"ssl_check_cert": "0"})).skip_verification);
}

#[test]
fn versions_and_ciphers_are_those_that_are_asked_for() {
    let versions = tls(json!({"min_tls_version": "1.2", "max_tls_version": "1.3"}));
    assert_eq!((versions.min_version(), versions.max_version()), (Version::Tls12, Version::Tls13));
    let suites = |list: &str| tls(json!({"ssl_ciphers": list})).cipher_suites;
    assert_eq!(suites("HIGH:!aNULL"), [""; 0]);
    let gcm = suites("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA");
    assert!(gcm.contains(&"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()), "{gcm:?}");
    assert_eq!(gcm.len(), 4, "TLS 1.3 has its own: {gcm:?}");
    let only = tls(json!({"ssl_ciphers": "ECDHE-RSA-AES128-GCM-SHA256", "max_tls_version": "1.2"})).cipher_suites;
    assert_eq!(only.len(), 1);
}

#[test]
fn certificates_travel_as_secrets_and_authorities_with_the_backend() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["client.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    let fields = json!({
        "address": "origin.test", "port": 443, "use_ssl": true, "ssl_ca_cert": certificate.pem(),
        "ssl_client_cert": certificate.pem(), "ssl_client_key": key.serialize_pem(),
    });
    let compiled = made(json!({"backends": [with(backend("my backend/1"), fields)]}));
    assert_eq!(&*compiled.resource, "backend/fastly:s:my%20backend%2F1");
    let (name, secret) = compiled.certificate.unwrap();
    assert_eq!(&*name, "secret/fastly:s/my%20backend%2F1");
    let tls = compiled.config.tls.unwrap();
    assert_eq!(tls.client_certificate, *name);
    assert_eq!(tls.ca_bundle, certificate.pem().trim().as_bytes());
    let Some(config::secret::Kind::Certificate(pair)) = secret.kind else { panic!("a certificate") };
    assert_eq!(pair.private_key, key.serialize_pem().trim().as_bytes());
}

#[test]
fn so_many_errors_mark_a_backend_down() {
    assert_eq!(of(json!({})).outlier_detection, None);
    let backend = of(json!({"error_threshold": 5}));
    let detection = backend.outlier_detection.as_ref().unwrap();
    assert_eq!((detection.consecutive_gateway_failure, detection.consecutive_5xx), (Some(5), Some(0)));
    assert_eq!((detection.max_ejection_percent, detection.always_eject_one), (Some(100), true), "it is the only one");
    assert_eq!(backend.load_balancing.as_ref().unwrap().panic_threshold, Some(0), "what is down gets nothing");
    backstay_model::Backend::try_from(&backend).unwrap();
}

#[test]
fn every_field_of_a_health_check_lands_where_proxies_look_for_it() {
    let check = json!({
        "name": "hc", "host": "check.test", "path": "/up?x", "method": "GET", "check_interval": 1500, "timeout": 250,
        "expected_response": 204, "threshold": 3, "window": 5, "initial": 9, "http_version": "1.0",
        "headers": ["Foo: Bar"],
    });
    let backend = json!([with(backend("o"), json!({"healthcheck": "hc"}))]);
    let config = made(json!({"healthchecks": [check], "backends": backend})).config;
    assert_eq!(config.load_balancing.unwrap().panic_threshold, Some(0), "what is sick gets nothing");
    let check = &config.health_checks[0];
    assert_eq!((check.interval, check.timeout), (milliseconds(1500), milliseconds(250)));
    let Some(Rule::Window(window)) = &check.verdict else { panic!("a window") };
    assert_eq!((window.window, window.threshold, window.initial), (5, 3, 5), "no more than there are");
    let Some(Kind::Http(http)) = &check.kind else { panic!("over HTTP") };
    assert_eq!((http.path.as_str(), http.host.as_str(), http.method.as_str()), ("/up?x", "check.test", "GET"));
    assert_eq!((http.expected_statuses[0].start, http.expected_statuses[0].end), (204, 204));
    assert_eq!((http.headers[0].name.as_str(), http.headers[0].value.as_str()), ("foo", "Bar"));
    assert!(http.http10);
}
