//! `backstay token create`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use backstay_resources::GoDuration;
use http::Method;
use serde_json::json;

use crate::client::{JSON, Segment, ServerArgs};
use crate::output;

/// Make a join token: good for one proxy, which gets a certificate for it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The token is printed once; the control plane keeps its SHA-256 alone. Put it into a file on the proxy's machine, and start the proxy with \
--join-token-file. The control plane needs --authority or --ca-cert.

Examples:
  backstay token create --fleet edge --ttl 1h > join-token")]
pub(crate) struct Args {
    /// Fleet that the proxy may join
    #[arg(long, value_name = "NAME")]
    fleet: Segment,
    /// How long it may be used, from 1m to 720h
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    ttl: GoDuration,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let request = json!({"fleet": self.fleet.to_string(), "ttl": self.ttl.to_string()});
        let client = self.server.client()?;
        let made = client.call(Method::POST, "/join-tokens", JSON, Some((JSON, &request))).await?;
        output::line(made["token"].as_str().context("the control plane answered without a token")?)?;
        let expires = made["expires"].as_str().unwrap_or_default();
        output::error_line(format_args!(
            "for one proxy of the fleet {}, until {expires}; it is not shown again, and revoked by its id {}",
            self.fleet,
            made["id"].as_str().unwrap_or_default()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
