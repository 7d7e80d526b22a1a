mod lookups;

use std::sync::Arc;

use backstay_limiter::Registry;
use backstay_proto::config::{
    Attachment, Backend, BackendRef, ClientTls, Endpoint, Forward, Listener, Match, Resource, Route, Rule, Secret,
    ServerTls, StaticEndpoints, WeightedBackend, backend, endpoint, listener, resource, rule, secret, weighted_backend,
};
use backstay_xds::client::Update;
use prost::Message;
use tokio::runtime::Handle;

use super::Model;
use super::model::Outcome;
use crate::config::{Action, Config, Socket, Target};
use crate::dns::Dns;
use backstay_upstream::Discovery;

fn model() -> Model {
    let dns = Arc::new(Dns::new(&["127.0.0.1:1".parse().unwrap()], Handle::current()).unwrap());
    let limiters = Arc::new(Registry::new(64, Arc::default()));
    Model::new(dns, Handle::current(), "::".parse().unwrap(), 64, limiters)
}

fn update(name: &str, version: &str, kind: resource::Kind) -> Update {
    let value = Resource { kind: Some(kind) }.encode_to_vec().into();
    Update { name: name.into(), version: version.into(), value }
}

fn backend_of(ips: &[&str]) -> Backend {
    let endpoints = ips
        .iter()
        .map(|ip| Endpoint { host: Some(endpoint::Host::Ip((*ip).to_owned())), ..Endpoint::default() })
        .collect();
    Backend {
        discovery: Some(backend::Discovery::Static(StaticEndpoints { endpoints, ..StaticEndpoints::default() })),
        ..Backend::default()
    }
}

fn backend(name: &str, version: &str, ips: &[&str]) -> Update {
    update(name, version, resource::Kind::Backend(backend_of(ips)))
}

fn listener_of(port: u32) -> Listener {
    Listener { port, protocol: listener::Protocol::Http.into(), ..Listener::default() }
}

fn listener(name: &str, version: &str, port: u32) -> Update {
    update(name, version, resource::Kind::Listener(listener_of(port)))
}

fn https(name: &str, version: &str, port: u32, secret: &str) -> Update {
    let tls = Some(ServerTls { secrets: vec![secret.to_owned()], ..ServerTls::default() });
    update(
        name,
        version,
        resource::Kind::Listener(Listener { protocol: listener::Protocol::Https.into(), tls, ..listener_of(port) }),
    )
}

fn route_of(listener: &str, backends: &[&str]) -> Route {
    let backends = backends.iter().map(|name| WeightedBackend {
        weight: 1,
        target: Some(weighted_backend::Target::Backend(BackendRef { backend: (*name).to_owned(), port: 80 })),
        filters: vec![],
    });
    let action = rule::Action::Forward(Forward { backends: backends.collect(), ..Forward::default() });
    let rule = Rule { matches: vec![Match::default()], action: Some(action), ..Rule::default() };
    let attachment = Attachment { listener: listener.to_owned(), hostnames: vec![] };
    Route { attachments: vec![attachment], rules: vec![rule], order_key: "1".to_owned(), ..Route::default() }
}

fn route(name: &str, version: &str, listener: &str, backends: &[&str]) -> Update {
    update(name, version, resource::Kind::Route(route_of(listener, backends)))
}

fn garbage(name: &str, version: &str) -> Update {
    Update { name: name.into(), version: version.into(), value: (&b"\xff\xff\xff"[..]).into() }
}

fn apply(model: &mut Model, updates: Vec<Update>) -> Outcome {
    model.apply(updates, vec![])
}

fn socket(config: &Config, port: u16) -> &Arc<Socket> {
    config.sockets.iter().find(|socket| socket.address.port() == port).unwrap()
}

/// Where a request to `socket` goes: the name of the backend, or the status of the answer.
fn target(socket: &Socket) -> String {
    let matched = socket.table.find("any.example", &http::Method::GET, "/", None, &http::HeaderMap::new()).unwrap();
    let Action::Forward(forward) = &matched.rule.action else { panic!() };
    match &forward.targets.all()[0].target {
        Target::Backend { backend, .. } => backend.name.to_string(),
        Target::Respond(answer) => answer.status.as_str().to_owned(),
    }
}

fn addresses(backend: &backstay_upstream::Backend) -> Vec<String> {
    let Discovery::Addresses(list) = &backend.discovery else { panic!() };
    list.load().iter().map(|endpoint| endpoint.address.to_string()).collect()
}

#[tokio::test]
async fn resources_may_come_in_any_order() {
    let mut model = model();
    let parts = [
        route("route/r", "1", "listener/l", &["backend/b"]),
        backend("backend/b", "1", &["10.0.0.1"]),
        listener("listener/l", "1", 80),
    ];
    let mut config = None;
    for part in parts {
        let outcome = apply(&mut model, vec![part]);
        assert_eq!(outcome.rejections, []);
        config = outcome.config.or(config);
    }
    assert_eq!(target(socket(&config.unwrap(), 80)), "backend/b");
    let config = model.apply(vec![], vec!["backend/b".into()]).config.unwrap();
    assert_eq!(target(socket(&config, 80)), "500");
    let config = apply(&mut model, vec![backend("backend/b", "2", &["10.0.0.1"])]).config.unwrap();
    assert_eq!(target(socket(&config, 80)), "backend/b");
}

#[tokio::test]
async fn a_bad_update_is_refused_by_name_and_field_and_the_rest_applies() {
    let mut model = model();
    apply(
        &mut model,
        vec![
            backend("backend/b", "1", &["10.0.0.1"]),
            listener("listener/l", "1", 80),
            route("route/r", "1", "listener/l", &["backend/b"]),
        ],
    );
    let outcome = apply(
        &mut model,
        vec![
            backend("backend/b", "2", &["10.0.0.1", "not an address"]),
            backend("backend/c", "1", &["10.0.0.3"]),
            listener("listener/l", "2", 99_999),
            garbage("route/r", "2"),
        ],
    );
    let named: Vec<_> = outcome.rejections.iter().map(|rejection| (&*rejection.name, &*rejection.field)).collect();
    assert_eq!(named, [("backend/b", "static.endpoints[1].ip"), ("listener/l", "port"), ("route/r", "")]);
    let config = outcome.config.unwrap();
    assert_eq!(target(socket(&config, 80)), "backend/b");
    assert_eq!(addresses(&config.backends["backend/b"]), ["10.0.0.1"]);
    let versions: Vec<_> = model.versions().into_iter().map(|(name, version)| format!("{name}={version}")).collect();
    assert_eq!(
        versions,
        ["backend/b=1", "backend/c=1", "listener/l=1", "route/r=1"],
        "what is refused is asked for again"
    );
    assert_eq!(model.rejected().len(), 3);
    apply(&mut model, vec![backend("backend/b", "3", &["10.0.0.2"])]);
    assert_eq!(model.rejected().len(), 2);
    model.apply(vec![], vec!["route/r".into(), "listener/l".into()]);
    assert!(model.rejected().is_empty());
}

#[tokio::test]
async fn every_fault_of_a_resource_is_named_as_far_as_anyone_reads() {
    let mut model = model();
    let bad = Listener { address: "here".to_owned(), hostname: "a b".to_owned(), ..listener_of(0) };
    let many: Vec<_> = (0..20).map(|number| format!("not an address {number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let bad = update("listener/l", "1", resource::Kind::Listener(bad));
    let outcome = apply(&mut model, vec![bad, backend("backend/b", "1", &many)]);
    let named: Vec<_> = outcome.rejections.iter().map(|rejection| (&*rejection.name, &*rejection.field)).collect();
    assert_eq!(named[..3], [("listener/l", "address"), ("listener/l", "port"), ("listener/l", "hostname")]);
    assert_eq!(
        (named[3], named[18]),
        (("backend/b", "static.endpoints[0].ip"), ("backend/b", "static.endpoints[15].ip"))
    );
    assert_eq!((named.len(), named[19]), (20, ("backend/b", "")));
    assert!(outcome.rejections[19].message.contains("4 more"), "{:?}", outcome.rejections[19]);
    assert_eq!(model.rejected().len(), 2, "each resource is refused once");
}

/// What a route is joined from is what was read of it when it came.
#[tokio::test]
async fn a_route_follows_its_backend_through_every_change_of_identity() {
    let mut model = model();
    let parts = vec![listener("listener/l", "1", 80), route("route/r", "1", "listener/l", &["backend/b"])];
    let config = apply(&mut model, parts).config.unwrap();
    assert_eq!(target(socket(&config, 80)), "500");
    let named = |config: &Config| {
        let table = &socket(config, 80).table;
        let rule = table.find("h", &http::Method::GET, "/", None, &http::HeaderMap::new()).unwrap().rule.clone();
        let Action::Forward(forward) = &rule.action else { panic!() };
        let Target::Backend { backend, port } = &forward.targets.all()[0].target else { panic!() };
        (backend.id(), port.map(|port| port.get()))
    };
    let mut before = None;
    for version in ["1", "2", "3"] {
        // Another protocol is another identity.
        let protocol = if version == "2" { backend::Protocol::Http2 } else { backend::Protocol::Http1 };
        let message = Backend { protocol: protocol.into(), ..backend_of(&["10.0.0.1"]) };
        let outcome = apply(&mut model, vec![update("backend/b", version, resource::Kind::Backend(message))]);
        let config = outcome.config.unwrap();
        let now = named(&config);
        assert_eq!(now, (config.backends["backend/b"].id(), Some(80)));
        assert!(before.replace(now) != Some(now), "it has another identity");
    }
}

#[tokio::test]
async fn endpoints_change_in_place() {
    let mut model = model();
    let config = apply(&mut model, vec![backend("backend/b", "1", &["10.0.0.1"])]).config.unwrap();
    let outcome = apply(&mut model, vec![backend("backend/b", "2", &["10.0.0.2", "10.0.0.3", "10.0.0.2"])]);
    assert!(outcome.config.is_none(), "nothing is built anew");
    assert_eq!(addresses(&config.backends["backend/b"]), ["10.0.0.2", "10.0.0.3"]);
    assert_eq!(&*model.versions()["backend/b"], "2");
}

#[tokio::test]
async fn only_what_a_change_touches_is_built_anew() {
    let mut model = model();
    let mut updates = vec![listener("listener/a", "1", 1001), listener("listener/b", "1", 1002)];
    for n in 0..50 {
        updates.push(backend(&format!("backend/{n}"), "1", &["10.0.0.1"]));
        let listener = if n == 0 { "listener/a" } else { "listener/b" };
        updates.push(route(&format!("route/{n}"), "1", listener, &[&format!("backend/{n}")]));
    }
    let before = apply(&mut model, updates).config.unwrap();
    let h2c = Backend { protocol: backend::Protocol::Http2.into(), ..backend_of(&["10.0.0.1"]) };
    let after = apply(&mut model, vec![update("backend/0", "2", resource::Kind::Backend(h2c))]).config.unwrap();
    for n in 1..50 {
        let name = format!("backend/{n}");
        assert!(Arc::ptr_eq(&before.backends[&*name], &after.backends[&*name]));
    }
    assert_ne!(before.backends["backend/0"].id(), after.backends["backend/0"].id());
    assert!(Arc::ptr_eq(socket(&before, 1002), socket(&after, 1002)));
    assert!(!Arc::ptr_eq(socket(&before, 1001), socket(&after, 1001)));
    assert_eq!(addresses(&after.backends["backend/0"]), ["10.0.0.1"]);
}

#[tokio::test]
async fn a_listener_waits_for_its_secret() {
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let certificate =
        secret::Certificate { chain: pair.cert.pem().into(), private_key: pair.signing_key.serialize_pem().into() };
    let secret = |version| {
        update(
            "secret/n/s",
            version,
            resource::Kind::Secret(Secret { kind: Some(secret::Kind::Certificate(certificate.clone())) }),
        )
    };
    let mut model = model();
    let config = apply(&mut model, vec![https("listener/l", "1", 443, "secret/n/s")]).config.unwrap();
    assert!(config.sockets.is_empty());
    assert_eq!(model.waiting_listeners().len(), 1);
    let first = apply(&mut model, vec![secret("1")]).config.unwrap();
    assert!(socket(&first, 443).tls.is_some());
    let second = apply(&mut model, vec![route("route/r", "1", "listener/l", &[])]).config.unwrap();
    let tls = |config: &Config| socket(config, 443).tls.clone().unwrap();
    assert!(Arc::ptr_eq(&tls(&first), &tls(&second)), "sessions survive a change of routes");
    let third = apply(&mut model, vec![secret("2")]).config.unwrap();
    assert!(!Arc::ptr_eq(&tls(&second), &tls(&third)));
    let outcome = apply(&mut model, vec![listener("listener/plain", "1", 443)]);
    assert_eq!(outcome.rejections[0].field, "protocol");
    assert!(outcome.rejections[0].message.contains("listener/l"));
    assert!(model.apply(vec![], vec!["secret/n/s".into()]).config.unwrap().sockets.is_empty());
}

#[tokio::test]
async fn listeners_may_change_places_in_one_response() {
    let mut model = model();
    apply(&mut model, vec![listener("listener/z", "1", 443), https("listener/y", "1", 80, "secret/n/s")]);
    let outcome = apply(&mut model, vec![https("listener/y", "2", 443, "secret/n/s"), listener("listener/z", "2", 80)]);
    assert_eq!(outcome.rejections, []);
    let outcome =
        apply(&mut model, vec![listener("listener/y", "3", 443), https("listener/z", "3", 443, "secret/n/s")]);
    assert_eq!(outcome.rejections.len(), 1, "two that disagree: one gives way");
}

#[tokio::test]
async fn a_backend_waits_for_its_authorities() {
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let mut model = model();
    let tls = ClientTls { ca_secret: "secret/n/ca".into(), ..ClientTls::default() };
    let message = Backend { protocol: backend::Protocol::Http1Tls.into(), tls: Some(tls), ..backend_of(&["10.0.0.1"]) };
    let config = apply(
        &mut model,
        vec![
            update("backend/b", "1", resource::Kind::Backend(message)),
            listener("listener/l", "1", 80),
            route("route/r", "1", "listener/l", &["backend/b"]),
        ],
    )
    .config
    .unwrap();
    assert_eq!(target(socket(&config, 80)), "500");
    assert_eq!(model.backends().next().unwrap().waiting_for.map(|name| &**name), Some("secret/n/ca"));
    let bundle = secret::CertificateAuthority { bundle: pair.cert.pem().into() };
    let secret = Secret { kind: Some(secret::Kind::CertificateAuthority(bundle)) };
    let config = apply(&mut model, vec![update("secret/n/ca", "1", resource::Kind::Secret(secret))]).config.unwrap();
    assert_eq!(target(socket(&config, 80)), "backend/b");
    assert!(config.backends["backend/b"].tls.is_some());
}

#[tokio::test]
async fn a_listener_that_cannot_be_bound_goes_back_to_what_it_was() {
    let mut model = model();
    apply(&mut model, vec![listener("listener/l", "1", 1001)]);
    let mut outcome = apply(&mut model, vec![listener("listener/l", "2", 1002), listener("listener/m", "1", 1002)]);
    let refused = ["listener/l", "listener/m"]
        .map(|name| (name.into(), backstay_model::Fault::new("port", "address [::]:1002 cannot be bound")));
    let config = model.revert(&mut outcome, refused.into());
    assert_eq!(config.sockets.iter().map(|socket| socket.address.port()).collect::<Vec<_>>(), [1001]);
    assert_eq!(outcome.rejections.len(), 2);
    assert_eq!(model.versions().len(), 1);
    assert_eq!(&*model.versions()["listener/l"], "1");
    assert_eq!(&*model.rejected()["listener/l"].version, "2");
}

#[tokio::test]
async fn a_backend_waits_for_its_own_certificate() {
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let mut model = model();
    let tls = ClientTls {
        client_certificate: "secret/n/me".into(),
        ca_bundle: pair.cert.pem().into(),
        ..ClientTls::default()
    };
    let message = Backend { protocol: backend::Protocol::Http1Tls.into(), tls: Some(tls), ..backend_of(&["10.0.0.1"]) };
    let config = apply(&mut model, vec![update("backend/b", "1", resource::Kind::Backend(message))]).config.unwrap();
    assert!(config.backends.is_empty());
    assert_eq!(model.backends().next().unwrap().waiting_for.map(|name| &**name), Some("secret/n/me"));
    let certificate =
        secret::Certificate { chain: pair.cert.pem().into(), private_key: pair.signing_key.serialize_pem().into() };
    let secret = Secret { kind: Some(secret::Kind::Certificate(certificate)) };
    let config = apply(&mut model, vec![update("secret/n/me", "1", resource::Kind::Secret(secret))]).config.unwrap();
    assert!(config.backends["backend/b"].tls.is_some());
}

#[tokio::test]
async fn what_is_served_stays_while_a_secret_is_missing() {
    let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let presenting = |version: &str, ip: &str, secret: &str| {
        let tls = ClientTls {
            client_certificate: secret.to_owned(),
            ca_bundle: pair.cert.pem().into(),
            ..ClientTls::default()
        };
        let message = Backend { protocol: backend::Protocol::Http1Tls.into(), tls: Some(tls), ..backend_of(&[ip]) };
        update("backend/b", version, resource::Kind::Backend(message))
    };
    let secret = |chain: String| {
        let private_key = pair.signing_key.serialize_pem().into();
        let certificate = secret::Certificate { chain: chain.into(), private_key };
        update(
            "secret/n/me",
            "1",
            resource::Kind::Secret(Secret { kind: Some(secret::Kind::Certificate(certificate)) }),
        )
    };
    let mut model = model();
    let routed = vec![listener("listener/l", "1", 80), route("route/r", "1", "listener/l", &["backend/b"])];
    let before = apply(&mut model, [routed, vec![presenting("1", "10.0.0.1", "")]].concat()).config.unwrap();

    // A certificate that cannot be read is refused; what names it waits, and so does what follows on that.
    let outcome = apply(&mut model, vec![secret("nothing".into()), presenting("2", "10.0.0.1", "secret/n/me")]);
    assert_eq!(outcome.rejections.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["secret/n/me"]);
    apply(&mut model, vec![presenting("3", "10.0.0.3", "secret/n/me")]);
    assert_eq!(model.backends().next().unwrap().waiting_for.map(|name| &**name), Some("secret/n/me"));
    let now = apply(&mut model, vec![listener("listener/m", "1", 81)]).config.unwrap();
    assert!(Arc::ptr_eq(&before.backends["backend/b"], &now.backends["backend/b"]));
    assert_eq!(
        (target(socket(&now, 80)), addresses(&now.backends["backend/b"])),
        ("backend/b".into(), vec!["10.0.0.1".into()])
    );

    let after = apply(&mut model, vec![secret(pair.cert.pem())]).config.unwrap();
    assert_eq!(addresses(&after.backends["backend/b"]), ["10.0.0.3"]);
    assert!(model.backends().next().unwrap().waiting_for.is_none());
    let kept = model.apply(vec![], vec!["secret/n/me".into()]).config.map_or(after, |config| config);
    assert_eq!(addresses(&kept.backends["backend/b"]), ["10.0.0.3"]);
}
