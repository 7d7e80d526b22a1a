//! Configurations of KrakenD.

use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_krakend::{Options, Problem, Severity, migrate};

use super::tell;
use crate::manifest::{KrakendFile, Manifests, Unknown};
use crate::output::{self, Paint};

/// Options for configurations of KrakenD.
#[derive(Debug, clap::Args)]
pub(super) struct KrakendArgs {
    /// Print a krakend.json of version 2 as version 3, and to standard error what was changed
    #[arg(long, requires = "paths")]
    migrate: bool,
    /// What components of extra_config are that guard or change traffic and are not served
    #[arg(long, value_enum, value_name = "error|warn", default_value_t, hide_possible_values = true)]
    unknown_extra_config: Unknown,
}

impl KrakendArgs {
    /// Whether a file is to be converted and not checked.
    pub(super) fn migrates(&self) -> bool {
        self.migrate
    }

    /// Checks files and prints what was found. True when one is refused.
    ///
    /// # Errors
    /// When standard output is gone.
    pub(super) fn check(&self, files: &[KrakendFile]) -> Result<bool> {
        let unknown_extra_config = self.unknown_extra_config.into();
        let mut is_refused = false;
        for file in files {
            let checked = backstay_krakend::check(&file.text, file.format, Options { unknown_extra_config });
            is_refused |= checked.is_refused();
            let paint = Paint::stderr();
            for problem in &checked.problems {
                let line = format!("{}:{problem}", file.origin);
                output::error_line(if problem.severity == Severity::Error { paint.bad(&line) } else { line });
            }
            if checked.left_out > 0 {
                output::error_line(format_args!("{}: and {} more", file.origin, checked.left_out));
            }
            output::line(format_args!("{}: {}", file.origin, summary(&checked.problems)))?;
        }
        Ok(is_refused)
    }
}

/// How many problems there are, by severity.
fn summary(problems: &[Problem]) -> String {
    let count = |severity: Severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let counted = severities.iter().map(|severity| (count(*severity), severity)).filter(|(count, _)| *count > 0);
    let words: Vec<_> =
        counted.map(|(count, severity)| format!("{count} {severity}{}", if count == 1 { "" } else { "s" })).collect();
    if words.is_empty() { Paint::stdout().good("no problems") } else { words.join(", ") }
}

/// Prints a file of version 2 as version 3.
///
/// # Errors
/// When it is not one file, or none that can be converted.
pub(super) fn migrate(manifests: &Manifests) -> Result<ExitCode> {
    if !manifests.problems.is_empty() {
        tell(manifests.problems.clone());
        return Ok(ExitCode::FAILURE);
    }
    let [file] = manifests.krakend.as_slice() else {
        bail!("--migrate takes one configuration of KrakenD, and these are {}", manifests.krakend.len());
    };
    match migrate::migrate(&file.text, file.format) {
        Ok(migrated) => {
            for (place, change) in &migrated.changes {
                output::error_line(format_args!("{}:{place}: {change}", file.origin));
            }
            output::line(migrated.text.trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => bail!("{}:{error}", file.origin),
    }
}
