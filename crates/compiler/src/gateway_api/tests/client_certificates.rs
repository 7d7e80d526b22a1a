//! The certificates that proxies present to endpoints.

use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use serde_json::{Value, json};

use super::{
    CERTIFICATE, OTHER_CERTIFICATE, OTHER_PRIVATE_KEY, PRIVATE_KEY, World, backend_of, certificate, certificate_until,
    class, gateway, plain_gateway, policy, secret, simple_route,
};

const CREATED: &str = "2024-05-01T10:00:00Z";
const NAME: &str = "secret/infra/client";

fn api() -> Value {
    backend_of("api", json!({"endpoints": [{"ip": "192.0.2.1"}], "protocol": "tls"}))
}

fn presenting(name: &str) -> Value {
    let tls = json!({"clientCertificateRef": {"name": name, "namespace": "infra"}});
    policy("p", CREATED, json!({"targetRefs": [{"name": "api"}], "tls": tls}))
}

fn world(objects: impl IntoIterator<Item = Value>) -> World {
    World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api"), api()].into_iter().chain(objects))
}

fn chain(world: &World) -> bytes::Bytes {
    match world.resource("default", NAME) {
        Resource::Secret(config::Secret { kind: Some(config::secret::Kind::Certificate(it)) }) => {
            assert_eq!(it.private_key, PRIVATE_KEY);
            it.chain
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_travels_with_the_backend_and_is_renewed_alone() {
    let p = presenting("client");
    let mut world = world([p.clone(), certificate("client")]);
    assert_eq!(world.backend("api").tls.unwrap().client_certificate, NAME);
    assert_eq!(chain(&world), CERTIFICATE);
    assert_eq!(world.condition(&p, "ResolvedRefs"), "True ResolvedRefs");
    let programs = &world.status(&api()).programs;
    assert_eq!(programs[..], [("default".into(), "backend/api".into()), ("default".into(), NAME.into())]);

    let output = world.set(secret("client", &[("tls.crt", OTHER_CERTIFICATE), ("tls.key", PRIVATE_KEY)]));
    assert_eq!(output.fleets["default"].keys().map(|name| &**name).collect::<Vec<_>>(), [NAME]);
    assert_eq!(chain(&world), OTHER_CERTIFICATE);

    world.remove(p);
    assert!(!world.names("default").contains(&NAME));
}

#[test]
fn one_that_has_expired_is_a_warning() {
    let p = presenting("client");
    let world = world([p.clone(), certificate_until("client", 2020)]);
    assert_eq!(world.condition(&p, "CertificateExpired"), "True Expired");
    assert_eq!(world.condition(&p, "ResolvedRefs"), "True ResolvedRefs");
    assert!(world.names("default").contains(&NAME));
}

#[test]
fn a_backend_waits_for_it() {
    let p = presenting("client");
    let mut world = world([p.clone()]);
    assert!(!world.names("default").contains(&"backend/api"));
    for object in [&p, &api()] {
        assert_eq!(world.condition(object, "ResolvedRefs"), "False InvalidClientCertificateRef");
    }
    assert_eq!(world.condition(&api(), "Accepted"), "False InvalidClientCertificateRef");
    let expected = "spec.tls.clientCertificateRef: Secret infra/client does not exist";
    assert_eq!(world.message(&p, "ResolvedRefs"), expected);
    let of_backend = world.message(&api(), "ResolvedRefs");
    assert!(of_backend.starts_with(&format!("BackendPolicy p: {expected}")), "{of_backend}");
    world.set(secret("client", &[("tls.crt", CERTIFICATE)]));
    assert!(world.message(&p, "ResolvedRefs").ends_with("has no tls.key"));
    world.set(secret("client", &[("tls.crt", CERTIFICATE), ("tls.key", OTHER_PRIVATE_KEY)]));
    assert!(world.message(&p, "ResolvedRefs").ends_with("is not the key of the first certificate in tls.crt"));
    assert_eq!(world.condition(&api(), "Accepted"), "False InvalidClientCertificateRef");
    world.set(certificate("client"));
    assert_eq!(world.condition(&api(), "Accepted"), "True Accepted");
    assert!(world.names("default").contains(&"backend/api"));
}

#[test]
fn one_that_is_lost_stays_in_use_for_backends_and_not_for_listeners() {
    let tls =
        json!({"name": "https", "protocol": "HTTPS", "port": 443, "tls": {"certificateRefs": [{"name": "client"}]}});
    let secure = gateway("secure", json!([tls]));
    let p = presenting("client");
    let mut world = world([p.clone(), certificate("client"), secure]);
    assert!(world.names("default").contains(&"listener/infra/secure/https"));
    let change = super::gone(certificate("client"));
    world.apply([change]);
    assert!(!world.names("default").contains(&"listener/infra/secure/https"));
    assert_eq!(chain(&world), CERTIFICATE);
    assert_eq!(world.condition(&p, "ResolvedRefs"), "False InvalidClientCertificateRef");
    assert!(world.message(&api(), "ResolvedRefs").ends_with("the last good version stays in use"));
    // Once no Backend needs it, it is gone for good.
    world.remove(simple_route("r", "gw", "api"));
    assert!(!world.names("default").contains(&NAME));
    assert!(world.compiler.remembered().0 == 0);
}
