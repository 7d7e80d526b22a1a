//! `backstay token revoke`.

use std::process::ExitCode;

use anyhow::Result;
use http::Method;
use serde_json::Value;

use crate::client::{JSON, Segment, ServerArgs};
use crate::output;

/// Take a join token back, and every certificate that goes back to it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Streams of the proxy that joined with it end within seconds, and it cannot renew its certificate. The id is printed as the token is made, \
logged as a proxy joins with it, and is the common name of its certificates.

Examples:
  backstay token revoke 0123456789abcdef")]
pub(crate) struct Args {
    /// Id of the token: 16 digits, 0 to 9 and a to f
    #[arg(value_name = "ID")]
    id: Segment,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let client = self.server.client()?;
        client.call(Method::DELETE, &format!("/join-tokens/{}", self.id), JSON, None::<(&str, &Value)>).await?;
        output::line(format_args!(
            "join token {} is revoked, with the certificates of whoever joined with it",
            self.id
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
