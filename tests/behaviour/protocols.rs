//! How upstreams are spoken to, and what passes through the proxy unchanged.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::rest::{BACKENDS, GATEWAYS, POLICIES, ROUTES};
use crate::harness::tls::{Authority, Pair};
use crate::harness::upstream::Seen;
use crate::harness::{Client, ControlPlane, Proxy, Rest, Upstream, backstay, manifest, port};

const HOST: &str = "app.example.com";

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Says how it was asked.
async fn echo(seen: Seen) -> Response<Bytes> {
    let name = seen.server_name.as_deref().unwrap_or("-");
    Response::new(Bytes::from(format!("{:?} {} {name}", seen.version, seen.uri.path())))
}

async fn tls_upstream(pair: &Pair, alpn: &[&str]) -> Upstream {
    Upstream::start_tls(pair.acceptor(alpn), echo).await
}

fn policy(name: &str, tls: &Value) -> Value {
    json!({
        "apiVersion": "backstay.dev/v1alpha1",
        "kind": "BackendPolicy",
        "metadata": {"name": name},
        "spec": {"targetRefs": [{"name": name}], "tls": tls},
    })
}

async fn protocol(rest: &Rest, name: &str, protocol: &str) {
    rest.change(&format!("{BACKENDS}/{name}"), &json!({"spec": {"protocol": protocol}})).await;
    rest.wait_for(&format!("{BACKENDS}/{name}"), "Programmed").await;
}

/// Asks until the answer holds: a policy is no generation of the Backend, so that only traffic tells when it counts.
async fn until(address: SocketAddr, what: &str, status: StatusCode, body: &str) {
    let client = Client::new();
    crate::harness::traffic::until(what, || async {
        let answer = client.get(address, HOST, "/x").await.unwrap();
        answer.status == status && answer.text().starts_with(body)
    })
    .await;
}

/// Clients of HTTP/2 have no other host than the address.
async fn serve_all_hosts(rest: &Rest, address: SocketAddr) {
    rest.change(&format!("{ROUTES}/app"), &json!({"spec": {"hostnames": null}})).await;
    crate::harness::traffic::until("the route for all hosts", || async {
        Client::new().get(address, "other.example.com", "/").await.unwrap().status == StatusCode::OK
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_over_tls_must_prove_the_name_it_is_asked_for() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let authority = Authority::new();
    let upstream = tls_upstream(&authority.issue(&["up.example"]), &["h2", "http/1.1"]).await;
    let ca = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ca", "namespace": "default"},
        "type": "Opaque", "stringData": {"ca.crt": authority.pem()}});
    rest.create(&ca).await;
    let listen = port::free();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], upstream.port()).await;
    let address = local(listen);

    // Nobody vouches for the certificate.
    protocol(&rest, "app", "tls").await;
    until(address, "the refusal of an unknown authority", StatusCode::SERVICE_UNAVAILABLE, "").await;
    // The authority is known, but the endpoint is an address and the certificate has a name.
    let trusted = json!({"caCertificateRef": {"name": "ca"}});
    rest.create(&policy("app", &trusted)).await;
    rest.wait_for(&format!("{POLICIES}/app"), "Accepted").await;
    until(address, "the refusal of another name", StatusCode::SERVICE_UNAVAILABLE, "").await;
    assert!(upstream.seen().is_empty(), "no request reached it");

    let path = format!("{POLICIES}/app");
    rest.change(&path, &json!({"spec": {"tls": {"sni": "up.example"}}})).await;
    until(address, "the right name", StatusCode::OK, "HTTP/1.1 /x up.example").await;
    rest.change(&path, &json!({"spec": {"tls": {"sni": "other.example"}}})).await;
    until(address, "the wrong name", StatusCode::SERVICE_UNAVAILABLE, "").await;
    rest.change(&path, &json!({"spec": {"tls": {"verifiedName": "up.example"}}})).await;
    until(address, "another name to verify", StatusCode::OK, "HTTP/1.1 /x other.example").await;

    // The same over HTTP/2, whatever the case it is written in.
    protocol(&rest, "app", "H2").await;
    assert_eq!(rest.read(&format!("{BACKENDS}/app")).await["spec"]["protocol"], "h2");
    until(address, "HTTP/2", StatusCode::OK, "HTTP/2.0 /x other.example").await;
    // To speak TLS to a server that does is not to speak to it in clear.
    protocol(&rest, "app", "").await;
    let answer = Client::new().get(address, HOST, "/x").await.unwrap();
    assert!(matches!(answer.status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE), "{}", answer.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_of_a_backend_is_what_the_upstream_is_spoken_to_in() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let upstream = Upstream::start(local(0), echo).await;
    let listen = port::free();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], upstream.port()).await;
    serve_all_hosts(&rest, local(listen)).await;
    for (written, version) in [("h2c", "HTTP/2.0"), ("", "HTTP/1.1")] {
        protocol(&rest, "app", written).await;
        for client in [Client::new(), Client::http2()] {
            let answer = client.request(Method::GET, local(listen), "/x", &[], "").await.unwrap();
            assert_eq!(answer.text(), format!("{version} /x -"));
        }
    }
    let (status, refused) = rest.patch(&format!("{BACKENDS}/app"), &json!({"spec": {"protocol": "h3"}})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["message"].as_str().unwrap().contains("spec.protocol"), "{refused}");
}

/// The control plane is a gRPC server like any other: its admin API is asked through the proxy, and another proxy takes
/// its configuration through it, over a stream of both directions.
#[tokio::test(flavor = "multi_thread")]
async fn grpc_passes_through_with_its_streams_and_trailers() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let [api, xds, plain] = [(); 3].map(|()| port::free());
    for (name, listen, upstream) in [("api", api, control_plane.api()), ("xds", xds, control_plane.xds())] {
        let mut backend = manifest::backend(name, &["127.0.0.1"]);
        backend["spec"]["protocol"] = "h2c".into();
        let mut route = manifest::route(name, name, HOST, name, upstream.port());
        route["spec"]["hostnames"] = json!([]);
        for object in [backend, manifest::gateway(name, listen), route] {
            rest.create(&object).await;
        }
        rest.wait_for(&format!("{GATEWAYS}/{name}"), "Programmed").await;
        rest.wait_for(&format!("{BACKENDS}/{name}"), "Programmed").await;
    }
    let through = format!("http://{}", local(api));
    let status = backstay(["status", "-o", "json", "--server", &through]);
    let printed: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(printed["fleets"][0]["name"], "default", "{printed}");
    let absent = backstay(["status", "--fleet", "absent", "--server", &through]);
    let complaint = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert!(complaint.contains("no fleet \"absent\""), "the status and its words are in the trailers: {complaint}");

    let edge =
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "edge"}, "spec": {}});
    rest.create(&edge).await;
    let _second = Proxy::start_with(local(xds), &["--fleet", "edge"]);
    let upstream = Upstream::answering("through two proxies").await;
    let mut gateway = manifest::gateway("edge", plain);
    gateway["spec"]["infrastructure"] =
        json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": "edge"}});
    for object in [
        gateway,
        manifest::backend("edge", &["127.0.0.1"]),
        manifest::route("edge", "edge", HOST, "edge", upstream.port()),
    ] {
        rest.create(&object).await;
    }
    rest.wait_for(&format!("{GATEWAYS}/edge"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/edge"), "Programmed").await;
    assert_eq!(Client::new().get(local(plain), HOST, "/").await.unwrap().text(), "through two proxies");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_arrives_whole_over_both_protocols() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::start(local(0), |seen| async move { Response::new(seen.body) }).await;
    let listen = port::free();
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], upstream.port()).await;
    let address = local(listen);
    serve_all_hosts(&rest, address).await;
    let body: Bytes = (0..5_000_000_u32).flat_map(u32::to_be_bytes).collect();
    for written in ["", "h2c"] {
        protocol(&rest, "app", written).await;
        for client in [Client::new(), Client::http2()] {
            let answer = client.request(Method::POST, address, "/", &[], body.clone()).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK);
            assert!(answer.body == body, "{} bytes came back, as they were not", answer.body.len());
        }
    }
}
