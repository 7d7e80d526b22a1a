use backstay_kube::Options;
use backstay_store::{History, Limits, Memory, Retention};
use serde_json::{Value, json};

use crate::server::{BACKENDS, MERGE, Server, TABLE, labelled, names, version};

async fn fill(server: &Server, count: usize) {
    for n in 0..count {
        server.backend(&format!("web-{n:02}")).await;
    }
}

#[tokio::test]
async fn a_list_says_its_version_and_whole_items() {
    let server = Server::new().await;
    let empty = server.get(BACKENDS).await.expect(200);
    assert_eq!(empty["items"], json!([]));
    let created = server.backend("web").await;
    let list = server.get(BACKENDS).await.expect(200);
    assert_eq!(list["kind"], "BackendList");
    assert_eq!(list["apiVersion"], "core.apoxy.dev/v1alpha2");
    assert_eq!(list["items"], json!([created]));
    assert_eq!(version(&list), version(&created));
    assert!(list["metadata"].get("continue").is_none());
}

#[tokio::test]
async fn pages_are_of_one_state() {
    let server = Server::new().await;
    fill(&server, 7).await;
    let first = server.get(&format!("{BACKENDS}?limit=3")).await.expect(200);
    assert_eq!(names(&first), ["web-00", "web-01", "web-02"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 4);
    // None of this may be seen by later pages.
    server.delete(&format!("{BACKENDS}/web-04")).await.expect(200);
    server.backend("web-03-new").await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = server.get(&format!("{BACKENDS}?limit=3&continue={token}")).await.expect(200);
    assert_eq!(names(&second), ["web-03", "web-04", "web-05"]);
    assert_eq!(second["metadata"]["remainingItemCount"], 1);
    assert_eq!(version(&second), version(&first));
    let token = second["metadata"]["continue"].as_str().unwrap();
    let third = server.get(&format!("{BACKENDS}?limit=3&continue={token}")).await.expect(200);
    assert_eq!(names(&third), ["web-06"]);
    assert!(third["metadata"].get("continue").is_none() && third["metadata"].get("remainingItemCount").is_none());
}

#[tokio::test]
async fn a_page_that_ends_the_list_offers_no_other() {
    let server = Server::new().await;
    fill(&server, 3).await;
    let page = server.get(&format!("{BACKENDS}?limit=3")).await.expect(200);
    assert_eq!(page["metadata"].get("continue"), None);
    let table = server.call("GET", &format!("{BACKENDS}?limit=2"), &[TABLE], "").await.expect(200);
    assert_eq!(table["rows"].as_array().unwrap().len(), 2);
    assert_eq!(table["metadata"]["remainingItemCount"], 1);
}

#[tokio::test]
async fn pages_of_a_selection_do_not_count_what_remains() {
    let server = Server::new().await;
    for n in 0..6 {
        let app = if n % 2 == 0 { "even" } else { "odd" };
        server.post(BACKENDS, &labelled(&format!("web-{n}"), "app", app)).await.expect(201);
    }
    let first = server.get(&format!("{BACKENDS}?limit=2&labelSelector=app%3Dodd")).await.expect(200);
    assert_eq!(names(&first), ["web-1", "web-3"]);
    assert!(first["metadata"].get("remainingItemCount").is_none());
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = server.get(&format!("{BACKENDS}?limit=2&labelSelector=app%3Dodd&continue={token}")).await.expect(200);
    assert_eq!(names(&rest), ["web-5"]);
}

#[tokio::test]
async fn tokens_that_were_not_given_out_are_refused() {
    let server = Server::new().await;
    fill(&server, 2).await;
    for token in ["x", "AAAA", "eyJydiI6MX0"] {
        server.get(&format!("{BACKENDS}?limit=1&continue={token}")).await.failure(400, "BadRequest");
    }
    let page = server.get(&format!("{BACKENDS}?limit=1")).await.expect(200);
    let token = page["metadata"]["continue"].as_str().unwrap();
    // A token is of no use for another resource.
    server.get(&format!("/api/v1/secrets?limit=1&continue={token}")).await.failure(400, "BadRequest");
    server.get(&format!("{BACKENDS}?continue={token}&resourceVersion=2")).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn an_expired_token_can_be_exchanged() {
    let history = History { events: 1, ..History::default() };
    let retention = Retention { views: 0, ..Retention::default() };
    let server = Server::with(Memory::with(Limits::default(), history, retention), Options::default()).await;
    fill(&server, 4).await;
    let page = server.get(&format!("{BACKENDS}?limit=2")).await.expect(200);
    fill(&server, 0).await;
    for n in 4..10 {
        server.backend(&format!("web-{n:02}")).await;
    }
    let token = page["metadata"]["continue"].as_str().unwrap();
    let status = server.get(&format!("{BACKENDS}?limit=2&continue={token}")).await.failure(410, "Expired");
    let fresh = status["metadata"]["continue"].as_str().unwrap();
    let rest = server.get(&format!("{BACKENDS}?continue={fresh}")).await.expect(200);
    assert_eq!(names(&rest).first().unwrap(), "web-02");
    assert_eq!(names(&rest).len(), 8);
}

#[tokio::test]
async fn states_of_the_past() {
    let server = Server::new().await;
    let one = server.backend("one").await;
    server.backend("two").await;
    let list = async |query: String| server.get(&format!("{BACKENDS}?{query}")).await;
    let at = version(&one);
    let exact = list(format!("resourceVersion={at}&resourceVersionMatch=Exact")).await.expect(200);
    assert_eq!(names(&exact), ["one"]);
    assert_eq!(version(&exact), at);
    let newer = list(format!("resourceVersion={at}&resourceVersionMatch=NotOlderThan")).await.expect(200);
    assert_eq!(names(&newer), ["one", "two"]);
    assert_eq!(names(&list("resourceVersion=0".into()).await.expect(200)), ["one", "two"]);
    let paged = list(format!("resourceVersion={at}&limit=5")).await.expect(200);
    assert_eq!(names(&paged), ["one"]);
    list("resourceVersionMatch=Exact".into()).await.failure(422, "Invalid");
    list("resourceVersion=0&resourceVersionMatch=Exact".into()).await.failure(422, "Invalid");
    list("resourceVersion=1&resourceVersionMatch=Sometimes".into()).await.failure(422, "Invalid");
    list("sendInitialEvents=true".into()).await.failure(422, "Invalid");
}

#[tokio::test]
async fn label_selectors() {
    let server = Server::new().await;
    server.post(BACKENDS, &labelled("a", "app", "web")).await.expect(201);
    server.post(BACKENDS, &labelled("b", "app", "api")).await.expect(201);
    server.backend("c").await;
    let select =
        async |selector: &str| names(&server.get(&format!("{BACKENDS}?labelSelector={selector}")).await.expect(200));
    assert_eq!(select("app=web").await, ["a"]);
    assert_eq!(select("app!%3Dweb").await, ["b", "c"]);
    assert_eq!(select("app%20in%20(web,api)").await, ["a", "b"]);
    assert_eq!(select("app+notin+(web)").await, ["b", "c"]);
    assert_eq!(select("app").await, ["a", "b"]);
    assert_eq!(select("!app").await, ["c"]);
    assert_eq!(select("app,app!=web").await, ["b"]);
    let status = server.get(&format!("{BACKENDS}?labelSelector=app%20in%20web")).await.failure(400, "BadRequest");
    assert!(status["message"].as_str().unwrap().starts_with("unable to parse requirement"), "{status}");
}

#[tokio::test]
async fn field_selectors() {
    let server = Server::new().await;
    fill(&server, 3).await;
    server.patch(&format!("{BACKENDS}/web-01"), MERGE, &json!({"spec": {"protocol": "h2"}})).await.expect(200);
    let select =
        async |selector: &str| names(&server.get(&format!("{BACKENDS}?fieldSelector={selector}")).await.expect(200));
    assert_eq!(select("metadata.name%3Dweb-02").await, ["web-02"]);
    assert_eq!(select("metadata.name!%3Dweb-02").await, ["web-00", "web-01"]);
    assert_eq!(select("spec.protocol%3D%3Dh2").await, ["web-01"]);
    assert_eq!(select("spec.protocol%3Dh2,metadata.name%3Dweb-00").await, Vec::<String>::new());
    let status = server.get(&format!("{BACKENDS}?fieldSelector=spec.nothing%3D1")).await.failure(400, "BadRequest");
    assert_eq!(status["message"], "field label not supported: spec.nothing");
}

#[tokio::test]
async fn a_list_larger_than_a_piece_is_whole() {
    let server = Server::new().await;
    let mut object: Value = labelled("x", "a", "b");
    object["metadata"]["annotations"] = json!({"filler": "y".repeat(5000)});
    for n in 0..60 {
        object["metadata"]["name"] = format!("web-{n:02}").into();
        server.post(BACKENDS, &object).await.expect(201);
    }
    let list = server.get(BACKENDS).await.expect(200);
    assert_eq!(names(&list).len(), 60);
    let table = server.call("GET", &format!("{BACKENDS}?includeObject=Object"), &[TABLE], "").await.expect(200);
    assert_eq!(table["rows"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn what_remains_is_counted_as_far_as_that_costs_little() {
    let server = Server::new().await;
    fill(&server, 1003).await;
    let remaining = |page: Value| page["metadata"].get("remainingItemCount").cloned();
    let page = server.get(&format!("{BACKENDS}?limit=2")).await.expect(200);
    let next = page["metadata"]["continue"].as_str().unwrap().to_owned();
    assert_eq!(remaining(page), None);
    assert_eq!(
        remaining(server.get(&format!("{BACKENDS}?limit=2&continue={next}")).await.expect(200)),
        Some(json!(999))
    );
}

#[tokio::test]
async fn a_selected_name_is_found_with_whatever_else_is_selected() {
    let server = Server::new().await;
    server.post(BACKENDS, &labelled("a", "team", "one")).await.expect(201);
    server.post(BACKENDS, &labelled("b", "team", "two")).await.expect(201);
    for (query, expected) in [
        ("fieldSelector=metadata.name%3Da", vec!["a"]),
        ("fieldSelector=metadata.name%3Da&limit=1", vec!["a"]),
        ("fieldSelector=metadata.name%3Da&labelSelector=team%3Dtwo", vec![]),
        ("fieldSelector=metadata.name%3Da,metadata.name%3Db", vec![]),
        ("fieldSelector=metadata.name%3Da,metadata.name!%3Da", vec![]),
        ("fieldSelector=metadata.name%3Dnothing", vec![]),
        ("fieldSelector=metadata.name%3Dx/y", vec![]),
        ("fieldSelector=metadata.name!%3Da", vec!["b"]),
    ] {
        let list = server.get(&format!("{BACKENDS}?{query}")).await.expect(200);
        assert_eq!(names(&list), expected, "{query}");
    }
}
