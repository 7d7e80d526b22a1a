//! `backstay version`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::output;

/// The commit it was built of; empty where that was not known.
const COMMIT: &str = env!("BACKSTAY_COMMIT");

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Format of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum OutputFormat {
    /// One line
    #[default]
    Text,
    /// A JSON object
    Json,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let version = env!("CARGO_PKG_VERSION");
        match self.output {
            OutputFormat::Text if COMMIT.is_empty() => output::line(format_args!("backstay {version}"))?,
            OutputFormat::Text => output::line(format_args!("backstay {version} ({COMMIT})"))?,
            OutputFormat::Json => {
                let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
                output::line(json!({"version": version, "platform": platform, "commit": COMMIT}))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
