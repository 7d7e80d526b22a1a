//! What clients send that is odd, and what they ask for that is not here.

use backstay_fastly::api::Options;
use http::{Method, StatusCode};

use crate::client::Client;

#[tokio::test]
async fn a_name_is_found_with_its_spaces_written_as_in_a_form() {
    let client = Client::new(Options::default());
    let service = client.service("names").await;
    let backends = format!("{service}/version/1/backend");
    client.done(Method::POST, &backends, "name=two+words&address=127.0.0.1").await;
    client.done(Method::POST, &backends, "name=one%2Bone&address=127.0.0.1").await;
    for (asked, found) in [("two%20words", "two words"), ("two+words", "two words"), ("one+one", "one+one")] {
        assert_eq!(client.get(&format!("{backends}/{asked}")).await.body["name"], found, "{asked}");
    }
    let changed = client.done(Method::PUT, &format!("{backends}/two+words"), "weight=7").await;
    assert_eq!((&changed["name"], &changed["weight"]), (&"two words".into(), &7.into()));
    client.done(Method::DELETE, &format!("{backends}/two+words"), "").await;
    assert_eq!(client.get(&format!("{backends}/two%20words")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_there_is_none_of_is_said() {
    let client = Client::new(Options::default());
    let service = client.service("none").await;
    let addresses = client.get("/public-ip-list").await.body;
    assert_eq!(addresses, serde_json::json!({"addresses": [], "ipv6_addresses": []}));
    for path in ["version/1/generated_vcl", "version/1/boilerplate", "vcl/diff/from/1/to/1"] {
        let answer = client.get(&format!("{service}/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body["detail"].as_str().unwrap().starts_with("No VCL is generated"), "{path}: {}", answer.body);
    }
    client.done(Method::POST, &format!("{service}/version/1/vcl"), "name=main&content=sub+a+%7B%7D&main=true").await;
    for path in ["raw", "download"] {
        assert_eq!(client.get(&format!("{service}/version/1/vcl/main/{path}")).await.body, "sub a {}", "{path}");
    }
}
