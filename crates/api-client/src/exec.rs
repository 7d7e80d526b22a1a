//! Programs that tell a credential.
//!
//! Source: Kubernetes, `client.authentication.k8s.io` `ExecCredential`.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::credential::{Secret, Shown};
use crate::error::Error;

/// How long a program may take. It may ask a person to log in.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Most that it may say, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;

/// A program, and what it last said.
#[derive(Debug)]
pub struct Plugin {
    pub(crate) command: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, Secret)>,
    pub(crate) api_version: String,
    /// What it is told of the cluster, where it wants to know.
    pub(crate) cluster: Option<Value>,
    /// Where a command with a slash begins: the folder of the kubeconfig.
    pub(crate) folder: PathBuf,
    pub(crate) last: Mutex<Option<(Shown, Option<jiff::Timestamp>)>>,
}

/// A program that runs, and is ended when nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: String,
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    token: String,
    #[serde(default)]
    client_certificate_data: String,
    #[serde(default)]
    client_key_data: String,
    #[serde(default)]
    expiration_timestamp: Option<jiff::Timestamp>,
}

impl Plugin {
    /// What it says; what it said before for as long as that holds.
    pub(crate) async fn show(&self) -> Result<Shown, Error> {
        let mut last = self.last.lock().await;
        if let Some((shown, until)) = &*last
            && until.is_none_or(|until| until > jiff::Timestamp::now())
        {
            return Ok(shown.clone());
        }
        let (shown, until) = self.run().await?;
        *last = Some((shown.clone(), until));
        Ok(shown)
    }

    fn failed(&self, why: impl Into<String>) -> Error {
        Error::Plugin { command: self.command.clone(), why: why.into() }
    }

    /// What it prints until it ends.
    async fn said(&self, mut running: Running) -> Result<Vec<u8>, Error> {
        let cannot = |error: std::io::Error| self.failed(format!("cannot be read: {error}"));
        let output = running.0.stdout.take().ok_or_else(|| self.failed("has no output"))?;
        let reading = tokio::task::spawn_blocking(move || {
            let mut said = Vec::new();
            let read = output.take(MAX_OUTPUT + 1).read_to_end(&mut said);
            read.map(|_| said)
        });
        let read = tokio::time::timeout(TIMEOUT, reading).await;
        let read = read.map_err(|_| self.failed(format!("said nothing within {} s", TIMEOUT.as_secs())))?;
        let said = read.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(cannot)?;
        if said.len() as u64 > MAX_OUTPUT {
            return Err(self.failed("said too much"));
        }
        let ending = tokio::task::spawn_blocking(move || running.0.wait());
        let status = ending.await.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(cannot)?;
        if status.success() { Ok(said) } else { Err(self.failed(format!("failed: {status}"))) }
    }

    async fn run(&self) -> Result<(Shown, Option<jiff::Timestamp>), Error> {
        let mut spec = json!({"interactive": false});
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        let asked = json!({"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec});
        let program =
            if self.command.contains('/') { self.folder.join(&self.command) } else { self.command.clone().into() };
        let mut command = Command::new(program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value.expose())))
            .env("KUBERNETES_EXEC_INFO", asked.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let child = command.spawn().map_err(|error| self.failed(format!("cannot be run: {error}")))?;
        let said = self.said(Running(child)).await?;
        // What it said is not quoted: it may be a token in another form.
        let answer: Answer = serde_json::from_slice(&said)
            .map_err(|error| self.failed(format!("did not print an ExecCredential (line {})", error.line())))?;
        if answer.kind != "ExecCredential" || answer.api_version != self.api_version {
            return Err(self.failed(format!("did not print an ExecCredential of {}", self.api_version)));
        }
        let status = answer.status.ok_or_else(|| self.failed("printed no status"))?;
        let token = Some(status.token).filter(|token| !token.is_empty()).map(Secret::new);
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (chain, key) if chain.is_empty() && key.is_empty() => None,
            (chain, key) if !chain.is_empty() && !key.is_empty() => Some((chain.into_bytes(), Secret::new(key))),
            _ => return Err(self.failed("printed a certificate without its key, or a key without its certificate")),
        };
        if token.is_none() && certificate.is_none() {
            return Err(self.failed("printed neither a token nor a certificate"));
        }
        Ok((Shown { token, certificate }, status.expiration_timestamp))
    }
}
