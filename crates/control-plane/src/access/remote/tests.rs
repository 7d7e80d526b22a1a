use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::*;

/// Serves `router` on an address of its own, and yields that.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn kubeconfig(folder: &Path, server: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{token: own}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_token_is_reviewed_once_in_a_while_and_not_taken_while_nobody_can_be_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let review = post(async move |headers: http::HeaderMap, Json(review): Json<Value>| {
        count.fetch_add(1, Ordering::Relaxed);
        assert_eq!(headers["authorization"], "Bearer own");
        let user = json!({"username": "system:serviceaccount:shop:robot", "groups": ["system:serviceaccounts"]});
        Json(match review["spec"]["token"] == "good" {
            true => json!({"status": {"authenticated": true, "user": user}}),
            false => json!({"status": {"error": "no"}}),
        })
    });
    let server = serve(Router::new().route("/apis/authentication.k8s.io/v1/tokenreviews", review)).await;
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_review(&kubeconfig(folder.path(), &server), None).unwrap();
    for _ in 0..3 {
        let user = tokens.review("good").await.unwrap();
        assert_eq!(user.name, "system:serviceaccount:shop:robot");
        assert!(user.is_in("system:serviceaccounts") && user.is_in(AUTHENTICATED));
        assert_eq!(tokens.review("bad").await, Err(Denied::Unknown));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let tokens = token_review(&kubeconfig(folder.path(), &address), None).unwrap();
    assert_eq!(tokens.review("good").await, Err(Denied::Unavailable));
}

#[tokio::test]
async fn a_token_must_be_for_the_audience_and_whoever_reviews_it_must_say_so() {
    let review = post(async move |Json(review): Json<Value>| {
        let asked = &review["spec"]["audiences"];
        let told = match review["spec"]["token"].as_str() {
            Some("good") => asked.clone(),
            Some("other") => json!(["other"]),
            _ => Value::Null,
        };
        Json(json!({"status": {"authenticated": true, "audiences": told, "user": {"username": "robot"}}}))
    });
    let server = serve(Router::new().route("/apis/authentication.k8s.io/v1/tokenreviews", review)).await;
    let folder = tempfile::tempdir().unwrap();
    let tokens = token_review(&kubeconfig(folder.path(), &server), Some("backstay")).unwrap();
    assert_eq!(tokens.review("good").await.unwrap().name, "robot");
    for token in ["other", "unknown"] {
        assert_eq!(tokens.review(token).await, Err(Denied::Unknown), "{token}");
    }
}

#[tokio::test]
async fn access_is_reviewed_with_all_that_is_known_of_the_user() {
    let review = post(async move |Json(review): Json<Value>| {
        let spec = &review["spec"];
        let allowed = spec["user"] == "ann"
            && spec["groups"] == json!(["staff"])
            && spec["resourceAttributes"]["resource"] == "backends"
            && spec["resourceAttributes"]["verb"] == "get";
        Json(json!({"status": {"allowed": allowed, "reason": "as the cluster says"}}))
    });
    let server = serve(Router::new().route("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)).await;
    let folder = tempfile::tempdir().unwrap();
    let access = access_review(&kubeconfig(folder.path(), &server)).unwrap();
    let ann = User { groups: ["staff".to_owned()].into(), ..User::named("ann") };
    let asked = Attributes::resource("get", "core.apoxy.dev", "backends");
    assert_eq!(access.review(&ann, &asked).await, Decision::allow("as the cluster says"));
    let other = Attributes::resource("delete", "core.apoxy.dev", "backends");
    assert!(!access.review(&ann, &other).await.allowed);
    assert!(!access.review(&User::named("bob"), &asked).await.allowed);
}

#[tokio::test]
async fn the_keys_of_an_issuer_are_where_its_own_configuration_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let own = server.clone();
    let configuration = get(async move || Json(json!({"issuer": own, "jwks_uri": format!("{own}/keys")})));
    let other = get(async || Json(json!({"issuer": "https://other.example", "jwks_uri": "https://other.example"})));
    let router = Router::new()
        .route("/.well-known/openid-configuration", configuration)
        .route("/other/.well-known/openid-configuration", other)
        .route("/keys", get(async || "the keys"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    assert_eq!(keys(&server, None).unwrap().fetch().await.unwrap(), b"the keys");
    let error = keys(&format!("{server}/other"), None).unwrap().fetch().await.unwrap_err();
    assert!(error.contains("another issuer"), "{error}");
    let error = keys("http://login.example", None).unwrap_err().to_string();
    assert!(error.contains("https alone"), "{error}");
}
