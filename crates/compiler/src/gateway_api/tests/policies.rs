use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use serde_json::{Value, json};

use super::{
    CERTIFICATE, OTHER_CERTIFICATE, PRIVATE_KEY, World, backend, class, plain_gateway, policy, secret, simple_route,
    with,
};

const EARLY: &str = "2024-05-01T10:00:00Z";
const LATE: &str = "2024-05-01T10:00:01Z";

fn tls_backend() -> Value {
    with(backend("api", "192.0.2.1"), "/spec/protocol", json!("tls"))
}

fn world(objects: impl IntoIterator<Item = Value>) -> World {
    World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api")].into_iter().chain(objects))
}

fn on_api(settings: Value) -> Value {
    let mut spec = json!({"targetRefs": [{"name": "api"}]});
    spec.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    spec
}

fn trusting(name: &str) -> Value {
    on_api(json!({"tls": {"caCertificateRef": {"name": name, "namespace": "infra"}}}))
}

fn authority(certificate: &str) -> Value {
    secret("ca", &[("ca.crt", certificate)])
}

#[test]
fn a_policy_adds_its_settings() {
    let settings = json!({
        "tls": {"sni": "a.example.com", "verifiedName": "192.0.2.1"},
        "timeouts": {"connect": "1500ms", "idle": "90s"},
    });
    let p = policy("p", EARLY, on_api(settings));
    let mut world = world([tls_backend(), p.clone()]);
    let api = world.backend("api");
    let tls = api.tls.unwrap();
    assert_eq!(
        (tls.sni.as_str(), tls.verified_name.as_str(), tls.ca_secret.as_str()),
        ("a.example.com", "192.0.2.1", "")
    );
    let timeouts = api.timeouts.unwrap();
    assert_eq!(timeouts.connect, Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }));
    assert_eq!(timeouts.idle.map(|span| span.seconds), Some(90));
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
    assert_eq!(world.condition(&p, "ResolvedRefs"), "True ResolvedRefs");

    world.remove(p);
    let api = world.backend("api");
    assert_eq!((api.tls, api.timeouts), (Some(config::ClientTls::default()), None));
}

#[test]
fn the_oldest_policy_applies_whole() {
    let connect = |span: &str| on_api(json!({"timeouts": {"connect": span}}));
    let late = policy("a", LATE, on_api(json!({"timeouts": {"idle": "1s"}, "tls": {"sni": "late.example.com"}})));
    let early = policy("c", EARLY, connect("2s"));
    let twin = policy("b", EARLY, connect("3s"));
    let mut world = world([tls_backend(), late.clone()]);
    assert_eq!(world.condition(&late, "Accepted"), "True Accepted");
    world.set(early.clone());
    let seconds = |world: &World| world.backend("api").timeouts.unwrap().connect.map(|span| span.seconds);
    assert_eq!(seconds(&world), Some(2));
    assert_eq!(world.backend("api").timeouts.unwrap().idle, None);
    assert_eq!(world.backend("api").tls.unwrap().sni, "");
    assert_eq!(world.condition(&late, "Accepted"), "False Conflicted");
    assert!(world.message(&late, "Accepted").starts_with("BackendPolicy c, which is older, applies to Backend api"));
    // Of equally old ones, by name.
    world.set(twin.clone());
    assert_eq!(seconds(&world), Some(3));
    assert_eq!(world.condition(&early, "Accepted"), "False Conflicted");
    let said = world.message(&early, "Accepted");
    assert!(said.starts_with("BackendPolicy b, which is as old and the first by name, applies"), "{said}");
    world.remove(twin);
    world.remove(early);
    assert_eq!(seconds(&world), None);
    assert_eq!(world.condition(&late, "Accepted"), "True Accepted");
}

#[test]
fn a_policy_without_its_target_says_so() {
    let p = policy("p", EARLY, on_api(json!({})));
    let mut world = world([p.clone()]);
    assert_eq!(world.condition(&p, "Accepted"), "False TargetNotFound");
    world.set(tls_backend());
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
    world.remove(tls_backend());
    assert_eq!(world.condition(&p, "Accepted"), "False TargetNotFound");
}

#[test]
fn a_policy_that_cannot_apply_says_why_and_changes_nothing() {
    let tls = |settings: Value| on_api(json!({"tls": settings}));
    let target = |target: Value| json!({"targetRefs": [target]});
    let cases = [
        (backend("api", "192.0.2.1"), tls(json!({})), "does not use TLS"),
        (tls_backend(), tls(json!({"sni": "192.0.2.1"})), "spec.tls.sni"),
        (tls_backend(), tls(json!({"sni": "not a name"})), "spec.tls.sni"),
        (tls_backend(), tls(json!({"verifiedName": "not a name"})), "spec.tls.verifiedName"),
        (tls_backend(), on_api(json!({"timeouts": {"connect": "0s"}})), "spec.timeouts.connect"),
        (tls_backend(), on_api(json!({"timeouts": {"idle": "0s"}})), "spec.timeouts.idle"),
        (tls_backend(), on_api(json!({"timeouts": "long"})), "shape of a BackendPolicy"),
        (tls_backend(), target(json!({"kind": "Service", "name": "api"})), "spec.targetRefs[0]"),
        (tls_backend(), target(json!({"group": "example.com", "name": "api"})), "spec.targetRefs[0]"),
    ];
    for (api, spec, expected) in cases {
        let p = policy("p", EARLY, spec.clone());
        let alone = world([api.clone()]).backend("api");
        let world = world([api.clone(), p.clone()]);
        assert_eq!(world.condition(&p, "Accepted"), "False Invalid", "{spec}");
        assert!(world.message(&p, "Accepted").contains(expected), "{}", world.message(&p, "Accepted"));
        assert_eq!(world.backend("api"), alone);
        assert_eq!(world.condition(&api, "Accepted"), "True Accepted");
    }
}

#[test]
fn authorities_travel_with_their_backend() {
    let p = policy("p", EARLY, trusting("ca"));
    let mut world = world([tls_backend(), p.clone(), authority(CERTIFICATE)]);
    let name = "secret/infra/ca/ca.crt";
    assert_eq!(world.backend("api").tls.unwrap().ca_secret, name);
    let bundle = |world: &World| match world.resource("default", name) {
        Resource::Secret(config::Secret { kind: Some(config::secret::Kind::CertificateAuthority(it)) }) => it.bundle,
        other => panic!("{other:?}"),
    };
    assert_eq!(bundle(&world), CERTIFICATE);
    let programs = &world.status(&tls_backend()).programs;
    assert_eq!(programs[..], [("default".into(), "backend/api".into()), ("default".into(), name.into())]);

    let output = world.set(authority(OTHER_CERTIFICATE));
    assert_eq!(output.fleets["default"].len(), 1);
    assert_eq!(bundle(&world), OTHER_CERTIFICATE);

    world.remove(p);
    assert_eq!(world.backend("api").tls.unwrap().ca_secret, "");
    assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/http", "route/infra/r"]);
}

#[test]
fn one_secret_serves_in_both_roles() {
    let both = secret("ca", &[("ca.crt", CERTIFICATE), ("tls.crt", OTHER_CERTIFICATE), ("tls.key", PRIVATE_KEY)]);
    let tls = json!({"name": "https", "protocol": "HTTPS", "port": 443, "tls": {"certificateRefs": [{"name": "ca"}]}});
    let secure = super::gateway("secure", json!([tls]));
    let mut world = world([tls_backend(), policy("p", EARLY, trusting("ca")), both, secure.clone()]);
    let secrets = |world: &World| {
        let names = world.names("default").into_iter().filter(|name| name.starts_with("secret/"));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(secrets(&world), ["secret/infra/ca", "secret/infra/ca/ca.crt"]);
    world.remove(secure);
    assert_eq!(secrets(&world), ["secret/infra/ca/ca.crt"]);
}

#[test]
fn a_backend_never_falls_back_to_other_authorities() {
    let api = tls_backend();
    let p = policy("p", EARLY, trusting("ca"));
    let r = simple_route("r", "gw", "api");
    let mut world = world([api.clone(), p.clone()]);
    assert!(!world.names("default").contains(&"backend/api"));
    assert_eq!(world.condition(&api, "Accepted"), "False InvalidCACertificateRef");
    assert_eq!(world.condition(&api, "ResolvedRefs"), "False InvalidCACertificateRef");
    assert_eq!(world.condition(&p, "ResolvedRefs"), "False InvalidCACertificateRef");
    assert!(world.message(&p, "ResolvedRefs").contains("Secret infra/ca does not exist"));
    assert_eq!(world.condition(&r, "ResolvedRefs"), "False BackendNotFound");

    world.set(authority(CERTIFICATE));
    assert_eq!(world.condition(&api, "Accepted"), "True Accepted");
    assert_eq!(world.condition(&api, "ResolvedRefs"), "True ResolvedRefs");
    assert_eq!(world.condition(&r, "ResolvedRefs"), "True ResolvedRefs");
    assert!(world.names("default").contains(&"backend/api"));
}

#[test]
fn a_policy_with_a_lost_authority_leaves_the_backend_as_it_was() {
    let api = tls_backend();
    let mut world = world([api.clone()]);
    let before = world.backend("api");
    let output = world.set(policy("p", EARLY, trusting("ca")));
    assert!(output.fleets.is_empty());
    assert_eq!(world.backend("api"), before);
    assert_eq!(world.condition(&api, "Accepted"), "False InvalidCACertificateRef");
    assert!(world.message(&api, "Accepted").ends_with("the last good version stays in use"));
    assert!(world.status(&api).programs.is_empty());
}

#[test]
fn an_authority_that_is_lost_stays_in_use() {
    let api = tls_backend();
    let p = policy("p", EARLY, trusting("ca"));
    let mut world = world([api.clone(), p, authority(CERTIFICATE)]);
    let before = world.held.clone();
    let unsound = "-----BEGIN CERTIFICATE-----\nMIIBAQ==\n-----END CERTIFICATE-----\n";
    for change in
        [super::set(authority("nothing")), super::set(authority(unsound)), super::gone(authority(CERTIFICATE))]
    {
        let output = world.apply([change]);
        assert!(output.fleets.is_empty());
        assert_eq!(world.condition(&api, "ResolvedRefs"), "False InvalidCACertificateRef");
        assert!(world.message(&api, "ResolvedRefs").ends_with("the last good version stays in use"));
    }
    // Endpoints can still change.
    world.set(with(
        with(backend("api", "192.0.2.9"), "/spec/protocol", json!("tls")),
        "/metadata/generation",
        json!(2),
    ));
    assert_ne!(world.held, before);
    assert_eq!(world.backend("api").tls.unwrap().ca_secret, "secret/infra/ca/ca.crt");
    // Once nobody needs it, it is gone for good.
    world.remove(simple_route("r", "gw", "api"));
    assert_eq!(world.names("default"), ["listener/infra/gw/http"]);
    assert!(world.compiler.remembered().0 == 0);
}

#[test]
fn a_policy_is_programmed_where_its_backends_are() {
    let spec = json!({"targetRefs": [{"name": "api"}, {"name": "web"}], "timeouts": {"connect": "1s"}});
    let p = policy("p", EARLY, spec.clone());
    let web = backend("web", "192.0.2.2");
    let mut world = world([backend("api", "192.0.2.1"), p.clone()]);
    let programs = |world: &World| {
        let programs = world.status(&p).programs.iter().map(|(fleet, name)| format!("{fleet} {name}"));
        programs.collect::<Vec<_>>()
    };
    assert!(programs(&world).is_empty(), "one of its targets does not exist");
    world.set(web.clone());
    assert_eq!(programs(&world), ["default backend/api"], "nobody is sent the other");
    world.set(simple_route("s", "gw", "web"));
    assert_eq!(programs(&world), ["default backend/api", "default backend/web"]);
    world.set(with(web.clone(), "/spec/endpoints", json!([])));
    assert!(world.status(&web).programs.is_empty(), "it stands as it last could");
    assert_eq!(programs(&world).len(), 2, "and so does the policy for it");
    world.set(web);
    let older = policy("a", "2024-01-01T00:00:00Z", with(spec, "/targetRefs", json!([{"name": "web"}])));
    world.set(older.clone());
    assert!(programs(&world).is_empty(), "another applies to one of its targets");
    world.remove(older);
    assert_eq!(programs(&world).len(), 2);
    world.remove(simple_route("r", "gw", "api"));
    assert_eq!(programs(&world), ["default backend/web"]);
}
