//! Requests to a service that was deleted hear that it is.

use backstay_fastly::api::Options;
use http::{Method, StatusCode};
use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn a_deleted_service_answers_that_it_is_deleted_and_its_name_is_free() {
    let client = Client::new(Options::default());
    let service = client.service("gone").await;
    let id = service.trim_start_matches("/service/").to_owned();
    client.done(Method::DELETE, &service, "").await;
    let expected = json!({"msg": "Bad request", "detail": format!("Service '{id}' is deleted")});
    for (method, rest) in [
        (Method::GET, ""),
        (Method::PUT, ""),
        (Method::DELETE, ""),
        (Method::GET, "/details"),
        (Method::GET, "/version"),
        (Method::POST, "/version"),
        (Method::GET, "/version/1"),
        (Method::GET, "/version/1/backend"),
        (Method::POST, "/version/1/backend"),
        (Method::PUT, "/version/1/activate"),
        (Method::GET, "/version/1/validate"),
    ] {
        let answer = client.send(method.clone(), &format!("{service}{rest}"), "name=x&address=10.0.0.1").await;
        assert_eq!((answer.status, &answer.body), (StatusCode::BAD_REQUEST, &expected), "{method} {rest}");
    }
    assert_eq!(client.get("/service").await.body, json!([]));
    assert_eq!(client.get("/service/search?name=gone").await.status, StatusCode::NOT_FOUND);
    assert_ne!(client.service("gone").await, service);
    let never = client.get("/service/0000000000000000000000").await;
    assert_eq!(never.status, StatusCode::NOT_FOUND, "{}", never.body);
}

#[tokio::test]
async fn the_oldest_deleted_services_are_forgotten() {
    let client = Client::new(Options { max_tombstones: 2, ..Options::default() });
    let mut services = Vec::new();
    for name in ["a", "b", "c"] {
        let service = client.service(name).await;
        client.done(Method::DELETE, &service, "").await;
        services.push(service);
    }
    let mut statuses = Vec::new();
    for service in &services {
        statuses.push(client.get(service).await.status);
    }
    assert_eq!(statuses, [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST]);
    // Nothing else is left of them.
    assert_eq!(client.store.snapshot().len(), 2);
}
