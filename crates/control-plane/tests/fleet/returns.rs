//! Control planes and fleets that go and come back.

use serde_json::{Value, json};

use crate::support::{
    Api, BACKENDS, GATEWAYS, Holder, PROXIES, apply_route, backend, connect, connect_to, programmed, ready, start,
};

#[tokio::test]
async fn after_a_restart_a_proxy_is_sent_only_what_it_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    apply_route(&Api::new(&control)).await;
    let mut proxy = connect(&control, Holder::default());
    proxy.told.recv().await.unwrap();
    let holder = proxy.stop().await;
    control.shutdown().await;

    let control = start(folder.path()).await;
    let api = Api::new(&control);
    let (status, _) = api.call("PUT", &format!("{BACKENDS}/api"), &backend("10.0.0.3")).await;
    assert_eq!(status, 200);
    let mut proxy = connect(&control, holder);
    // The first response to a wildcard may be empty; what matters is that nothing known is sent again.
    loop {
        let told = proxy.told.recv().await.unwrap();
        if !told.is_empty() {
            assert_eq!(told, ["backend/api"]);
            break;
        }
    }
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn a_restart_rewrites_no_status_that_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let proxy = connect(&control, Holder::default());
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
    let gateways = format!("{GATEWAYS}/namespaces/default/gateways");
    api.wait(&gateways, "web", |object| programmed(object).0 == "True").await;
    let holder = proxy.stop().await;
    let (_, before) = api.call("GET", &format!("{BACKENDS}/api"), &Value::Null).await;
    control.shutdown().await;

    let control = start(folder.path()).await;
    let api = Api::new(&control);
    let proxy = connect(&control, holder);
    // Whatever the start had to write of others has been written when this has.
    let mut other = backend("10.0.0.9");
    other["metadata"]["name"] = "other".into();
    assert_eq!(api.call("POST", BACKENDS, &other).await.0, 201);
    api.wait(BACKENDS, "other", |object| programmed(object).0 == "False").await;
    let (_, after) = api.call("GET", &format!("{BACKENDS}/api"), &Value::Null).await;
    assert_eq!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "{after:#}");
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn a_fleet_that_is_deleted_takes_nothing_from_its_proxies_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let edge =
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "edge"}, "spec": {}});
    let of_edge = json!({"spec": {"gatewayClassName": "backstay",
        "infrastructure": {"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": "edge"}},
        "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}});
    let mut gateway =
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "web"}});
    gateway["spec"] = of_edge["spec"].clone();
    assert_eq!(api.call("POST", PROXIES, &edge).await.0, 201);
    api.wait(PROXIES, "edge", |fleet| ready(fleet) == "NoProxies").await;
    let web = format!("{GATEWAYS}/namespaces/default/gateways/web");
    let (status, answer) = api.call("PUT", &web, &gateway).await;
    assert_eq!(status, 200, "{answer}");
    let gateways = format!("{GATEWAYS}/namespaces/default/gateways");
    api.wait(&gateways, "web", |gateway| programmed(gateway).1 == "no proxy of edge is connected").await;

    let all = ["backend/api", "listener/default/web/http", "route/default/all"];
    let mut proxy = connect_to(&control, "edge", Holder::default());
    assert_eq!(proxy.told.recv().await.unwrap(), all);
    api.wait(PROXIES, "edge", |fleet| ready(fleet) == "Ready").await;
    assert_eq!(api.call("DELETE", &format!("{PROXIES}/edge"), &json!({})).await.0, 200);
    api.wait(&gateways, "web", |gateway| programmed(gateway).0 == "False").await;
    assert!(proxy.told.try_recv().is_err(), "nothing is taken from it");

    // The proxy has asked again ever since; now its fleet exists, and it holds all of it already.
    assert_eq!(api.call("POST", PROXIES, &edge).await.0, 201);
    api.wait(PROXIES, "edge", |fleet| ready(fleet) == "Ready").await;
    api.wait(&gateways, "web", |gateway| programmed(gateway).0 == "True").await;
    while let Ok(told) = proxy.told.try_recv() {
        assert_eq!(told, Vec::<String>::new());
    }
    let holder = proxy.stop().await;
    assert_eq!(holder.held.keys().map(|name| &**name).collect::<Vec<_>>(), all);
    control.shutdown().await;
}
