//! `backstay tap`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_proto::live::Tap;

use super::live::{Asked, LiveArgs, Shown, show};
use crate::output::{self, Paint};

/// Print requests as proxies serve them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each request is a line once it has ended: status, method, URL, how long it took, flags as in the access log, route, backend and \
endpoint. 'left' stands for a status where the client left before there was one. Bodies are never shown, headers only by name, and \
what holds a credential never. Proxies filter before they send; more than --limit are counted and not shown. Through the control \
plane it needs 'watch' on 'proxies/tap', which the role backstay:tap has, and is written to the audit log.

Examples:
  backstay tap --status 5xx
  backstay tap --backend shop --min-duration 1s
  backstay tap --status 0                     Clients that left before there was an answer
  backstay tap --admin http://127.0.0.1:9901 --path /cart --header user-agent -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    live: LiveArgs,
    /// A header of requests to print; may be repeated
    #[arg(long = "header", value_name = "NAME")]
    headers: Vec<String>,
    /// Requests of each proxy to print in a second, at most
    #[arg(long, value_name = "N", default_value = "100", value_parser = limit)]
    limit: u32,
    /// End after so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Format of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum OutputFormat {
    /// A line for a person
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let filter = self.live.filter(&self.headers)?;
        let mut source = self.live.open(Asked::Tap(Tap { filter: Some(filter), limit: self.limit })).await?;
        let mut left = self.count;
        while left != Some(0) {
            let Some(shown) = source.next().await? else { bail!("it has ended; begin anew to see more") };
            match shown {
                Shown::Request(request) => {
                    match self.output {
                        OutputFormat::Text => output::line(show::request(&request, Paint::stdout()))?,
                        OutputFormat::Json => output::line(serde_json::to_string(&request)?)?,
                    }
                    left = left.map(|left| left - 1);
                }
                Shown::Missed(missed) => output::error_line(format_args!(
                    "{missed} more requests were not shown: ask for fewer with a filter, or for more with --limit"
                )),
                Shown::Notice(notice) => output::error_line(notice),
                Shown::Table(_) => {}
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `100`, or `100/s`.
fn limit(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse().ok().filter(|limit| *limit > 0);
    let number = number.ok_or("it must be a number of requests a second, such as 100 or 100/s")?;
    backstay_live::limit(number).map_err(|error| error.rule.to_owned())
}
