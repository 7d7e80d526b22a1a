//! `backstay token`.

mod create;
mod revoke;

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
use clap::builder::NonEmptyStringValueParser;

use crate::output;

/// Make a token for the API, and add it to the file that --tokens names; or make a join token for a proxy
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The token is printed once, and is nowhere else: the file has its SHA-256 alone. A control plane that runs sees it within a \
second.

Examples:
  backstay token deploy --file tokens.yaml
  backstay token ci --file tokens.yaml --group deployers
  backstay token purge --file tokens.yaml --scope purge_all --service s2k4v0q7w1m9c3x5z8b6n4
  backstay token reader --file tokens.yaml --scope global:read --expires 2027-01-01T00:00:00Z
  backstay token edge-1 --file tokens.yaml --fleet edge
  backstay token create --fleet edge --ttl 1h
  backstay token revoke 0123456789abcdef")]
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
    Revoke(revoke::Args),
}

/// A token of the file.
#[derive(Debug, clap::Args)]
struct Entry {
    /// What people call it
    name: String,
    /// The file; it is made where there is none
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// What it may do; may be repeated [default: global, everything; with --group or --fleet, what these bring]
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Vec<Scope>,
    /// A group that it is in, which roles are bound to; may be repeated
    #[arg(long = "group", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    groups: Vec<String>,
    /// A fleet that a proxy joins with it, private keys included, * for all; may be repeated
    #[arg(long = "fleet", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    fleets: Vec<String>,
    /// Distinguishes it from others that were called the same before
    #[arg(long, value_name = "TEXT")]
    uid: Option<String>,
    /// Identifier of the only service that it sees; may be repeated [default: all of its customer]
    #[arg(long = "service", value_name = "ID")]
    services: Vec<String>,
    /// Whose it is; customers do not see each other's services
    #[arg(long, value_name = "ID", default_value = DEFAULT_CUSTOMER)]
    customer: String,
    /// Until when it holds, RFC 3339 [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Timestamp>,
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
            (Some(Action::Revoke(args)), _) => args.run().await,
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
        let mut scopes: BTreeSet<Scope> = self.scope.iter().copied().collect();
        if scopes.is_empty() && self.groups.is_empty() && self.fleets.is_empty() {
            scopes.insert(Scope::Global);
        }
        let scopes = scopes.into_iter().map(Scope::name).collect::<Vec<_>>().join(" ");
        let list = |texts: &[String]| texts.iter().map(|one| text(one)).collect::<Vec<_>>().join(", ");
        let mut entry = format!("- name: {}\n  sha256: {digest}\n", text(&self.name));
        let _ = writeln!(entry, "  customer: {}", text(&self.customer));
        if let Some(uid) = &self.uid {
            let _ = writeln!(entry, "  uid: {}", text(uid));
        }
        if !scopes.is_empty() {
            let _ = writeln!(entry, "  scope: {}", text(&scopes));
        }
        for (name, texts) in [("groups", &self.groups), ("fleets", &self.fleets)] {
            if !texts.is_empty() {
                let _ = writeln!(entry, "  {name}: [{}]", list(texts));
            }
        }
        if !self.services.is_empty() {
            let _ = writeln!(entry, "  services: [{}]", list(&self.services));
        }
        let _ = writeln!(entry, "  created: {}", Timestamp::now());
        if let Some(expires) = self.expires {
            let _ = writeln!(entry, "  expires: {expires}");
        }
        entry
    }
}
