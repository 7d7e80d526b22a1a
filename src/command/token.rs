//! `backstay token`.

mod create;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use backstay_auth::file::DEFAULT_CUSTOMER;
use backstay_auth::{Digest, Scope, new_token};
use backstay_resources::Timestamp;

use crate::output;

/// Make a token, and add it to the file that --tokens names; or make a join token for a proxy
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The token is printed once, and is nowhere else: the file has its SHA-256 alone. A control plane that runs sees it within a \
second.

Examples:
  backstay token deploy --file tokens.yaml
  backstay token purge --file tokens.yaml --scope purge_all --service s2k4v0q7w1m9c3x5z8b6n4
  backstay token reader --file tokens.yaml --scope global:read --expires 2027-01-01T00:00:00Z
  backstay token edge-1 --file tokens.yaml --fleet edge
  backstay token create --fleet edge --ttl 1h")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    entry: Option<Entry>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(create::Args),
}

/// A token of the file.
#[derive(Debug, clap::Args)]
struct Entry {
    /// What people call it
    name: String,
    /// The file; it is made where there is none
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// What it may do; may be repeated
    #[arg(long, value_name = "SCOPE", default_value = "global", value_parser = scope)]
    scope: Vec<Scope>,
    /// Identifier of the only service that it sees; may be repeated [default: all of its customer]
    #[arg(long = "service", value_name = "ID")]
    services: Vec<String>,
    /// Whose it is; customers do not see each other's services
    #[arg(long, value_name = "ID", default_value = DEFAULT_CUSTOMER)]
    customer: String,
    /// Until when it holds, RFC 3339 [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Timestamp>,
    /// Fleet that it may join as a proxy, private keys included, or * for all; may be repeated [default: none]
    #[arg(long = "fleet", value_name = "NAME")]
    fleets: Vec<String>,
}

fn scope(text: &str) -> Result<Scope, String> {
    let all = [Scope::Global, Scope::GlobalRead, Scope::PurgeSelect, Scope::PurgeAll];
    let found = all.into_iter().find(|scope| scope.name() == text);
    found.ok_or_else(|| format!("it must be one of {}", all.map(Scope::name).join(", ")))
}

fn time(text: &str) -> Result<Timestamp, String> {
    serde_json::from_value(text.into()).map_err(|_| "it must be a time such as 2027-01-01T00:00:00Z".to_owned())
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match (self.action, self.entry) {
            (Some(Action::Create(args)), _) => args.run().await,
            (None, Some(entry)) => entry.add(),
            (None, None) => super::usage("say what the token is called, and which file it goes into; or token create"),
        }
    }
}

impl Entry {
    fn add(self) -> Result<ExitCode> {
        let token = new_token();
        let path = self.file.display().to_string();
        let is_new = std::fs::metadata(&self.file).map_or(true, |metadata| metadata.len() == 0);
        let entry = format!("{}{}", if is_new { "tokens:\n" } else { "" }, self.entry(&Digest::of(&token)));
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).create(true).mode(0o600).open(&self.file);
        let written = file.as_mut().map_err(|error| std::io::Error::new(error.kind(), error.to_string()));
        written.and_then(|file| file.write_all(entry.as_bytes())).with_context(|| format!("cannot write {path}"))?;
        output::line(token)?;
        output::error_line(format_args!("added to {path} as {:?}; it is not shown again", self.name));
        Ok(ExitCode::SUCCESS)
    }

    fn entry(&self, digest: &Digest) -> String {
        // JSON strings are YAML strings.
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let scopes: BTreeSet<Scope> = self.scope.iter().copied().collect();
        let scopes = scopes.into_iter().map(Scope::name).collect::<Vec<_>>().join(" ");
        let mut entry = format!("- name: {}\n  sha256: {digest}\n", text(&self.name));
        let _ = writeln!(entry, "  customer: {}\n  scope: {}", text(&self.customer), text(&scopes));
        if !self.services.is_empty() {
            let services = self.services.iter().map(|service| text(service)).collect::<Vec<_>>().join(", ");
            let _ = writeln!(entry, "  services: [{services}]");
        }
        if !self.fleets.is_empty() {
            let fleets = self.fleets.iter().map(|fleet| text(fleet)).collect::<Vec<_>>().join(", ");
            let _ = writeln!(entry, "  fleets: [{fleets}]");
        }
        let _ = writeln!(entry, "  created: {}", Timestamp::now());
        if let Some(expires) = self.expires {
            let _ = writeln!(entry, "  expires: {expires}");
        }
        entry
    }
}
