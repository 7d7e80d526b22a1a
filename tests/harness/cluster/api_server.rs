//! What pods ask of the cluster.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::Shared;

/// An API server that knows of three things.
#[derive(Debug)]
pub(super) struct ApiServer {
    address: SocketAddr,
    folder: PathBuf,
    allowed: Arc<Mutex<BTreeSet<String>>>,
    serving: AbortHandle,
}

impl ApiServer {
    pub(super) async fn start(shared: Arc<Shared>, folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let allowed = Arc::<Mutex<BTreeSet<String>>>::default();
        let known = Arc::clone(&allowed);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, known) = (Arc::clone(&shared), Arc::clone(&known));
                let service = service_fn(move |request| {
                    let (shared, known) = (Arc::clone(&shared), Arc::clone(&known));
                    async move { Ok::<_, Infallible>(answer(request, &shared, &known).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, folder: folder.to_owned(), allowed, serving: serving.abort_handle() }
    }

    pub(super) fn allow(&self, user: &str) {
        self.allowed.lock().unwrap().insert(user.to_owned());
    }

    /// What stands for `in-cluster` in a pod of this account.
    pub(super) fn kubeconfig(&self, namespace: &str, account: &str) -> PathBuf {
        let path = self.folder.join(format!("{namespace}-{account}.kubeconfig"));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "pod",
            "contexts": [{"name": "pod", "context": {"cluster": "own", "user": "account"}}],
            "clusters": [{"name": "own", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "account", "user": {"token": super::token(namespace, account, None)}}],
        });
        super::write(&path, config.to_string().as_bytes());
        path
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    allowed: &Mutex<BTreeSet<String>>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let shown = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (code, answer) = match (head.method, head.uri.path()) {
        _ if claims(shown.trim_start_matches("Bearer ")).is_none() => (StatusCode::UNAUTHORIZED, Value::Null),
        (Method::POST, "/apis/authentication.k8s.io/v1/tokenreviews") => (StatusCode::CREATED, review(&sent)),
        (Method::POST, "/apis/authorization.k8s.io/v1/subjectaccessreviews") => {
            let user = sent["spec"]["user"].as_str().unwrap_or_default();
            let allowed = allowed.lock().unwrap().contains(user);
            (StatusCode::CREATED, json!({"status": {"allowed": allowed}}))
        }
        (Method::PATCH, path) if path.contains("/configmaps/") => {
            let parts: Vec<_> = path.trim_start_matches("/api/v1/namespaces/").split('/').collect();
            let name = (parts[0].to_owned(), parts[2].to_owned());
            shared.config_maps.lock().unwrap().insert(name, sent.clone());
            (StatusCode::OK, sent)
        }
        _ => (StatusCode::NOT_FOUND, Value::Null),
    };
    let body = Full::new(Bytes::from(answer.to_string()));
    Response::builder().status(code).header("content-type", "application/json").body(body).unwrap()
}

fn claims(token: &str) -> Option<Value> {
    let claims = token.strip_prefix("header.")?.strip_suffix(".signature")?;
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// Whose a token is, if it is for the audience that is asked for, or else for the cluster itself.
fn review(sent: &Value) -> Value {
    let spec = &sent["spec"];
    let asked = spec["audiences"].as_array().cloned().unwrap_or_else(|| vec![json!("cluster")]);
    let found = claims(spec["token"].as_str().unwrap_or_default());
    match found.filter(|claims| asked.contains(&claims["aud"])) {
        Some(claims) => json!({"status": {
            "authenticated": true, "audiences": [claims["aud"]], "user": {"username": claims["sub"]},
        }}),
        None => json!({"status": {"authenticated": false, "error": "no"}}),
    }
}
