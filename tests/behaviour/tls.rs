//! HTTPS: which certificate is shown, which protocol is spoken, and what happens when Secrets change or are not there.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::rest::{GATEWAYS, SECRETS};
use crate::harness::tls::{Authority, Session};
use crate::harness::{ControlPlane, Proxy, Rest, Upstream, manifest, port};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn https(name: &str, port: u16, hostname: Option<&str>, secrets: &[&str]) -> Value {
    let references: Vec<_> = secrets.iter().map(|name| json!({"name": name})).collect();
    let mut listener = json!({"name": name, "protocol": "HTTPS", "port": port, "tls": {"certificateRefs": references}});
    if let Some(hostname) = hostname {
        listener["hostname"] = hostname.into();
    }
    listener
}

fn gateway(name: &str, listeners: &[Value]) -> Value {
    let mut gateway = manifest::gateway(name, 1);
    gateway["spec"]["listeners"] = listeners.into();
    gateway
}

/// The condition `kind` of the listener `name`: status, reason and message.
fn listener(gateway: &Value, name: &str, kind: &str) -> (String, String, String) {
    let find = |list: &Value, field: &str, value: &str| -> Value {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().find(|item| item[field] == value).cloned().unwrap_or_default()
    };
    let condition = find(&find(&gateway["status"]["listeners"], "name", name)["conditions"], "type", kind);
    let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}

/// Everything for every host goes to `upstream`.
async fn route_all(rest: &Rest, gateway: &str, upstream: &Upstream) {
    let mut route = manifest::route("app", gateway, "app", "app", upstream.port());
    route["spec"]["hostnames"] = json!([]);
    for object in [manifest::backend("app", &["127.0.0.1"]), route] {
        rest.create(&object).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_follows_the_server_name_and_the_protocol_follows_alpn() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let upstream = Upstream::answering("hello").await;
    let authority = Authority::new();
    let [one, two, wild] = [&["one.example"][..], &["two.example", "*.two.example"], &["*.wild.example"]]
        .map(|names| authority.issue(names));
    for (name, pair) in [("one", &one), ("two", &two), ("wild", &wild)] {
        rest.create(&pair.secret(name)).await;
    }
    let listen = port::free();
    let listeners =
        [https("all", listen, None, &["one", "two"]), https("wild", listen, Some("*.wild.example"), &["wild"])];
    route_all(&rest, "web", &upstream).await;
    rest.create(&gateway("web", &listeners)).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;

    for (name, pair) in [
        ("one.example", &one),
        ("two.example", &two),
        ("a.two.example", &two),
        ("a.wild.example", &wild),
        // Nothing fits these: the first certificate of the listener for all hosts.
        ("unknown.example", &one),
        ("wild.example", &one),
        ("127.0.0.1", &one),
    ] {
        for (offered, agreed) in
            [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1"), (&["h2"], "h2"), (&[], "")]
        {
            let mut session = Session::open(local(listen), name, offered).await.unwrap();
            assert_eq!(session.certificate, pair.der(), "{name}");
            assert_eq!(session.alpn, agreed, "{name} {offered:?}");
            assert_eq!(
                session.get("/").await.unwrap(),
                (http::StatusCode::OK, "hello".to_owned()),
                "{name} {offered:?}"
            );
        }
    }
    let refused = Session::open(local(listen), "one.example", &["spdy/3"]).await.unwrap_err();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_new_connections_and_breaks_none() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let upstream = Upstream::answering("hello").await;
    let authority = Authority::new();
    let (first, second) = (authority.issue(&["app.example"]), authority.issue(&["app.example"]));
    rest.create(&first.secret("app")).await;
    let listen = port::free();
    route_all(&rest, "web", &upstream).await;
    rest.create(&gateway("web", &[https("all", listen, None, &["app"])])).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    let mut old = Vec::new();
    for alpn in [&["h2"][..], &["http/1.1"]] {
        let mut session = Session::open(local(listen), "app.example", alpn).await.unwrap();
        assert_eq!(session.certificate, first.der());
        assert_eq!(session.get("/").await.unwrap().1, "hello");
        old.push(session);
    }

    rest.change(&format!("{SECRETS}/app"), &json!({"stringData": second.secret("app")["stringData"]})).await;
    // Every connection meanwhile is shown the one or the other, and served.
    let rotation = async {
        loop {
            let mut session = Session::open(local(listen), "app.example", &["h2"]).await.unwrap();
            assert_eq!(session.get("/").await.unwrap().1, "hello");
            if session.certificate == second.der() {
                break;
            }
            assert_eq!(session.certificate, first.der());
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, rotation).await.expect("the new certificate is shown");
    for session in &mut old {
        assert_eq!(session.get("/again").await.unwrap().1, "hello", "a connection from before goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_or_broken_is_told_and_other_listeners_serve() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let upstream = Upstream::answering("hello").await;
    let authority = Authority::new();
    let (good, other) = (authority.issue(&["good.example"]), authority.issue(&["other.example"]));
    let mut garbage = good.secret("garbage");
    garbage["stringData"]["tls.crt"] = "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n".into();
    let mut mixed = good.secret("mixed");
    mixed["stringData"]["tls.key"] = other.key.clone().into();
    let mut opaque = good.secret("opaque");
    opaque["type"] = "Opaque".into();
    opaque["stringData"] = json!({"password": "secret"});
    for secret in [&good.secret("good"), &garbage, &mixed, &opaque] {
        rest.create(secret).await;
    }
    let names = ["good", "absent", "garbage", "mixed", "opaque"];
    let ports = names.map(|_| port::free());
    let plain = port::free();
    let mut listeners: Vec<_> = names.iter().zip(ports).map(|(name, port)| https(name, port, None, &[name])).collect();
    listeners.push(json!({"name": "plain", "protocol": "HTTP", "port": plain}));
    route_all(&rest, "web", &upstream).await;
    rest.create(&gateway("web", &listeners)).await;
    let path = format!("{GATEWAYS}/web");
    let programmed = |gateway: &Value, name: &str| listener(gateway, name, "Programmed").0 == "True";
    rest.wait_until(&path, "its good listeners programmed", |gateway| {
        programmed(gateway, "good") && programmed(gateway, "plain")
    })
    .await;
    let told = rest.read(&path).await;
    for name in ["absent", "garbage", "mixed", "opaque"] {
        let (status, reason, message) = listener(&told, name, "ResolvedRefs");
        assert_eq!((&*status, &*reason), ("False", "InvalidCertificateRef"), "{name}: {message}");
        assert!(message.contains(name), "{name}: {message}");
        assert!(!message.contains(&good.key[60..100]), "{message}");
        assert_eq!(listener(&told, name, "Programmed").0, "False", "{name}");
    }
    let mut session = Session::open(local(ports[0]), "good.example", &[]).await.unwrap();
    assert_eq!(session.get("/").await.unwrap().1, "hello");
    let answer = crate::harness::Client::new().get(local(plain), "good.example", "/").await.unwrap();
    assert_eq!(answer.text(), "hello");

    // The Secret comes later, as it often does.
    rest.create(&other.secret("absent")).await;
    rest.wait_until(&path, "programmed with the Secret", |gateway| programmed(gateway, "absent")).await;
    let mut session = Session::open(local(ports[1]), "other.example", &[]).await.unwrap();
    assert_eq!((session.certificate.clone(), session.get("/").await.unwrap().1), (other.der(), "hello".to_owned()));

    // And it goes: what is served stays, as with any object that can no longer be compiled, or ends; it never hangs.
    let (status, _) = rest.delete(&format!("{SECRETS}/absent")).await;
    assert_eq!(status, http::StatusCode::OK);
    rest.wait_until(&path, "without the Secret", |gateway| listener(gateway, "absent", "ResolvedRefs").0 == "False")
        .await;
    let mut session = Session::open(local(ports[0]), "good.example", &[]).await.unwrap();
    assert_eq!(session.get("/").await.unwrap().1, "hello");
}
