//! `backstay secrets`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use backstay_control_plane::{Keys, backup};

use crate::output;

/// Look after how the store is sealed on disk
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Rewrite(Rewrite),
}

/// Seal all that is stored with the first key, so that others are not needed any more
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The control plane must be stopped. The file of the store is written anew, its history included, and takes the place of the old one when it \
is whole.

Examples:
  backstay secrets rewrite --data-dir /var/lib/backstay --encryption-key-file keys
  backstay secrets rewrite --data-dir /var/lib/backstay --encryption-key-file keys --plain")]
struct Rewrite {
    /// Directory of the store
    #[arg(long, value_name = "DIR", default_value = ".backstay")]
    data_dir: PathBuf,
    /// Keys, a line each: NAME:KEY; the first seals, all unseal
    #[arg(long, value_name = "FILE")]
    encryption_key_file: PathBuf,
    /// Unseal everything instead, so that no key is needed any more
    #[arg(long)]
    plain: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let Action::Rewrite(Rewrite { data_dir, encryption_key_file, plain }) = self.action;
        let keys = Keys::of_file(&encryption_key_file)?;
        let first = keys.names().into_iter().next().unwrap_or_default();
        let count = backup::rewrite(&data_dir, keys, plain)?;
        let noun = if count == 1 { "object" } else { "objects" };
        let how = if plain { "not sealed any more".to_owned() } else { format!("sealed with the key {first}") };
        output::line(format_args!("{count} {noun} in the store of {} are {how}", data_dir.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
