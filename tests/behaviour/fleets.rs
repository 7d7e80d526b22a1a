//! Fleets: each proxy gets what its own fleet serves, and nothing else.

use std::net::SocketAddr;

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::rest::{BACKENDS, GATEWAYS, PROXIES};
use crate::harness::tls::Authority;
use crate::harness::{Client, ControlPlane, Proxy, Upstream, manifest, port};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn fleet(name: &str) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": name}, "spec": {}})
}

fn gateway(name: &str, port: u16, fleet: &str) -> Value {
    let mut gateway = manifest::gateway(name, port);
    gateway["spec"]["infrastructure"] =
        json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": fleet}});
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_receives_what_its_fleet_serves_and_no_secret_of_another() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let authority = Authority::new();
    let mut served = Vec::new();
    for name in ["east", "west"] {
        let (upstream, listen, secure) = (Upstream::answering(name).await, port::free(), port::free());
        rest.create(&fleet(name)).await;
        rest.create(&authority.issue(&["app.test"]).secret(name)).await;
        let mut gateway = gateway(name, listen, name);
        let https =
            json!({"name": "https", "protocol": "HTTPS", "port": secure, "tls": {"certificateRefs": [{"name": name}]}});
        gateway["spec"]["listeners"].as_array_mut().unwrap().push(https);
        rest.create(&gateway).await;
        rest.create(&manifest::backend(name, &["127.0.0.1"])).await;
        rest.create(&manifest::route(name, name, "app.test", name, upstream.port())).await;
        let proxy = Proxy::start_with(control_plane.xds(), &["--fleet", name]);
        served.push((name, upstream, listen, proxy));
    }
    let client = Client::new();
    for (name, _, listen, proxy) in &served {
        rest.wait_for(&format!("{GATEWAYS}/{name}"), "Programmed").await;
        rest.wait_for(&format!("{BACKENDS}/{name}"), "Programmed").await;
        assert_eq!(client.get(local(*listen), "app.test", "/").await.unwrap().text(), *name);
        let dump = client.get(proxy.admin, &proxy.admin.to_string(), "/config_dump").await.unwrap().json();
        let mut names: Vec<_> =
            dump["resources"].as_array().unwrap().iter().map(|resource| resource["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        let expected = [
            format!("backend/{name}"),
            format!("listener/default/{name}/http"),
            format!("listener/default/{name}/https"),
            format!("route/default/{name}"),
            format!("secret/default/{name}"),
        ];
        assert_eq!(names, expected);
    }
    let status = crate::harness::backstay(["status", "-o", "json", "--server", &control_plane.server()]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let counts: Vec<_> = status["fleets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fleet| (fleet["name"].as_str().unwrap(), fleet["proxies"].as_array().unwrap().len()))
        .collect();
    assert_eq!(counts, [("default", 0), ("east", 1), ("west", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_does_not_exist_is_refused_until_it_does() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let proxy = Proxy::start_with(control_plane.xds(), &["--fleet", "later"]);
    let told = proxy.process.wait_for_line("there is no fleet");
    assert!(told.contains("there is no fleet \"later\": create a Proxy with this name, or join another"), "{told}");
    rest.create(&fleet("later")).await;
    rest.wait_for_ready("later").await;

    // Deleted again, it takes nothing from its proxies.
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    for object in [
        manifest::backend("app", &["127.0.0.1"]),
        gateway("web", listen, "later"),
        manifest::route("app", "web", "app.test", "app", upstream.port()),
    ] {
        rest.create(&object).await;
    }
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    let ask = async || Client::new().get(local(listen), "app.test", "/").await.unwrap();
    assert_eq!(ask().await.text(), "served");
    assert_eq!(rest.delete(&format!("{PROXIES}/later")).await.0, StatusCode::OK);
    proxy.process.wait_for_line("there is no fleet \"later\"");
    assert_eq!(ask().await.text(), "served");
}
