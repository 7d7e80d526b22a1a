//! The life of versions: drafts, locks, copies, and what they differ in.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ControlPlane, Fastly};

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_version_refuses_changes_of_its_parts_and_nothing_else() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("locked").await;
    fastly.make(&format!("{version}/backend"), &[("name", "b"), ("address", "10.0.0.1")]).await;
    assert_eq!(fastly.put(&format!("{version}/lock"), &[]).await.body["locked"], true);
    assert_eq!(fastly.put(&format!("{version}/lock"), &[]).await.status, StatusCode::OK);
    let refused = [
        fastly.post(&format!("{version}/backend"), &[("name", "c"), ("address", "10.0.0.1")]).await,
        fastly.put(&format!("{version}/backend/b"), &[("weight", "1")]).await,
        fastly.delete(&format!("{version}/backend/b")).await,
        fastly.put(&format!("{version}/settings"), &[("general.default_ttl", "1")]).await,
        fastly.post(&format!("{version}/logging/s3"), &[("name", "l")]).await,
        fastly.post(&format!("{version}/director/d/backend/b"), &[]).await,
    ];
    for answer in refused {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let detail = format!("Version '1' for service '{id}' is locked");
        assert_eq!(answer.body, json!({"msg": "Version locked", "detail": detail}));
    }
    let commented = fastly.put(&version, &[("comment", "done")]).await.body;
    assert_eq!((&commented["comment"], &commented["locked"]), (&json!("done"), &json!(true)));
    let copy = fastly.put(&format!("{version}/clone"), &[]).await.body;
    assert_eq!((&copy["number"], &copy["locked"], &copy["comment"]), (&json!(2), &json!(false), &json!("done")));
    assert_eq!(fastly.read(&format!("/service/{id}/version/2/backend")).await[0]["name"], "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_never_used_twice_and_copies_are_of_any_version() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("numbers").await;
    fastly.make(&format!("{version}/domain"), &[("name", "One.Example")]).await;
    let empty = fastly.make(&format!("/service/{id}/version"), &[("comment", "empty")]).await;
    assert_eq!((&empty["number"], &empty["comment"]), (&json!(2), &json!("empty")));
    let copy = fastly.put(&format!("{version}/clone"), &[]).await.body;
    assert_eq!(copy["number"], 3);
    let domains = |number: u32| {
        let (fastly, path) = (fastly.clone(), format!("/service/{id}/version/{number}/domain"));
        async move { fastly.read(&path).await }
    };
    assert_eq!(domains(2).await, json!([]));
    assert_eq!((&domains(3).await[0]["name"], &domains(3).await[0]["version"]), (&json!("one.example"), &json!(3)));
    let numbers: Vec<Value> = fastly
        .read(&format!("/service/{id}/version"))
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["number"].clone())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    for missing in ["4", "0", "x", "-1"] {
        let answer = fastly.get(&format!("/service/{id}/version/{missing}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn details_tell_everything_of_the_active_or_the_newest_version() {
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("details").await;
    let details = fastly.read(&format!("/service/{id}/details")).await;
    assert_eq!((&details["active_version"], &details["version"]["number"]), (&Value::Null, &json!(1)));
    fastly.make(&format!("{version}/domain"), &[("name", "details.example")]).await;
    fastly.make(&format!("{version}/backend"), &[("name", "b"), ("address", "10.0.0.1")]).await;
    let activated = fastly.put(&format!("{version}/activate"), &[]).await;
    assert_eq!((activated.status, &activated.body["msg"]), (StatusCode::OK, &Value::Null), "{}", activated.body);
    let draft = fastly.put(&format!("{version}/clone"), &[]).await.body;
    assert_eq!(draft["number"], 2);
    fastly.put(&format!("/service/{id}/version/2/backend/b"), &[("weight", "7")]).await;
    let details = fastly.read(&format!("/service/{id}/details")).await;
    assert_eq!((&details["active_version"]["number"], &details["version"]["number"]), (&json!(1), &json!(1)));
    assert_eq!(details["version"]["backends"][0]["weight"], 100);
    assert_eq!(details["version"]["settings"]["general.default_ttl"], 3600);
    let two = fastly.read(&format!("/service/{id}/details?version=2")).await;
    assert_eq!(two["version"]["backends"][0]["weight"], 7);
    let active = fastly.read(&format!("/service/{id}/details?filter%5Bversions.active%5D=true")).await;
    assert_eq!(active["versions"].as_array().unwrap().len(), 1);
    let difference = fastly.read(&format!("/service/{id}/diff/from/1/to/2")).await;
    assert_eq!(difference["diff"], "- backends \"b\" weight: 100\n+ backends \"b\" weight: 7\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn staging_marks_a_version_and_serves_nothing() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("staging").await;
    assert_eq!(fastly.put(&format!("{version}/activate/staging"), &[]).await.status, StatusCode::BAD_REQUEST);
    fastly.make(&format!("{version}/domain"), &[("name", "staging.example")]).await;
    fastly.make(&format!("{version}/backend"), &[("name", "b"), ("address", "10.0.0.1")]).await;
    let staged = fastly.put(&format!("{version}/activate/staging"), &[]).await.body;
    assert_eq!((&staged["staging"], &staged["active"], &staged["locked"]), (&json!(true), &json!(false), &json!(true)));
    let listed = fastly.read(&format!("/service/{id}/version")).await;
    assert_eq!(listed[0]["staging"], true);
    let details = fastly.read(&format!("/service/{id}/details?filter%5Bversions.staged%5D=true")).await;
    assert_eq!(details["version"]["number"], 1);
    assert_eq!(fastly.put(&format!("{version}/deactivate/staging"), &[]).await.body["staging"], false);
}
