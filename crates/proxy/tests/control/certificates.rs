//! What an operator is told of certificates before a client complains.

use backstay_proto::config::{Listener, Secret, ServerTls, endpoint, listener, resource, secret};
use backstay_proxy::Proxy;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use super::metrics::read;
use super::plane::{ControlPlane, free_port};
use super::{acknowledged, admin, backend, ip, options, route};

/// A certificate of `name` that is valid between these years.
fn certificate(name: &str, (from, until): (i32, i32)) -> resource::Kind {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    let pair = secret::Certificate { chain: chain.into(), private_key: key.serialize_pem().into() };
    resource::Kind::Secret(Secret { kind: Some(secret::Kind::Certificate(pair)) })
}

#[tokio::test]
async fn certificates_are_listed_with_what_the_time_says_of_them() {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let tls =
        ServerTls { secrets: vec!["secret/n/old".to_owned(), "secret/n/good".to_owned()], ..ServerTls::default() };
    let https = resource::Kind::Listener(Listener {
        address: "127.0.0.1".to_owned(),
        port: listen.into(),
        protocol: listener::Protocol::Https.into(),
        tls: Some(tls),
        ..Listener::default()
    });
    plane.put(vec![
        ("secret/n/old", certificate("old.example", (2020, 2021))),
        ("secret/n/good", certificate("good.example", (2020, 4000))),
        ("secret/n/early", certificate("early.example", (3999, 4000))),
        ("listener/n/g/https", https),
    ]);
    acknowledged(&mut plane, 1).await;
    let shown: serde_json::Value = serde_json::from_str(&admin(&proxy, "/certs").await.1).unwrap();
    let shown = shown["certificates"].as_array().unwrap();
    let told: Vec<_> = shown.iter().map(|it| (it["secret"].as_str().unwrap(), it["state"].as_str().unwrap())).collect();
    assert_eq!(told[0], ("secret/n/old", "expired"), "those that end first come first");
    assert!(
        told.contains(&("secret/n/good", "valid")) && told.contains(&("secret/n/early", "notYetValid")),
        "{told:?}"
    );
    let old = &shown[0];
    assert_eq!((&old["subject"], &old["names"][0]), (&"CN=old.example".into(), &"old.example".into()));
    assert_eq!(old["notAfter"], "2021-01-01T00:00:00Z");
    assert_eq!(old["listeners"][0], "listener/n/g/https");
    assert!(old["daysLeft"].as_f64().unwrap() < -365.0, "{old}");
    let ends = read(&proxy, "/metrics").await;
    let name = "backstay_certificate_expiry_timestamp_seconds";
    assert_eq!(ends.value(name, &[("secret", "secret/n/old")]), 1_609_459_200.0);
    proxy.shutdown().await;
}

#[tokio::test]
async fn what_fails_at_a_backend_stands_beside_it() {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let nobody = free_port();
    let missing = endpoint::Host::Fqdn("missing.invalid".to_owned());
    plane.put(vec![
        ("listener/n/g/http", super::listener(listen)),
        ("backend/web", backend(vec![ip("127.0.0.1"), missing])),
        ("route/n/web", route(nobody)),
    ]);
    acknowledged(&mut plane, 1).await;
    let shown = async || {
        let shown: serde_json::Value = serde_json::from_str(&admin(&proxy, "/backends").await.1).unwrap();
        shown["backends"][0].clone()
    };
    let before = shown().await;
    assert_eq!(before["failingNames"][0]["name"], "missing.invalid", "{before}");
    assert!(before["endpoints"][0]["failedConnections"].is_null(), "{before}");
    for times in 1..=2 {
        assert_eq!(super::get(listen, "any.example", "/").await.0, 503, "nobody listens there");
        let endpoint = shown().await["endpoints"][0].clone();
        assert_eq!(endpoint["failedConnections"]["inARow"].as_u64().unwrap(), times, "{endpoint}");
        let error = endpoint["failedConnections"]["error"].as_str().unwrap();
        assert!(error.contains("refused"), "{error}");
    }
    proxy.shutdown().await;
}
