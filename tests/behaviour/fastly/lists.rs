//! What changes without a new version: entries of lists, items of dictionaries, dynamic snippets. And lists of services.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ControlPlane, Fastly};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_list_change_while_versions_are_locked_and_are_in_each_of_them() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("acl").await;
    let acl = fastly.make(&format!("{version}/acl"), &[("name", "Blocked")]).await;
    let acl = format!("/service/{id}/acl/{}", acl["id"].as_str().unwrap());
    fastly.put(&format!("{version}/lock"), &[]).await;
    let entry = fastly.make(&format!("{acl}/entry"), &[("ip", "10.1.0.0"), ("subnet", "16")]).await;
    assert_eq!((&entry["negated"], &entry["subnet"]), (&json!(0), &json!(16)));
    let path = format!("{acl}/entry/{}", entry["id"].as_str().unwrap());
    let changed = fastly.form(Method::PATCH, &path, &[("negated", "1"), ("comment", "not these")]).await.body;
    assert_eq!((&changed["negated"], &changed["ip"]), (&json!(1), &json!("10.1.0.0")));
    let twice = fastly.post(&format!("{acl}/entry"), &[("ip", "10.1.0.0/16")]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let batch = |last: Value| {
        json!({"entries": [{"op": "create", "ip": "::1"}, {"op": "delete", "id": entry["id"]}, last]}).to_string()
    };
    let path = format!("{acl}/entries");
    let refused = fastly.send(Method::PATCH, &path, &JSON, batch(json!({"op": "create", "ip": "::g"}))).await;
    assert_eq!(
        (refused.status, refused.reason().as_str()),
        (StatusCode::BAD_REQUEST, "Ip '::g' is not a valid IPv4 or IPv6 address")
    );
    assert_eq!(fastly.read(&path).await.as_array().unwrap().len(), 1, "all or nothing");
    let done = fastly.send(Method::PATCH, &path, &JSON, batch(json!({"op": "create", "ip": "10.2.0.1"}))).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let entries = fastly.read(&path).await;
    let ips: Vec<_> = entries.as_array().unwrap().iter().map(|entry| entry["ip"].clone()).collect();
    assert_eq!(ips, ["::1", "10.2.0.1"]);
    // A copy has the same list; only with the last of them do its entries go.
    fastly.put(&format!("{version}/clone"), &[]).await;
    assert_eq!(fastly.delete(&format!("/service/{id}/version/2/acl/Blocked")).await.status, StatusCode::OK);
    assert_eq!(fastly.read(&path).await.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_dictionary_are_upserted_one_by_one_and_in_batches() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("dictionary").await;
    let made = fastly.make(&format!("{version}/dictionary"), &[("name", "redirects")]).await;
    let dictionary = format!("/service/{id}/dictionary/{}", made["id"].as_str().unwrap());
    let item = format!("{dictionary}/item/%2Fold%20path");
    assert_eq!(fastly.put(&item, &[("item_value", "/new")]).await.body["item_key"], "/old path");
    assert_eq!(fastly.put(&item, &[("item_value", "/newer")]).await.status, StatusCode::OK);
    assert_eq!(fastly.read(&item).await["item_value"], "/newer");
    let twice = fastly.post(&format!("{dictionary}/item"), &[("item_key", "/old path"), ("item_value", "x")]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let items = json!({"items": [
        {"op": "upsert", "item_key": "a", "item_value": "1"}, {"op": "delete", "item_key": "/old path"},
    ]});
    let path = format!("{dictionary}/items");
    assert_eq!(fastly.send(Method::PATCH, &path, &JSON, items.to_string()).await.status, StatusCode::OK);
    assert_eq!(fastly.read(&path).await[0]["item_key"], "a");
    assert_eq!(fastly.get(&item).await.status, StatusCode::NOT_FOUND);
    let info = fastly.read(&format!("{version}/dictionary/{}/info", made["id"].as_str().unwrap())).await;
    assert_eq!(info["item_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_are_written_only_are_told_to_nobody() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("secrets").await;
    let fields = [("name", "secrets"), ("write_only", "true")];
    let made = fastly.make(&format!("{version}/dictionary"), &fields).await;
    let dictionary = format!("/service/{id}/dictionary/{}", made["id"].as_str().unwrap());
    fastly.put(&format!("{dictionary}/item/key"), &[("item_value", "SECRET-VALUE")]).await;
    assert_eq!(fastly.get(&format!("{dictionary}/items")).await.status, StatusCode::FORBIDDEN);
    let objects = control_plane.rest().read("/apis/backstay.dev/v1alpha1/fastlydictionaries").await;
    assert!(objects.to_string().contains("(hidden)") && !objects.to_string().contains("SECRET-VALUE"), "{objects}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dynamic_snippet_says_the_same_in_every_version() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    let (id, version) = fastly.service("snippets").await;
    let fields = [("name", "s"), ("type", "recv"), ("dynamic", "1"), ("content", "esi;")];
    let made = fastly.make(&format!("{version}/snippet"), &fields).await;
    assert_eq!((&made["dynamic"], &made["content"], &made["priority"]), (&json!("1"), &Value::Null, &json!("100")));
    let path = format!("/service/{id}/snippet/{}", made["id"].as_str().unwrap());
    assert_eq!(fastly.read(&path).await["content"], "esi;");
    fastly.put(&format!("{version}/lock"), &[]).await;
    assert_eq!(fastly.put(&path, &[("content", "other;")]).await.body["content"], "other;");
    let plain = fastly.put(&format!("{version}/clone"), &[]).await.body["number"].clone();
    let copy = fastly.read(&format!("/service/{id}/version/{plain}/snippet/s")).await;
    assert_eq!(copy["id"], made["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_services_lead_to_each_other() {
    let control_plane = ControlPlane::start();
    let fastly = Fastly::new(control_plane.api());
    for number in 0..5 {
        fastly.service(&format!("service {number}")).await;
    }
    let mut names = Vec::new();
    let mut path = "/service?page=1&per_page=2&sort=created&direction=ascend".to_owned();
    loop {
        let answer = fastly.get(&path).await;
        names.extend(answer.body.as_array().unwrap().iter().map(|service| service["name"].clone()));
        let links = answer.headers.get("link").map(|links| links.to_str().unwrap().to_owned()).unwrap_or_default();
        let next = links.split(", ").find(|link| link.ends_with("rel=\"next\""));
        let Some(next) = next.and_then(|link| link.strip_prefix('<')?.split('>').next().map(str::to_owned)) else {
            break;
        };
        path = next.strip_prefix(&control_plane.server()).expect("the address that was asked").to_owned();
    }
    assert_eq!(names, (0..5).map(|number| json!(format!("service {number}"))).collect::<Vec<_>>());
    let all = fastly.get("/service").await;
    assert_eq!((all.body.as_array().unwrap().len(), all.headers.get("link")), (5, None));
    let newest = fastly.read("/service?page=1&per_page=1&direction=descend").await;
    assert_eq!((&newest[0]["name"], &newest[0]["version"]), (&json!("service 4"), &json!(1)));
    assert_eq!(fastly.read("/service/search?name=service%203").await["name"], "service 3");
    let missing = fastly.get("/service/search?name=service%209").await;
    assert_eq!((missing.status, &missing.body["msg"]), (StatusCode::NOT_FOUND, &json!("Record not found")));
    assert_eq!(fastly.post("/service", &[("name", "service 3")]).await.status, StatusCode::CONFLICT);
}
