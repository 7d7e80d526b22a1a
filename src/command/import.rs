//! `backstay import`.

mod fastly;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::fastly::{Import, Wanted};
use crate::client::ServerArgs;

/// Make a service of what another system says of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file is the JSON of Fastly's GET /service/ID/details. What is imported is its active version, or the newest where none \
is: a service, a version, all parts of it. What has no counterpart is listed; the exit code is 1 when a part was refused. \
The version is a draft until it is activated.

Examples:
  curl -H \"Fastly-Key: $KEY\" https://api.fastly.com/service/ID/details > service.json
  backstay import --fastly service.json
  backstay import --fastly service.json --gateway default/edge --activate")]
pub(crate) struct Args {
    /// What GET /service/ID/details answered
    #[arg(long, value_name = "FILE", required = true)]
    fastly: PathBuf,
    /// Gateway that is to serve it [default: that of the control plane]
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = super::gateway_name)]
    gateway: Option<String>,
    /// Name of the new service [default: its own]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Activate the version, where nothing was refused
    #[arg(long)]
    activate: bool,
    /// Token for the control plane, where it was started with --tokens
    #[arg(long, env = "FASTLY_API_TOKEN", hide_env_values = true, value_name = "TOKEN", default_value = "import")]
    token: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let path = self.fastly.display();
        let text = std::fs::read(&self.fastly).with_context(|| format!("cannot read {path}"))?;
        let details: Value = serde_json::from_slice(&text).with_context(|| format!("{path} is not JSON"))?;
        if !details.is_object() || details.get("name").is_none() {
            bail!("{path} is not what GET /service/ID/details answers: it has no name");
        }
        let import = Import::new(self.server.client().with_fastly_key(self.token), details)?;
        import.run(Wanted { name: self.name, gateway: self.gateway, activate: self.activate }).await
    }
}
