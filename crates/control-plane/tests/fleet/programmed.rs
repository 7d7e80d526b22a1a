//! When an object is programmed, and when not.

use std::sync::Arc;

use backstay_proto::config;
use backstay_xds::client::Update;
use prost::Message as _;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{
    Api, BACKENDS, GATEWAYS, Holder, POLICIES, apply_route, backend, connect, policy, programmed, start,
};

#[tokio::test]
async fn a_backend_is_programmed_once_the_proxy_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;

    let mut proxy = connect(&control, Holder::default());
    assert_eq!(
        proxy.told.recv().await.unwrap(),
        ["backend/api", "listener/default/web/http", "route/default/all"],
        "one response carries all kinds"
    );
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;

    let (_, changed) = api.call("PUT", &format!("{BACKENDS}/api"), &backend("10.0.0.2")).await;
    assert_eq!(changed["metadata"]["generation"], 2);
    assert_eq!(proxy.told.recv().await.unwrap(), ["backend/api"], "only what changed is sent");
    api.wait(BACKENDS, "api", |object| {
        programmed(object) == ("True".into(), "every connected proxy has acknowledged it".into(), 2)
    })
    .await;

    let holder = proxy.stop().await;
    let resource = config::Resource::decode(holder.held["backend/api"].1.clone()).unwrap();
    let Some(config::resource::Kind::Backend(sent)) = resource.kind else { panic!("{resource:?}") };
    let Some(config::backend::Discovery::Static(endpoints)) = sent.discovery else { panic!("{sent:?}") };
    assert_eq!(endpoints.endpoints[0].host, Some(config::endpoint::Host::Ip("10.0.0.2".to_owned())));
    control.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_told_in_the_objects_status_and_touches_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let proxy =
        connect(&control, Holder { refuse: Some(|update| &*update.name == "backend/api"), ..Holder::default() });
    let refused = api.wait(BACKENDS, "api", |object| programmed(object).1.contains("refused")).await;
    assert_eq!(programmed(&refused).1, "proxy edge-1 refused backend/api: static: no, thank you");
    api.wait(&format!("{GATEWAYS}/namespaces/default/gateways"), "web", |object| programmed(object).0 == "True").await;
    let fleet = api
        .wait("/apis/core.apoxy.dev/v1alpha2/proxies", "default", |object| {
            object["status"]["replicas"][0]["refused"].is_array()
        })
        .await;
    assert_eq!(fleet["status"]["replicas"][0]["refused"][0]["message"], "no, thank you");
    proxy.stop().await;
    control.shutdown().await;
}

fn has_timeouts(update: &Update) -> bool {
    let resource = config::Resource::decode(update.value.clone()).unwrap();
    matches!(resource.kind, Some(config::resource::Kind::Backend(backend)) if backend.timeouts.is_some())
}

#[tokio::test]
async fn a_policy_is_programmed_when_proxies_serve_with_it_and_so_is_its_backend() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let permits = Arc::new(Semaphore::new(1));
    let mut proxy = connect(&control, Holder { permits: Some(permits.clone()), ..Holder::default() });
    proxy.told.recv().await.unwrap();
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;

    let (status, answer) = api.call("POST", POLICIES, &policy(json!({"timeouts": {"connect": "1s"}}))).await;
    assert_eq!(status, 201, "{answer}");
    let waiting = ("False".into(), "waiting for the proxies of default".into(), 1);
    api.wait(POLICIES, "p", |object| programmed(object) == waiting).await;
    api.wait(BACKENDS, "api", |object| programmed(object) == waiting).await;
    permits.add_permits(1);
    api.wait(POLICIES, "p", |object| programmed(object).0 == "True").await;
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
    proxy.stop().await;
    control.shutdown().await;
}

#[tokio::test]
async fn a_policy_that_a_proxy_refuses_is_not_programmed() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let mut proxy = connect(&control, Holder { refuse: Some(has_timeouts), ..Holder::default() });
    proxy.told.recv().await.unwrap();
    api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;

    let (status, answer) = api.call("POST", POLICIES, &policy(json!({"timeouts": {"connect": "1s"}}))).await;
    assert_eq!(status, 201, "{answer}");
    let refused = ("False".into(), "proxy edge-1 refused backend/api: static: no, thank you".into(), 1);
    api.wait(POLICIES, "p", |object| programmed(object) == refused).await;
    api.wait(BACKENDS, "api", |object| programmed(object) == refused).await;

    let (status, answer) = api.call("PUT", &format!("{POLICIES}/p"), &policy(json!({"limits": {"requests": 9}}))).await;
    assert_eq!(status, 200, "{answer}");
    let served = |generation| ("True".into(), "every connected proxy has acknowledged it".into(), generation);
    api.wait(POLICIES, "p", |object| programmed(object) == served(2)).await;
    api.wait(BACKENDS, "api", |object| programmed(object) == served(1)).await;
    proxy.stop().await;
    control.shutdown().await;
}
