//! Secrets that no longer serve as they are.

use backstay_store::{Embedded, Prefix, Store as _};
use serde_json::{Value, json};

use crate::support::{Api, BACKENDS, Holder, POLICIES, apply_route, backend, connect, policy, programmed, start};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

fn authority(pem: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ca"}, "type": "Opaque", "stringData": {"ca.crt": pem}})
}

fn over_tls(ip: &str) -> Value {
    let mut backend = backend(ip);
    backend["spec"]["protocol"] = json!("tls");
    backend
}

fn has(kind: &'static str, status: &'static str) -> impl Fn(&Value) -> bool {
    move |object| {
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == kind && condition["status"] == status)
    }
}

/// Everything that is kept of Secrets, in a store that nobody has open.
fn kept(folder: &std::path::Path) -> usize {
    let store = Embedded::open(folder.join("store.redb"), Default::default()).unwrap();
    let snapshot = store.snapshot();
    ["keptauthorities.backstay.dev", "keptcertificates.backstay.dev"]
        .into_iter()
        .map(|place| snapshot.list(&Prefix::resource(place)).count())
        .sum()
}

#[tokio::test]
async fn a_restart_takes_nothing_away_while_a_secret_is_broken_or_gone() {
    let pem = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap().cert.pem();
    let folder = tempfile::tempdir().unwrap();
    let control = start(folder.path()).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    assert_eq!(api.call("POST", SECRETS, &authority(&pem)).await.0, 201);
    let trusting = policy(json!({"tls": {"caCertificateRef": {"name": "ca"}}}));
    assert_eq!(api.call("POST", POLICIES, &trusting).await.0, 201);
    assert_eq!(api.call("PUT", &format!("{BACKENDS}/api"), &over_tls("10.0.0.1")).await.0, 200);
    let proxy = connect(&control, Holder::default());
    api.wait(POLICIES, "p", |object| programmed(object).0 == "True").await;
    assert_eq!(api.call("PUT", &format!("{SECRETS}/ca"), &authority("no PEM")).await.0, 200);
    api.wait(POLICIES, "p", has("ResolvedRefs", "False")).await;
    let mut holder = proxy.stop().await;
    let names: Vec<_> = holder.held.keys().cloned().collect();
    assert!(names.iter().any(|name| &**name == "secret/default/ca/ca.crt"), "{names:?}");
    control.shutdown().await;

    for ip in ["10.0.0.2", "10.0.0.3"] {
        assert_eq!(kept(folder.path()), 1);
        let control = start(folder.path()).await;
        let api = Api::new(&control);
        let mut proxy = connect(&control, holder);
        assert_eq!(api.call("PUT", &format!("{BACKENDS}/api"), &over_tls(ip)).await.0, 200);
        // What is taken away is told before, if anything is.
        while let Some(told) = proxy.told.recv().await {
            assert!(told.iter().all(|name| !name.starts_with('-')), "{told:?}");
            if told.contains(&"backend/api".to_owned()) {
                break;
            }
        }
        api.wait(BACKENDS, "api", |object| programmed(object).0 == "True").await;
        holder = proxy.stop().await;
        assert_eq!(holder.held.keys().cloned().collect::<Vec<_>>(), names);
        // The second time the Secret is not even there.
        api.call("DELETE", &format!("{SECRETS}/ca"), &json!({})).await;
        control.shutdown().await;
    }

    let control = start(folder.path()).await;
    let api = Api::new(&control);
    assert_eq!(api.call("POST", SECRETS, &authority(&pem)).await.0, 201);
    api.wait(POLICIES, "p", has("ResolvedRefs", "True")).await;
    control.shutdown().await;
    assert_eq!(kept(folder.path()), 0, "a key that is no longer needed is not kept");
}
