//! The file that tells other programs which addresses were bound, for when port 0 was asked for.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// Option of every subcommand that serves.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AddressFileArgs {
    /// Write the addresses that were bound to this file, as JSON, once they can be connected to
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

impl AddressFileArgs {
    /// Writes the file, where one is wanted: whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, addresses: &Value) -> Result<()> {
        let Some(path) = &self.address_file else { return Ok(()) };
        replace(path, &format!("{addresses}\n")).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}
