//! `backstay top`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_proto::live::{Top, TopTable};
use backstay_resources::GoDuration;

use super::live::{Asked, LiveArgs, Shown, show};
use crate::output::{self, Paint};

/// Print what routes and backends are doing, second by second
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A row for each pair of a backend and a route: requests that have ended in the interval, by status; LEFT are clients that left before \
their answer had come; P50 and P99 are how long the others took; ACTIVE are requests under way, ENDPOINTS those of the backend that \
are healthy, of all. What stands out is said below in words. Figures of several proxies are added up.

Examples:
  backstay top
  backstay top --backend shop --interval 5s
  backstay top --admin http://127.0.0.1:9901 --count 1 -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    live: LiveArgs,
    /// From one table to the next, 200ms to 60s
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    interval: u32,
    /// End after so many tables
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Format of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum OutputFormat {
    /// Columns
    #[default]
    Table,
    /// A JSON object a line
    Json,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let filter = self.live.filter(&[])?;
        let mut source = self.live.open(Asked::Top(Top { filter: Some(filter), interval_ms: self.interval })).await?;
        let mut left = self.count;
        // On a terminal each table takes the place of the one before.
        let in_place = std::io::stdout().is_terminal() && self.count != Some(1);
        let mut notices: Vec<String> = Vec::new();
        while left != Some(0) {
            let Some(shown) = source.next().await? else { bail!("it has ended; begin anew to see more") };
            match shown {
                Shown::Table(table) => {
                    self.print(&table, in_place, &notices)?;
                    left = left.map(|left| left - 1);
                }
                Shown::Notice(notice) if in_place => {
                    notices.push(notice);
                    notices.drain(..notices.len().saturating_sub(5));
                }
                Shown::Notice(notice) => output::error_line(notice),
                Shown::Request(_) | Shown::Missed(_) => {}
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, table: &TopTable, in_place: bool, notices: &[String]) -> Result<()> {
        if matches!(self.output, OutputFormat::Json) {
            return output::line(serde_json::to_string(table)?);
        }
        let proxies = match table.proxies.len() {
            1 => "1 proxy".to_owned(),
            number => format!("{number} proxies"),
        };
        let mut lines = show::table(table, Paint::stdout());
        if in_place {
            lines.insert(0, format!("\u{1b}[H\u{1b}[2J{proxies}, {:.1} s; Ctrl-C ends\n", table.seconds));
            lines.extend(notices.iter().cloned());
        } else {
            lines.push(String::new());
        }
        output::line(lines.join("\n"))
    }
}

fn interval(text: &str) -> Result<u32, String> {
    let time: GoDuration =
        text.parse().map_err(|error: backstay_resources::duration::ParseDurationError| error.to_string())?;
    let milliseconds = u32::try_from(time.0.as_millis()).unwrap_or(u32::MAX);
    backstay_live::interval(milliseconds.max(1)).map_err(|error| error.rule.to_owned())
}
