//! The fields of a kubeconfig. What is not looked at is not refused: these files belong to other tools as well.

use serde::{Deserialize, Deserializer};

/// A file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    #[serde(rename = "current-context")]
    pub(super) current_context: String,
    pub(super) clusters: Vec<Named<Cluster>>,
    pub(super) users: Vec<Named<User>>,
    pub(super) contexts: Vec<Named<Context>>,
}

/// Something with a name, under which it stands in a field that is called as its kind.
#[derive(Debug, Deserialize)]
pub(super) struct Named<T> {
    pub(super) name: String,
    #[serde(alias = "cluster", alias = "user", alias = "context")]
    pub(super) value: T,
}

/// A context.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Context {
    pub(super) cluster: String,
    pub(super) user: String,
    #[serde(deserialize_with = "text")]
    pub(super) namespace: String,
}

/// A cluster.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Cluster {
    pub(super) server: String,
    pub(super) certificate_authority: String,
    pub(super) certificate_authority_data: String,
    pub(super) insecure_skip_tls_verify: bool,
    pub(super) tls_server_name: String,
    pub(super) proxy_url: String,
}

/// A user. Its debug output has nothing of its credential.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct User {
    pub(super) token: String,
    #[serde(rename = "tokenFile")]
    pub(super) token_file: String,
    pub(super) client_certificate: String,
    pub(super) client_certificate_data: String,
    pub(super) client_key: String,
    pub(super) client_key_data: String,
    pub(super) username: String,
    pub(super) password: String,
    #[serde(rename = "as")]
    pub(super) impersonate: String,
    pub(super) auth_provider: Option<serde_json::Value>,
    pub(super) exec: Option<Exec>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("User")
    }
}

/// A program that tells a credential.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exec {
    pub(super) api_version: String,
    pub(super) command: String,
    #[serde(default)]
    pub(super) args: Option<Vec<String>>,
    #[serde(default)]
    pub(super) env: Option<Vec<Variable>>,
    #[serde(default)]
    pub(super) provide_cluster_info: bool,
}

/// A variable of its environment.
#[derive(Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

/// Text, or nothing.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}
