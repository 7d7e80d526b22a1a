use std::collections::BTreeMap;

use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::Timestamp;
use serde_json::{Value, json};

use super::{
    CERTIFICATE, OLD_CERTIFICATE, OTHER_CERTIFICATE, OTHER_PRIVATE_KEY, PRIVATE_KEY, World, backend, certificate,
    certificate_from, certificate_until, class, gateway, proxy, secret, set, simple_route, with,
};
use crate::{LastGoodSecret, LastGoodSecretName, Role};

fn https(name: &str, port: u16, refs: Value) -> Value {
    json!({"name": name, "protocol": "HTTPS", "port": port, "tls": {"certificateRefs": refs}})
}

/// A Gateway with an HTTPS listener and one that needs no certificate.
fn secure(refs: Value) -> Value {
    gateway("gw", json!([https("https", 443, refs), {"name": "http", "protocol": "HTTP", "port": 80}]))
}

#[test]
fn certificates_travel_with_their_listener() {
    let gw = secure(json!([{"name": "one"}, {"kind": "Secret", "group": "", "name": "two"}]));
    let world = World::new([class(), gw.clone(), certificate("one"), certificate("two"), certificate("unused")]);
    let names = ["listener/infra/gw/http", "listener/infra/gw/https", "secret/infra/one", "secret/infra/two"];
    assert_eq!(world.names("default"), names);
    let listener = world.listener("default", "listener/infra/gw/https");
    assert_eq!(listener.protocol(), config::listener::Protocol::Https);
    assert_eq!(listener.tls.unwrap().secrets, ["secret/infra/one", "secret/infra/two"]);
    let Resource::Secret(config::Secret { kind: Some(config::secret::Kind::Certificate(sent)) }) =
        world.resource("default", "secret/infra/one")
    else {
        panic!("not a certificate")
    };
    assert_eq!(sent.chain, CERTIFICATE);
    assert_eq!(sent.private_key, PRIVATE_KEY);
    assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "True ResolvedRefs");
    let of = |name: &&str| ("default".into(), (*name).into());
    assert_eq!(world.listener_report(&gw, "https").programs, names[1..].iter().map(of).collect::<Vec<_>>());
    assert_eq!(world.status(&gw).programs, names.iter().map(of).collect::<Vec<_>>());
}

#[test]
fn secrets_reach_only_the_fleets_that_need_them() {
    let infrastructure = json!({"parametersRef": {"kind": "Proxy", "name": "edge"}});
    let gw = with(secure(json!([{"name": "one"}])), "/spec/infrastructure", infrastructure);
    let plain = gateway("plain", json!([{"name": "http", "protocol": "HTTP", "port": 80}]));
    let mut world = World::new([class(), proxy("edge"), gw.clone(), plain, certificate("one")]);
    assert!(world.names("edge").contains(&"secret/infra/one"));
    assert_eq!(world.names("default"), ["listener/infra/plain/http"]);
    world.remove(gw);
    assert!(world.names("edge").is_empty());
}

#[test]
fn a_certificate_that_cannot_serve_takes_only_its_listener() {
    let broken = |data: &[(&str, &str)]| secret("one", data);
    let cases = [
        (vec![], "Secret infra/one does not exist"),
        (vec![broken(&[])], "has no tls.crt"),
        (vec![broken(&[("tls.crt", CERTIFICATE)])], "has no tls.key"),
        (vec![broken(&[("tls.crt", "x"), ("tls.key", PRIVATE_KEY)])], "tls.crt without a PEM certificate"),
        (vec![broken(&[("tls.crt", PRIVATE_KEY), ("tls.key", PRIVATE_KEY)])], "tls.crt without a PEM certificate"),
        (vec![broken(&[("tls.crt", CERTIFICATE), ("tls.key", CERTIFICATE)])], "tls.key without an unencrypted PEM"),
        (
            vec![broken(&[
                ("tls.crt", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"),
                ("tls.key", PRIVATE_KEY),
            ])],
            "cannot be read: its PEM is broken",
        ),
        (
            vec![broken(&[
                ("tls.crt", "-----BEGIN CERTIFICATE-----\nMIIBAQ==\n-----END CERTIFICATE-----\n"),
                ("tls.key", PRIVATE_KEY),
            ])],
            "cannot be read: certificate number 1 is not sound",
        ),
        (vec![broken(&[("tls.crt", OLD_CERTIFICATE), ("tls.key", PRIVATE_KEY)])], "is of X.509 version 1"),
        (vec![broken(&[("tls.crt", CERTIFICATE), ("tls.key", OTHER_PRIVATE_KEY)])], "is not the key of the first"),
        (
            vec![broken(&[
                ("tls.crt", CERTIFICATE),
                ("tls.key", "-----BEGIN PRIVATE KEY-----\nMIIBAQ==\n-----END PRIVATE KEY-----\n"),
            ])],
            "of a kind that is not supported",
        ),
        (vec![with(certificate("one"), "/data/tls.key", json!("%"))], "tls.key that is not base64"),
        (vec![with(certificate("one"), "/data", json!([]))], "shape of a Secret"),
    ];
    for (secrets, expected) in cases {
        let gw = secure(json!([{"name": "one"}]));
        let r = simple_route("r", "gw", "api");
        let objects = [class(), gw.clone(), r.clone(), backend("api", "192.0.2.1")].into_iter().chain(secrets);
        let mut world = World::new(objects);
        assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "False InvalidCertificateRef", "{expected}");
        let report = world.listener_report(&gw, "https");
        let message = &report.conditions.iter().find(|it| it.kind == "ResolvedRefs").unwrap().message;
        assert!(message.starts_with("tls.certificateRefs[0]: ") && message.contains(expected), "{message}");
        assert!(report.programs.is_empty());
        // Routes stay attached to both, and are served by the sound one.
        assert_eq!((report.attached_routes, world.listener_report(&gw, "http").attached_routes), (1, 1));
        assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/http", "route/infra/r"]);
        assert_eq!(world.route("default", "route/infra/r").attachments.len(), 1);

        world.set(certificate("one"));
        assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "True ResolvedRefs");
        assert_eq!(world.route("default", "route/infra/r").attachments.len(), 2);
        assert!(world.names("default").contains(&"secret/infra/one"));
        world.remove(certificate("one"));
        assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/http", "route/infra/r"]);
    }
}

#[test]
fn a_listener_serves_with_the_certificates_that_are_good() {
    let gw = secure(json!([{"name": "lost"}, {"name": "one"}]));
    let world = World::new([class(), gw.clone(), certificate("one")]);
    assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "False InvalidCertificateRef");
    let listener = world.listener("default", "listener/infra/gw/https");
    assert_eq!(listener.tls.unwrap().secrets, ["secret/infra/one"]);
}

#[test]
fn a_mistake_with_a_secret_leaves_the_last_good_certificate_in_use() {
    let gw = secure(json!([{"name": "one"}]));
    let mut world = World::new([class(), gw.clone(), certificate("one")]);
    let before = world.held.clone();
    let output = world.set(secret("one", &[("tls.crt", CERTIFICATE), ("tls.key", OTHER_PRIVATE_KEY)]));
    assert!(output.fleets.is_empty());
    assert_eq!(world.held, before);
    assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "False InvalidCertificateRef");
    let report = world.listener_report(&gw, "https");
    let message = &report.conditions.iter().find(|it| it.kind == "ResolvedRefs").unwrap().message;
    assert!(message.ends_with("in tls.crt; the last good version stays in use"), "{message}");
    // Also while other things about the listener change.
    world.set(with(gw.clone(), "/spec/listeners/0/port", json!(8443)));
    assert_eq!(world.listener("default", "listener/infra/gw/https").port, 8443);
    assert!(world.names("default").contains(&"secret/infra/one"));
    world.remove(certificate("one"));
    assert_eq!(world.names("default"), ["listener/infra/gw/http"]);
    assert!(world.compiler.remembered().0 == 0);
}

#[test]
fn what_is_kept_of_a_secret_is_told_until_it_is_over_and_outlives_the_compiler() {
    let gw = secure(json!([{"name": "one"}]));
    let broken = secret("one", &[("tls.crt", CERTIFICATE), ("tls.key", OTHER_PRIVATE_KEY)]);
    let mut world = World::new([class(), gw.clone(), certificate_until("one", 2020)]);
    let before = world.held.clone();
    let told = world.set(broken.clone()).last_good_secrets;
    let name = LastGoodSecretName { namespace: "infra".into(), name: "one".into(), role: Role::Certificate };
    let kept = told[&name].clone().unwrap();
    assert_eq!(told.len(), 1);
    assert!(
        world.set(with(gw.clone(), "/spec/listeners/0/port", json!(8443))).last_good_secrets.is_empty(),
        "once is enough"
    );
    assert_eq!(LastGoodSecret::decode(kept.encode()), Some(kept.clone()));
    assert_eq!(LastGoodSecret::decode(kept.encode().slice(..20)), None);
    assert!(!format!("{kept:?}").contains("KEY"));

    // Another process finds the Secret as it is now.
    let restored = || {
        let mut world = World::new([]);
        world.compiler.restore([(name.clone(), kept.clone())]);
        world
    };
    let mut after = restored();
    let output = after.apply([class(), gw.clone(), broken.clone()].map(set));
    assert_eq!((after.held.clone(), output.last_good_secrets), (before, BTreeMap::new()));
    assert_eq!(after.listener_condition(&gw, "https", "ResolvedRefs"), "False InvalidCertificateRef");
    assert_eq!(after.listener_condition(&gw, "https", "CertificateExpired"), "True Expired", "that is known as well");
    let repaired = after.set(certificate("one"));
    assert_eq!(repaired.last_good_secrets, BTreeMap::from([(name.clone(), None)]));

    // What nobody needs any more is forgotten, whatever else there is.
    for objects in [vec![class(), gw], vec![broken], vec![class()]] {
        let mut after = restored();
        assert_eq!(after.apply(objects.into_iter().map(set)).last_good_secrets, BTreeMap::from([(name.clone(), None)]));
        assert!(after.compiler.remembered().1 == 0);
    }
}

#[test]
fn the_first_certificate_to_expire_is_told_once_it_has() {
    let gw = secure(json!([{"name": "two"}, {"name": "one"}, {"name": "three"}]));
    let [two, one, three] =
        [("two", 2090), ("one", 2020), ("three", 2080)].map(|(it, year)| certificate_until(it, year));
    let mut world = World::new([class(), gw.clone(), one, two, three]);
    let expired = |world: &World| {
        let report = world.listener_report(&gw, "https");
        let found = report.conditions.iter().find(|it| it.kind == "CertificateExpired").unwrap().clone();
        (found.since.unwrap().to_string(), found.message)
    };
    assert_eq!(world.listener_condition(&gw, "https", "CertificateExpired"), "True Expired");
    assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "True ResolvedRefs", "it is a warning");
    let (since, message) = expired(&world);
    assert_eq!(since, "2020-01-01T00:00:00Z");
    assert!(message.starts_with("tls.certificateRefs[1] refers to a certificate that expired on 2020-"), "{message}");
    world.set(certificate_until("one", 2100));
    assert_eq!(expired(&world).0, "2080-01-01T00:00:00Z");
    assert_eq!(world.listener_condition(&gw, "http", "CertificateExpired"), "absent");
}

#[test]
fn the_last_certificate_to_become_valid_is_told_until_it_is() {
    /// The beginning of 2080.
    const BEGINS: i64 = 3_471_292_800;
    let gw = secure(json!([{"name": "one"}, {"name": "two"}]));
    let [one, two] = [("one", 2070), ("two", 2080)].map(|(it, year)| certificate_from(it, year));
    let world = World::new([class(), gw.clone(), one, two]);
    let report = world.listener_report(&gw, "https");
    let found = report.conditions.iter().find(|it| it.kind == "CertificateNotYetValid").unwrap();
    let at = Timestamp::from_second;
    assert_eq!(found.until, Some(at(BEGINS)));
    assert!(found.message.starts_with("tls.certificateRefs[1] refers to a certificate that is valid from 2080-"));
    assert!(found.is_told(at(BEGINS - 1)) && !found.is_told(at(BEGINS)));
    assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), "True ResolvedRefs", "it is a warning");
}

#[test]
fn references_that_are_not_permitted() {
    let cases = [
        (json!([]), "False InvalidCertificateRef"),
        (json!([{"kind": "ConfigMap", "name": "one"}]), "False InvalidCertificateRef"),
        (json!([{"group": "example.com", "name": "one"}]), "False InvalidCertificateRef"),
        (json!([{"name": "one", "namespace": "elsewhere"}]), "False RefNotPermitted"),
        (json!([{"name": "one", "namespace": "infra"}]), "True ResolvedRefs"),
    ];
    for (refs, expected) in cases {
        let gw = secure(refs.clone());
        let elsewhere = with(certificate("one"), "/metadata/namespace", json!("elsewhere"));
        let world = World::new([class(), gw.clone(), certificate("one"), elsewhere]);
        assert_eq!(world.listener_condition(&gw, "https", "ResolvedRefs"), expected, "{refs}");
        let served = world.names("default").contains(&"listener/infra/gw/https");
        assert_eq!(served, expected.starts_with("True"));
    }
}

/// Lets Gateways of `infra` use a Secret of `namespace`.
fn grant(namespace: &str, secret: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "ReferenceGrant",
        "metadata": {"name": "g", "namespace": namespace, "uid": "g", "generation": 1},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "infra"}],
            "to": [{"group": "", "kind": "Secret", "name": secret}]
        }
    })
}

/// Whether a Gateway serves with a Secret of another namespace that a grant lets it use.
pub(super) fn is_served_by_grant() -> bool {
    let gw = secure(json!([{"name": "one", "namespace": "elsewhere"}]));
    let elsewhere = with(certificate("one"), "/metadata/namespace", json!("elsewhere"));
    let world = World::new([class(), gw, elsewhere, grant("elsewhere", "one")]);
    world.names("default").contains(&"listener/infra/gw/https")
}

#[test]
fn a_grant_lets_a_gateway_use_secrets_of_another_namespace_until_it_is_withdrawn() {
    let gw = secure(json!([{"name": "one", "namespace": "elsewhere"}]));
    let elsewhere = with(certificate("one"), "/metadata/namespace", json!("elsewhere"));
    let mut world = World::new([class(), gw.clone(), elsewhere]);
    let served = |world: &World| world.names("default").contains(&"listener/infra/gw/https");
    let condition = |world: &World| world.listener_condition(&gw, "https", "ResolvedRefs");
    assert_eq!((condition(&world).as_str(), served(&world)), ("False RefNotPermitted", false));
    for (granted, expected) in [
        (grant("infra", "one"), "False RefNotPermitted"),
        (grant("elsewhere", "two"), "False RefNotPermitted"),
        (grant("elsewhere", "one"), "True ResolvedRefs"),
    ] {
        world.set(granted.clone());
        assert_eq!((condition(&world).as_str(), served(&world)), (expected, expected.starts_with("True")), "{granted}");
    }
    world.remove(grant("elsewhere", "one"));
    assert_eq!((condition(&world).as_str(), served(&world)), ("False RefNotPermitted", false));
}

#[test]
fn a_gateway_without_a_namespace_names_any() {
    let apoxy = |value: Value| {
        let mut value = with(value, "/apiVersion", json!("gateway.apoxy.dev/v1"));
        value["metadata"].as_object_mut().unwrap().remove("namespace");
        value
    };
    let gw = apoxy(secure(json!([{"name": "one"}, {"name": "two", "namespace": "infra"}])));
    let one = with(certificate("one"), "/metadata/namespace", json!("default"));
    let world = World::new([apoxy(class()), gw, one, certificate("two")]);
    let listener = world.listener("default", "listener/gw/https");
    assert_eq!(listener.tls.unwrap().secrets, ["secret/default/one", "secret/infra/two"]);
}

#[test]
fn a_renewed_certificate_moves_nothing_else() {
    let gw = secure(json!([{"name": "one"}]));
    let mut world = World::new([class(), gw.clone(), certificate("one")]);
    let told = |world: &World| {
        let conditions = world
            .status(&gw)
            .report
            .all_conditions()
            .filter(|finding| finding.since.is_none() && finding.until.is_none());
        conditions.cloned().collect::<Vec<_>>()
    };
    let before = told(&world);
    let output = world.set(secret("one", &[("tls.crt", OTHER_CERTIFICATE), ("tls.key", PRIVATE_KEY)]));
    let changed: Vec<_> = output.fleets["default"].keys().map(|name| &**name).collect();
    assert_eq!(changed, ["secret/infra/one"]);
    // It expires another time, and until then its status stays.
    assert_eq!(told(&world), before);
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let world = World::new([class(), secure(json!([{"name": "one"}])), certificate("one")]);
    let text = format!("{:?}", world.compiler);
    assert!(text.contains("SecretName"), "{text}");
    assert!(!text.contains("MIIB") && !text.contains("PRIVATE"), "{text}");
}
