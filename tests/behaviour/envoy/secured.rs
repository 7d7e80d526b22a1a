//! Envoys and clients of gRPC that join over TLS, with what they show.

use std::net::SocketAddr;
use std::time::Duration;

use super::Envoy;
use super::grpc::Peer;
use super::process::{bootstrap, validate};
use crate::doors::{Secured, objects};
use crate::harness::tls::Authority;
use crate::harness::{Client, Upstream, manifest, port, tools, traffic};

const EDGE: &str = "spiffe://backstay/fleet/default";
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_joins_with_a_token_or_a_certificate_and_not_without() {
    let secured = Secured::new();
    let clients = Authority::new();
    let tokens = secured.write_tokens(&[("good", "[default]"), ("other", "[edge]")]);
    let client_ca = secured.write("clients.pem", &clients.pem());
    let control_plane = secured.start(&["--tokens", &tokens, "--xds-client-ca", &client_ca]);
    let token = secured.write("token", "good\n");
    let [cert, key] = clients.issue_client(&[EDGE], HOUR).write(secured.folder.path(), "envoy");
    let upstream = Upstream::answering("hello").await;
    let (listen, objects) = objects(upstream.port());
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    for shown in [
        &["--token-file", &token, "--sotw"][..],
        &["--client-cert", &cert, "--client-key", &key],
        &["--token-file", &token],
    ] {
        let options = [&["--ca", &secured.ca], shown].concat();
        let Some(envoy) = Envoy::start(&control_plane, &options) else { return };
        secured.apply(control_plane.api(), &objects).await;
        envoy.ready().await;
        traffic::until("Envoy serves what it was given", || async {
            let answer = Client::new().get(address, "any.example", "/").await;
            answer.is_ok_and(|answer| answer.status == 200 && answer.text() == "hello")
        })
        .await;
        envoy.assert_content().await;
    }
    let other = secured.write("other", "other");
    let _refused = Envoy::start(&control_plane, &["--ca", &secured.ca, "--token-file", &other]);
    control_plane.process.wait_for_line("a proxy may not join a fleet");
    let _nobody = Envoy::start(&control_plane, &["--ca", &secured.ca]);
    control_plane.process.wait_for_line("a proxy is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_grpc_joins_with_a_certificate() {
    let secured = Secured::new();
    let clients = Authority::new();
    let tokens = secured.write_tokens(&[]);
    let client_ca = secured.write("clients.pem", &clients.pem());
    let control_plane = secured.start(&["--tokens", &tokens, "--xds-client-ca", &client_ca]);
    let [cert, key] = clients.issue_client(&[EDGE], HOUR).write(secured.folder.path(), "client");
    let port = port::free();
    let shown = ["--ca", &secured.ca, "--client-cert", &cert, "--client-key", &key];
    let Some(mut peer) = Peer::start_with(&control_plane, port, &shown) else { return };
    let mut backend = manifest::backend("app", &["127.0.0.1"]);
    backend["spec"]["protocol"] = "h2c".into();
    let objects = [backend, manifest::gateway("web", 8080), manifest::route("app", "web", "any.example", "app", port)];
    let (api, ca) = (control_plane.api(), secured.ca.clone());
    let file = secured.folder.path().join("of-grpc.json");
    // Nobody serves the Gateway but a client that asks for names of it.
    tokio::task::spawn_blocking(move || crate::doors::apply_without_waiting(api, &ca, &file, &objects)).await.unwrap();
    assert_eq!(peer.call("any.example"), "one");
}

#[test]
fn a_bootstrap_with_tls_is_valid_and_one_that_cannot_be_is_refused() {
    let secured = Secured::new();
    let clients = Authority::new();
    let [cert, key] = clients.issue_client(&[EDGE], HOUR).write(secured.folder.path(), "envoy");
    let token = secured.write("token", "good\n");
    let refused = |arguments: &[&str], said: &str| {
        let output = crate::harness::backstay([&["bootstrap"], arguments].concat());
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && printed.contains(said), "{arguments:?}: {printed}");
    };
    // A token is not sent in the clear.
    refused(&["envoy", "--token-file", &token], "--ca");
    refused(&["envoy", "--ca", &secured.ca, "--client-cert", &cert], "--client-key");
    refused(&["grpc", "--ca", &secured.ca, "--tls-server-name", "x.example"], "--tls-server-name");
    let empty = secured.write("empty", "\n");
    refused(&["envoy", "--ca", &secured.ca, "--token-file", &empty], "must have a token");
    let Some(binary) = tools::envoy() else { return };
    for options in [
        &["--ca", &secured.ca, "--token-file", &token][..],
        &["--ca", &secured.ca, "--client-cert", &cert, "--client-key", &key, "--xds", "cp.example:18000"],
        &["--ca", &secured.ca, "--tls-server-name", "cp.example"],
    ] {
        let file = secured.folder.path().join("envoy.yaml");
        std::fs::write(&file, bootstrap(options)).unwrap();
        let said = validate(&binary, &file);
        assert!(said.status.success(), "{options:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
