use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::patch;
use axum::{Json, Router};
use metrics::Counter;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::Published;
use crate::security::PublishAuthority;

#[tokio::test]
async fn it_is_published_as_soon_as_it_can_be_and_again() {
    let (sender, mut applied) = mpsc::unbounded_channel();
    // The first attempt fails, as while an API server starts.
    let answers = Arc::new(Mutex::new(vec![StatusCode::OK, StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE]));
    let apply = async move |Query(query): Query<HashMap<String, String>>, headers: HeaderMap, body: String| {
        let answer = answers.lock().unwrap().pop().unwrap_or(StatusCode::OK);
        let document: Value = serde_json::from_str(&body).unwrap();
        let _ = sender.send((answer, query, headers["content-type"].clone(), document));
        (answer, Json(Value::Null))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/api/v1/namespaces/edge/configmaps/trust", patch(apply));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{token: own}}}}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let place = PublishAuthority { namespace: "edge".to_owned(), name: "trust".to_owned(), kubeconfig };
    let mut published = Published::new(&place, "-----BEGIN CERTIFICATE-----", Counter::noop()).unwrap();
    (published.every, published.retry) =
        (Duration::from_millis(1), (Duration::from_millis(1), Duration::from_millis(1)));
    tokio::spawn(async move { published.keep().await });

    for expected in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK, StatusCode::OK] {
        let (answer, query, content_type, document) = applied.recv().await.unwrap();
        assert_eq!(answer, expected);
        assert_eq!((query["fieldManager"].as_str(), query["force"].as_str()), ("backstay", "true"));
        assert_eq!(content_type, "application/apply-patch+yaml");
        assert_eq!(document["kind"], "ConfigMap");
        assert_eq!(document["data"]["ca.crt"], "-----BEGIN CERTIFICATE-----");
    }
}
