//! Statuses that others write in as well, and that a crash has left behind.

use backstay_store::{Embedded, Expect, Key, Operation, Store as _, Write};
use serde_json::{Value, json};

use crate::support::{
    Api, BACKENDS, Holder, POLICIES, PROXIES, apply_route, backend, connect, policy, programmed, ready, start,
};

const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
const GATEWAYS_OF_DEFAULT: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";

fn theirs() -> Value {
    json!({"type": "example.com/Audited", "status": "True", "reason": "Fine", "message": "by hand",
        "lastTransitionTime": "2020-01-02T03:04:05Z"})
}

/// The conditions, by type.
fn types(conditions: &Value) -> Vec<&str> {
    let mut types: Vec<_> =
        conditions.as_array().unwrap().iter().map(|condition| condition["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    types
}

/// Adds a condition of another controller to the list at `pointer` of an object's status, as controllers do: with what
/// they have read.
async fn add_theirs(api: &Api, path: &str, pointer: &str) {
    loop {
        let (_, mut object) = api.call("GET", path, &Value::Null).await;
        object.pointer_mut(pointer).unwrap().as_array_mut().unwrap().push(theirs());
        let (status, answer) = api.call("PUT", &format!("{path}/status"), &object).await;
        if status == 200 {
            return;
        }
        assert_eq!(status, 409, "{answer}");
    }
}

#[tokio::test]
async fn conditions_of_other_controllers_stay_and_ours_that_are_over_go() {
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let insecure = policy(json!({"tls": {"insecureSkipVerify": true}}));
    let mut over_tls = backend("10.0.0.1");
    over_tls["spec"]["protocol"] = json!("tls");
    assert_eq!(api.call("PUT", &format!("{BACKENDS}/api"), &over_tls).await.0, 200);
    assert_eq!(api.call("POST", POLICIES, &insecure).await.0, 201);
    let ours = |object: &Value| object["status"]["conditions"].is_array();
    let before = api.wait(POLICIES, "p", ours).await;
    assert_eq!(types(&before["status"]["conditions"]), ["Accepted", "Insecure", "Programmed", "ResolvedRefs"]);
    api.wait(GATEWAYS_OF_DEFAULT, "web", |gateway| gateway["status"]["listeners"][0]["conditions"].is_array()).await;
    api.wait(ROUTES, "all", |route| route["status"]["parents"][0]["conditions"].is_array()).await;
    for (path, pointer) in [
        (format!("{BACKENDS}/api"), "/status/conditions"),
        (format!("{POLICIES}/p"), "/status/conditions"),
        (format!("{GATEWAYS_OF_DEFAULT}/web"), "/status/conditions"),
        (format!("{GATEWAYS_OF_DEFAULT}/web"), "/status/listeners/0/conditions"),
        (format!("{ROUTES}/all"), "/status/parents/0/conditions"),
        (format!("{PROXIES}/default"), "/status/conditions"),
    ] {
        add_theirs(&api, &path, pointer).await;
    }

    // Everything is written anew: the policy is no longer insecure, a proxy comes, the route changes.
    assert_eq!(api.call("PUT", &format!("{POLICIES}/p"), &policy(json!({"timeouts": {"connect": "1s"}}))).await.0, 200);
    let (_, mut route) = api.call("GET", &format!("{ROUTES}/all"), &Value::Null).await;
    route["spec"]["hostnames"] = json!(["a.example"]);
    assert_eq!(api.call("PUT", &format!("{ROUTES}/all"), &route).await.0, 200);
    let proxy = connect(&control, Holder::default());
    let is_true = |object: &Value| programmed(object).0 == "True";
    let found = api.wait(BACKENDS, "api", is_true).await;
    assert_eq!(
        types(&found["status"]["conditions"]),
        ["Accepted", "Programmed", "ResolvedRefs", "example.com/Audited"]
    );
    let found = api.wait(POLICIES, "p", |object| programmed(object).2 == 2 && is_true(object)).await;
    assert_eq!(
        types(&found["status"]["conditions"]),
        ["Accepted", "Programmed", "ResolvedRefs", "example.com/Audited"]
    );
    let kept = found["status"]["conditions"].as_array().unwrap().last().unwrap();
    assert_eq!(*kept, theirs(), "as it was written");
    let found = api.wait(GATEWAYS_OF_DEFAULT, "web", is_true).await;
    assert!(types(&found["status"]["conditions"]).contains(&"example.com/Audited"));
    assert!(types(&found["status"]["listeners"][0]["conditions"]).contains(&"example.com/Audited"));
    let found = api
        .wait(ROUTES, "all", |route| route["status"]["parents"][0]["conditions"][0]["observedGeneration"] == 2)
        .await;
    assert!(types(&found["status"]["parents"][0]["conditions"]).contains(&"example.com/Audited"));
    let found = api.wait(PROXIES, "default", |fleet| ready(fleet) == "Ready").await;
    assert_eq!(types(&found["status"]["conditions"]), ["Ready", "example.com/Audited"]);
    proxy.stop().await;
    control.shutdown().await;
}

/// Changes the store of a control plane that does not run: what a crash leaves of a change of which no status tells yet.
async fn commit(folder: &std::path::Path, kind: &str, name: &str, change: impl FnOnce(Option<Value>) -> Option<Value>) {
    let store = Embedded::open(folder.join("store.redb"), Default::default()).unwrap();
    let key = Key::new(kind, "", name);
    let present = store.snapshot().get(&key).cloned();
    let changed = change(present.as_ref().map(|entry| serde_json::from_slice(&entry.value.bytes()).unwrap()));
    let write = Write {
        key,
        expect: present.map_or(Expect::Absent, |entry| Expect::Modified(entry.modified)),
        operation: changed.map_or(Operation::Delete, |object| Operation::Put(object.to_string().into())),
    };
    store.commit(vec![write]).await.unwrap();
}

#[tokio::test]
async fn after_a_crash_nothing_is_programmed_that_no_proxy_has_taken() {
    type Crash = fn(Option<Value>) -> Option<Value>;
    let edit: Crash = |policy| {
        let mut policy = policy.unwrap();
        policy["metadata"]["generation"] = json!(2);
        policy["spec"]["timeouts"]["connect"] = json!("9s");
        Some(policy)
    };
    for (what, crash) in [("edited", edit), ("deleted", |_| None)] {
        let folder = tempfile::tempdir().unwrap();
        let control = start(folder.path()).await;
        let api = Api::new(&control);
        apply_route(&api).await;
        assert_eq!(api.call("POST", POLICIES, &policy(json!({"timeouts": {"connect": "1s"}}))).await.0, 201);
        let proxy = connect(&control, Holder::default());
        api.wait(POLICIES, "p", |object| programmed(object).0 == "True").await;
        api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
        api.wait(GATEWAYS_OF_DEFAULT, "web", |object| programmed(object).0 == "True").await;
        let holder = proxy.stop().await;
        control.shutdown().await;
        commit(folder.path(), "backendpolicies.backstay.dev", "p", crash).await;

        let control = start(folder.path()).await;
        let api = Api::new(&control);
        let waits = |object: &Value| programmed(object).1 == "no proxy of default is connected";
        api.wait(BACKENDS, "api", waits).await;
        if what == "edited" {
            api.wait(POLICIES, "p", waits).await;
        }
        let (_, gateway) = api.call("GET", &format!("{GATEWAYS_OF_DEFAULT}/web"), &Value::Null).await;
        assert_eq!(programmed(&gateway).0, "True", "that has not changed");
        let mut proxy = connect(&control, holder);
        while proxy.told.recv().await.unwrap() != ["backend/api"] {}
        api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
        proxy.stop().await;
        control.shutdown().await;
    }
}
