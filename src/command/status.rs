//! `backstay status`.

mod report;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use backstay_proto::admin::GetStatusRequest;
use backstay_proto::admin::admin_service_client::AdminServiceClient;
use tonic::transport::Endpoint;

use crate::client::ServerArgs;
use crate::output;

/// To connect, and to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Print fleets, their proxies, and what each has accepted or refused
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What was refused comes first, in the proxy's own words. ACCEPTED counts the resources that a proxy holds as sent, PENDING \
those it has yet to answer. The exit code is 0 whenever the status could be read; with --exit-code it is 1 when anything \
is refused, for scripts.

Examples:
  backstay status
  backstay status --fleet edge -o json
  backstay status --exit-code || alert")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Only this fleet
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    fleet: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    /// Exit with 1 when a proxy refuses something
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Form {
    /// Columns
    #[default]
    Table,
    /// A JSON object
    Json,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let server = self.server.server();
        let endpoint = Endpoint::from_shared(server.uri(""))?.connect_timeout(TIMEOUT).timeout(TIMEOUT);
        let reach = || format!("cannot reach the control plane at {server}");
        let channel = output::patiently("Connecting", endpoint.connect()).await.with_context(reach)?;
        let answer = AdminServiceClient::new(channel).get_status(GetStatusRequest { fleet: self.fleet.clone() }).await;
        let status = match answer {
            Ok(answer) => answer.into_inner(),
            Err(refusal) => bail!("the control plane at {server} did not tell its status: {}", refusal.message()),
        };
        if !self.fleet.is_empty() && status.fleets.is_empty() {
            bail!("there is no fleet {:?}", self.fleet);
        }
        match self.output {
            Form::Table => report::print(&status)?,
            Form::Json => output::line(serde_json::to_string_pretty(&report::json(&status))?)?,
        }
        let refused = status.fleets.iter().flat_map(|fleet| &fleet.proxies).any(|proxy| !proxy.refused.is_empty());
        Ok(if self.exit_code && refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
