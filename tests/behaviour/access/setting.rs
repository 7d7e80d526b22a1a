//! A control plane that asks who sends a request, and users of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::harness::{ControlPlane, PATIENCE, backstay};

/// Who has which role: groups by the roles they are bound to, and one user who may edit in one namespace.
pub(super) const ROLES: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: viewers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'backstay:view'}
subjects: [{kind: Group, name: viewers, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: editors}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'backstay:edit'}
subjects: [{kind: Group, name: editors, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: admins}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'backstay:admin'}
subjects: [{kind: Group, name: admins, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: shop}
rules:
- {apiGroups: [gateway.networking.k8s.io], resources: [httproutes], verbs: [get, list, watch, create, update, patch, delete]}
- {apiGroups: [''], resources: [configmaps], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ci, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{kind: User, name: ci, apiGroup: rbac.authorization.k8s.io}]
";

/// A control plane, the files it reads, and a client.
pub(super) struct Setting {
    pub(super) control_plane: ControlPlane,
    folder: tempfile::TempDir,
    http: Client<HttpConnector, Full<Bytes>>,
    http2: Client<HttpConnector, Full<Bytes>>,
    /// Name and token of each user.
    tokens: Vec<(String, String)>,
}

impl Setting {
    /// One with users of each role, and further arguments.
    pub(super) fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (tokens, roles) = (folder.path().join("tokens.yaml"), folder.path().join("roles.yaml"));
        std::fs::write(&roles, ROLES).unwrap();
        let users: [(&str, &[&str]); 8] = [
            ("view", &["--group", "viewers"]),
            ("edit", &["--group", "editors"]),
            ("admin", &["--group", "admins"]),
            ("root", &["--group", "system:masters"]),
            ("ci", &["--group", "robots"]),
            ("proxy", &["--fleet", "edge"]),
            ("expired", &["--group", "admins", "--expires", "2001-01-01T00:00:00Z"]),
            ("reader", &["--scope", "global:read"]),
        ];
        let token = |(name, more): &(&str, &[&str])| ((*name).to_owned(), token(&tokens, name, more));
        let mut known: Vec<_> = users.iter().map(token).collect();
        known.push(("wrong".to_owned(), "not-a-token-that-anybody-knows".to_owned()));
        let files = ["--tokens", tokens.to_str().unwrap(), "--authorization", roles.to_str().unwrap()];
        let control_plane = ControlPlane::start_with(&[&files[..], more].concat());
        let http = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let http2 = Client::builder(TokioExecutor::new()).http2_only(true).build(HttpConnector::new());
        Self { control_plane, folder, http, http2, tokens: known }
    }

    /// The token of a user; that of `none` is none.
    pub(super) fn token(&self, user: &str) -> &str {
        self.tokens.iter().find(|(name, _)| name == user).map_or("", |(_, token)| token)
    }

    /// All tokens.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|(_, token)| token.as_str())
    }

    /// A file beside those that it reads.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The head of an answer, with its body to be read or not.
    pub(super) async fn send(&self, user: &str, asked: Asked<'_>) -> Response<Incoming> {
        let uri = format!("http://{}{}", self.api(), asked.path);
        let mut request = Request::builder().method(asked.method).uri(uri);
        let token = self.token(user);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        let is_grpc = asked.headers.iter().any(|(_, value)| value.starts_with("application/grpc"));
        let http = if is_grpc { &self.http2 } else { &self.http };
        let request = request.body(Full::new(Bytes::copy_from_slice(asked.body))).unwrap();
        tokio::time::timeout(PATIENCE, http.request(request)).await.expect("an answer in time").unwrap()
    }

    /// Code and body of an answer.
    pub(super) async fn read(&self, user: &str, asked: Asked<'_>) -> (u16, Value) {
        let response = self.send(user, asked).await;
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = || String::from_utf8_lossy(&body).into_owned().into();
        (code, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
    }

    fn api(&self) -> SocketAddr {
        self.control_plane.api()
    }
}

/// A request.
#[derive(Clone)]
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

pub(super) fn get(path: &str) -> Asked<'_> {
    Asked { method: Method::GET, path, headers: &[], body: b"" }
}

pub(super) fn post<'a>(path: &'a str, body: &'a str) -> Asked<'a> {
    Asked { method: Method::POST, path, headers: &[("content-type", "application/json")], body: body.as_bytes() }
}

/// Makes a token with the command.
fn token(file: &Path, name: &str, more: &[&str]) -> String {
    let output = backstay([&["token", name, "--file", file.to_str().unwrap()], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
