//! Activation: all or nothing, one service for a domain, and back again.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ControlPlane, Fastly};

async fn ready(fastly: &Fastly, name: &str, domain: &str) -> (String, String) {
    let (id, version) = fastly.service(name).await;
    fastly.make(&format!("{version}/domain"), &[("name", domain)]).await;
    fastly.make(&format!("{version}/backend"), &[("name", "b"), ("address", "10.0.0.1")]).await;
    (id, version)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_cannot_be_served_is_refused_and_nothing_changes() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("unsound").await;
    let verdict = fastly.read(&format!("{version}/validate")).await;
    assert_eq!((&verdict["status"], &verdict["msg"]), (&json!("error"), &json!("Version has no associated domains")));
    let refused = fastly.put(&format!("{version}/activate"), &[]).await;
    assert_eq!(
        (refused.status, refused.reason().as_str()),
        (StatusCode::BAD_REQUEST, "Version has no associated domains")
    );
    fastly.make(&format!("{version}/domain"), &[("name", "unsound.example")]).await;
    let condition = [("name", "bad"), ("type", "REQUEST"), ("statement", "table.contains(nowhere, req.url)")];
    fastly.make(&format!("{version}/condition"), &condition).await;
    let backend = [("name", "b"), ("address", "10.0.0.1"), ("request_condition", "bad")];
    fastly.make(&format!("{version}/backend"), &backend).await;
    let refused = fastly.put(&format!("{version}/activate"), &[]).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.reason().contains("bad"), "{}", refused.body);
    let read = fastly.read(&version).await;
    assert_eq!((&read["active"], &read["locked"]), (&json!(false), &json!(false)));
    assert_eq!(fastly.get(&format!("/service/{id}/version/active")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_comes_back_and_activating_twice_is_once() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = ready(&fastly, "rollback", "rollback.example").await;
    let state = |number: u32| {
        let (fastly, path) = (fastly.clone(), format!("/service/{id}/version/{number}"));
        async move {
            let version = fastly.read(&path).await;
            (version["active"].clone(), version["locked"].clone())
        }
    };
    let (yes, no) = (Value::from(true), Value::from(false));
    for _ in 0..2 {
        assert_eq!(fastly.put(&format!("{version}/activate"), &[]).await.body["active"], true);
    }
    fastly.put(&format!("{version}/clone"), &[]).await;
    assert_eq!(state(2).await, (no.clone(), no.clone()));
    fastly.put(&format!("/service/{id}/version/2/activate"), &[]).await;
    assert_eq!((state(1).await, state(2).await), ((no.clone(), yes.clone()), (yes.clone(), yes.clone())));
    fastly.put(&format!("{version}/activate"), &[]).await;
    assert_eq!((state(1).await, state(2).await), ((yes.clone(), yes.clone()), (no.clone(), yes.clone())));
    assert_eq!(fastly.read(&format!("/service/{id}/version/active")).await["number"], 1);
    let refused = fastly.delete(&format!("/service/{id}")).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.reason().contains("active"), "{}", refused.body);
    assert_eq!(fastly.put(&format!("{version}/deactivate"), &[]).await.body["active"], false);
    assert_eq!(state(1).await, (no, yes));
    assert_eq!(fastly.delete(&format!("/service/{id}")).await.body, json!({"status": "ok"}));
    for path in [&format!("/service/{id}"), &version] {
        let answer = fastly.get(path).await;
        assert_eq!((answer.status, answer.reason()), (StatusCode::BAD_REQUEST, format!("Service '{id}' is deleted")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_services_that_want_a_domain_at_once_one_gets_it() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let mut versions = Vec::new();
    for number in 0..8 {
        versions.push(ready(&fastly, &format!("wants {number}"), "wanted.example").await);
    }
    let tasks: Vec<_> = versions
        .iter()
        .map(|(_, version)| {
            let (fastly, path) = (fastly.clone(), format!("{version}/activate"));
            tokio::spawn(async move { fastly.put(&path, &[]).await })
        })
        .collect();
    let mut won = Vec::new();
    for (index, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        match answer.status {
            StatusCode::OK => won.push(index),
            status => {
                assert_eq!(status, StatusCode::BAD_REQUEST);
                assert!(answer.reason().contains("Domain 'wanted.example' is already taken"), "{}", answer.body);
            }
        }
    }
    assert_eq!(won.len(), 1);
    // It is free again once it is given back, and refused at once where it is asked for before.
    let (winner, loser) = (&versions[won[0]].1, &versions[(won[0] + 1) % 8].1);
    let (_, late) = fastly.service("late").await;
    let refused = fastly.post(&format!("{late}/domain"), &[("name", "wanted.example")]).await;
    assert!(refused.reason().contains(&versions[won[0]].0), "{}", refused.body);
    fastly.put(&format!("{winner}/deactivate"), &[]).await;
    assert_eq!(fastly.put(&format!("{loser}/activate"), &[]).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_is_told_when_it_is_activated() {
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let fastly = Fastly::new(control_plane.api());
    let (_, version) = ready(&fastly, "warned", "warned.example").await;
    fastly.make(&format!("{version}/gzip"), &[("name", "g")]).await;
    fastly.make(&format!("{version}/logging/s3"), &[("name", "errors"), ("bucket_name", "b")]).await;
    let message = fastly.put(&format!("{version}/activate"), &[]).await.body["msg"].clone();
    let message = message.as_str().unwrap_or_default();
    assert!(message.contains("Warning: ") && message.contains("'errors'") && message.contains("Gzip 'g'"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_services_and_versions_and_changes_none() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = ready(&fastly, "seen", "seen.example").await;
    fastly.put(&format!("{version}/activate"), &[]).await;
    let rest = control_plane.rest();
    let path = format!("/apis/backstay.dev/v1alpha1/fastlyservices/{id}");
    assert_eq!(rest.read(&path).await["spec"]["active"], 1);
    let version = format!("/apis/backstay.dev/v1alpha1/fastlyversions/{id}.1");
    assert_eq!(rest.read(&version).await["spec"]["domains"][0]["name"], "seen.example");
    for path in [&path, &version] {
        assert_eq!(rest.delete(path).await.0, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(rest.patch(path, &json!({"spec": {}})).await.0, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(rest.put(path, &json!({})).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
    let collection = "/apis/backstay.dev/v1alpha1/fastlyservices";
    assert_eq!(rest.post(collection, &json!({})).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(rest.delete(collection).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
