//! An Envoy that asks for some of its types on streams of their own.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::Envoy;
use crate::harness::rest::{BACKENDS, GATEWAYS, endpoints};
use crate::harness::{Client, ControlPlane, Upstream, manifest, port, traffic};

const HOST: &str = "app.example.com";

/// Clusters and listeners are asked for by the services of these types, and the rest, which they name themselves, on the common stream.
fn apart(bootstrap: String, variant: &str) -> String {
    let own = |line: &str| -> Option<String> {
        let (key, value) = line.split_once(": ")?;
        if !["  cds_config", "  lds_config"].contains(&key) {
            return None;
        }
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(value["ads"], json!({}));
        let service = json!({"envoy_grpc": {"cluster_name": "backstay", "authority": "127.0.0.1"}});
        let source = json!({"api_type": variant, "transport_api_version": "V3", "grpc_services": [service]});
        Some(format!("{key}: {}", json!({"api_config_source": source, "resource_api_version": "V3"})))
    };
    bootstrap.lines().map(|line| own(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_envoy_has_on_several_streams_it_has() {
    for (variant, options) in [("DELTA_GRPC", &[][..]), ("GRPC", &["--sotw"])] {
        let control_plane = ControlPlane::start();
        let changed = |text| apart(text, variant);
        let Some(envoy) = Envoy::start_with(&control_plane, options, changed) else { return };
        let port = port::free();
        let [one, two] = [[127, 0, 0, 1], [127, 0, 0, 2]].map(|ip| SocketAddr::from((ip, port)));
        let (_one, _two) = (Upstream::answering_on(one, "one").await, Upstream::answering_on(two, "two").await);
        let rest = control_plane.rest();
        let listen = port::free();
        rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
        rest.create(&manifest::gateway("web", listen)).await;
        rest.create(&manifest::route("app", "web", HOST, "app", port)).await;
        rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
        envoy.ready().await;
        let address = SocketAddr::from(([127, 0, 0, 1], listen));
        let answered = async |body: &str| {
            traffic::until(&format!("answered with {body}"), || async {
                let answer = Client::new().get(address, HOST, "/").await;
                answer.is_ok_and(|answer| answer.status == 200 && answer.text() == body)
            })
            .await;
        };
        answered("one").await;
        rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.2"])).await;
        rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
        answered("two").await;
        envoy.assert_content().await;
    }
}
