//! The same promise of the API itself, for whatever client builds its paths by hand.

use http::{Method, StatusCode};
use serde_json::Value;

use super::stored;
use crate::harness::Rest;
use crate::harness::rest::{BACKENDS, ROUTES};

async fn names(rest: &Rest, path: &str) -> Vec<String> {
    let list = rest.read(path).await;
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_or_a_query_that_came_out_empty_deletes_nothing() {
    let shell = stored();
    let rest = shell.control_plane.rest();
    for path in [
        format!("{BACKENDS}/"),
        format!("{BACKENDS}//"),
        format!("{BACKENDS}/a/"),
        format!("{ROUTES}/"),
        "/api/v1/namespaces/default/".to_owned(),
        "/apis/gateway.networking.k8s.io/v1/namespaces//httproutes".to_owned(),
        format!("{BACKENDS}?labelSelector="),
        format!("{BACKENDS}?labelselector=app%3Dshop"),
        format!("{BACKENDS}?labelSelector=app%20in%20shop"),
        format!("{BACKENDS}?fieldSelector=,"),
        format!("{BACKENDS}?limit="),
        format!("{BACKENDS}?limit=some"),
        format!("{BACKENDS}?dryRun="),
        format!("{BACKENDS}/a?labelSelector=app%3Dother"),
    ] {
        let (status, answer) = rest.delete(&path).await;
        assert_eq!((status, &answer["reason"]), (StatusCode::BAD_REQUEST, &"BadRequest".into()), "{path}: {answer}");
    }
    let misspelt = r#"{"dryrun":["All"]}"#;
    for path in [BACKENDS.to_owned(), format!("{BACKENDS}/a")] {
        let (status, answer) = rest.send(Method::DELETE, &path, "application/json", misspelt).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
    }
    assert_eq!(names(&rest, BACKENDS).await, ["a", "b", "c"]);
    assert_eq!(names(&rest, ROUTES).await, ["r"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_deletes_one_page_at_a_time() {
    let shell = stored();
    let rest = shell.control_plane.rest();
    let (status, first) = rest.delete(&format!("{BACKENDS}?limit=1")).await;
    assert_eq!((status, first["items"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)));
    assert_eq!(first["metadata"]["remainingItemCount"], 2);
    assert_eq!(names(&rest, BACKENDS).await, ["b", "c"]);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (status, last) = rest.delete(&format!("{BACKENDS}?limit=2&continue={token}")).await;
    assert_eq!((status, &last["metadata"]["continue"]), (StatusCode::OK, &Value::Null));
    assert!(names(&rest, BACKENDS).await.is_empty());
}
