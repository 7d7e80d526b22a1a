//! `backstay kubeconfig`.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};

use crate::client::Server;
use crate::output;

/// Write a kubeconfig, with which kubectl and backstay reach a control plane
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file names that of the token and does not hold it, so that a new token counts at once. It holds the authorities.

Examples:
  backstay kubeconfig --server https://backstay.example:7080 --ca ca.pem --token-file token > kubeconfig
  KUBECONFIG=kubeconfig kubectl get backends
  KUBECONFIG=kubeconfig backstay status")]
pub(crate) struct Args {
    /// Address of the control plane's API
    #[arg(long, env = "BACKSTAY_SERVER", value_name = "URL")]
    server: Server,
    /// File of the authorities that its certificate is of, PEM [default: those of the system]
    #[arg(long = "ca", value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// File of the token to send
    #[arg(long, value_name = "FILE", conflicts_with = "client_certificate")]
    token_file: Option<PathBuf>,
    /// File of the certificate to show, PEM
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// File of its key, PEM
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// What the user is called in the file
    #[arg(long, value_name = "NAME", default_value = "backstay", value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// What the cluster and the context are called in the file
    #[arg(long, value_name = "NAME", default_value = "backstay", value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// Namespace of what names none
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// The file to write; it must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let text = output::yaml(&self.kubeconfig()?)?;
        let Some(path) = &self.out else {
            output::line(text.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        };
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn kubeconfig(&self) -> Result<Value> {
        let mut cluster = json!({"server": self.server.to_string()});
        if let Some(path) = &self.authorities {
            if !self.server.is_tls() {
                bail!("--ca is for an address with https, which {} is not", self.server);
            }
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            if !pem.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") {
                bail!("{} holds no certificate in PEM", path.display());
            }
            cluster["certificate-authority-data"] = STANDARD.encode(pem).into();
        }
        let mut user = json!({});
        let files = [
            ("tokenFile", &self.token_file),
            ("client-certificate", &self.client_certificate),
            ("client-key", &self.client_key),
        ];
        for (field, path) in files {
            if let Some(path) = path {
                user[field] = absolute(path)?.into();
            }
        }
        let mut context = json!({"cluster": self.name, "user": self.user});
        if let Some(namespace) = &self.namespace {
            context["namespace"] = namespace.clone().into();
        }
        Ok(json!({
            "apiVersion": "v1", "kind": "Config", "current-context": self.name,
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": self.user, "user": user}],
            "contexts": [{"name": self.name, "context": context}],
        }))
    }
}

/// Wherever the kubeconfig is read, the file is found. It must be there.
fn absolute(path: &Path) -> Result<String> {
    let found = std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
    std::fs::metadata(&found).with_context(|| format!("cannot read {}", path.display()))?;
    found.to_str().map(str::to_owned).with_context(|| format!("{} is not text", path.display()))
}
