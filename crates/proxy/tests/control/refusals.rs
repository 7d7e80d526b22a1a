//! What a control plane learns of a resource with several faults: all of them.

use backstay_proxy::Proxy;

use super::{ControlPlane, admin, backend, free_port, ip, listener_at, options, rejected};

#[tokio::test]
async fn every_fault_of_a_resource_is_in_the_refusal() {
    let mut plane = ControlPlane::start().await;
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let endpoints = vec![ip("nowhere"), ip("127.0.0.1"), ip("elsewhere")];
    plane.put(vec![
        ("backend/web", backend(endpoints)),
        ("listener/n/g/http", listener_at("here", 0)),
        ("listener/n/g/other", listener_at("127.0.0.1", free_port())),
    ]);
    let mut refused = rejected(&mut plane).await;
    refused.sort_by(|a, b| a.name.cmp(&b.name));
    let named: Vec<_> = refused.iter().map(|refused| (&*refused.name, &*refused.field)).collect();
    assert_eq!(
        named,
        [
            ("backend/web", "static.endpoints[0].ip"),
            ("backend/web", "static.endpoints[2].ip"),
            ("listener/n/g/http", "address"),
            ("listener/n/g/http", "port"),
        ]
    );
    assert!(refused.iter().all(|refused| !refused.message.is_empty() && !refused.version.is_empty()));
    assert_eq!(proxy.listeners().len(), 1, "the rest is served");

    let dump: serde_json::Value = serde_json::from_str(&admin(&proxy, "/config_dump").await.1).unwrap();
    let dumped: Vec<_> =
        dump["rejected"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(dumped, ["static.endpoints[0].ip", "static.endpoints[2].ip", "address", "port"]);
    let metrics = admin(&proxy, "/metrics").await.1;
    for line in ["backstay_resources_rejected_total 2", "backstay_rejected_resources 2"] {
        assert!(metrics.lines().any(|found| found == line), "each resource is counted once: {line}\n{metrics}");
    }
    proxy.shutdown().await;
}
