//! `backstay status`.

pub(crate) mod report;
mod wait;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use backstay_proto::admin::admin_service_client::AdminServiceClient;
use backstay_proto::admin::{GetStatusRequest, GetStatusResponse};
use backstay_resources::GoDuration;
use tonic::{Code, Request};

use crate::client::{Client, Segment, ServerArgs};
use crate::output;

/// To connect, and to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Of an answer: a large fleet in which each proxy refuses something has much to tell.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Print fleets, their proxies, and what each has accepted or refused
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What was refused comes first, in the proxy's own words, then what is not in force and why. ACCEPTED counts the resources that \
a proxy holds as sent, of all that it should, PENDING those it has yet to answer, LAG for how long it has had the oldest of these. The exit code is 0 whenever the status could \
be read; with --exit-code it is 1 when anything is refused or not in force, for scripts.

Examples:
  backstay status
  backstay status --fleet edge -o json
  backstay status --exit-code || alert
  backstay status --wait --timeout 30s")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Only this fleet
    #[arg(long, value_name = "NAME")]
    fleet: Option<Segment>,
    /// Format of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    /// Exit with 1 when a proxy refuses something, or anything is not in force
    #[arg(long)]
    exit_code: bool,
    /// First wait until every connected proxy has answered for what the store holds now
    #[arg(long)]
    wait: bool,
    /// With --wait: this revision of the store, such as the resourceVersion that a write was answered with
    #[arg(long, value_name = "N", requires = "wait")]
    revision: Option<u64>,
    /// With --wait: how long; then the command fails, and names who is waited for
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "wait")]
    timeout: GoDuration,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum OutputFormat {
    /// Columns
    #[default]
    Table,
    /// More columns: addresses, versions, revisions
    Wide,
    /// A JSON object
    Json,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let (client, fleet) = (self.server.client()?, self.fleet.as_ref());
        let status = if self.wait {
            let everywhere = wait::until_everywhere(&client, fleet, self.revision, self.timeout.0);
            output::with_spinner("Waiting for proxies", everywhere).await?
        } else {
            output::with_spinner("Connecting", fetch(&client, fleet)).await?
        };
        if let Some(fleet) = self.fleet.as_ref().filter(|_| status.fleets.is_empty()) {
            bail!("there is no fleet {:?}", fleet.as_str());
        }
        match self.output {
            OutputFormat::Table => report::print(&status, report::Width::Narrow)?,
            OutputFormat::Wide => report::print(&status, report::Width::Wide)?,
            OutputFormat::Json => output::line(serde_json::to_string_pretty(&report::json(&status))?)?,
        }
        let refused = status.fleets.iter().flat_map(|fleet| &fleet.proxies).any(|proxy| !proxy.refused.is_empty());
        let refused = refused || status.fault_count > 0;
        Ok(if self.exit_code && refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Asks for the status of one fleet, or of all where that is `None`.
///
/// # Errors
/// When the control plane cannot be reached or does not answer in time.
pub(crate) async fn fetch(client: &Client, fleet: Option<&Segment>) -> Result<GetStatusResponse> {
    let server = client.server();
    let (channel, token) = client.channel(TIMEOUT).await?;
    let mut admin = AdminServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    // An empty name asks for all.
    let fleet = fleet.map(Segment::to_string).unwrap_or_default();
    let mut request = Request::new(GetStatusRequest { fleet });
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", token);
    }
    match admin.get_status(request).await {
        Ok(answer) => Ok(answer.into_inner()),
        // What fleet there is not is the caller's to say.
        Err(refusal) if refusal.code() == Code::NotFound => Ok(GetStatusResponse::default()),
        Err(refusal) => bail!("the control plane at {server} did not tell its status: {}", refusal.message()),
    }
}
