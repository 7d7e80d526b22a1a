//! `backstay completions` and `backstay man`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap_complete::Shell;

use crate::output;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  backstay completions bash > /etc/bash_completion.d/backstay
  backstay completions zsh > \"${fpath[1]}/_backstay\"
  backstay completions fish > ~/.config/fish/completions/backstay.fish")]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self, mut command: clap::Command) -> Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, "backstay", &mut text);
        output::line(String::from_utf8_lossy(&text).trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Write manual pages, one for each command
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Directory to write them to
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl ManArgs {
    pub(crate) fn run(self, command: clap::Command) -> Result<ExitCode> {
        std::fs::create_dir_all(&self.directory)
            .and_then(|()| clap_mangen::generate_to(command, &self.directory))
            .with_context(|| format!("cannot write to {}", self.directory.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
