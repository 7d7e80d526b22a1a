//! `backstay export`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_control_plane::{EtcdOptions, Keys, backup, registry};
use serde_json::Value;

use crate::client::{Client, Discovery, JSON, PAGE, ResourceType, ServerArgs, escape};
use crate::output;

/// Print everything that is stored, for a backup
#[derive(Debug, clap::Args)]
#[command(after_help = "\
All objects of all kinds at one revision of the store, Secrets with their values and statuses included: keep it as you keep \
keys. `backstay import` makes a store of it. Of a running control plane, what its API tells nobody, such as the keys in Fastly \
services, is left out and named, and the exit code is 1; with --data-dir, of one that is stopped, and with --store, everything is there.

Examples:
  backstay export > backup.yaml
  backstay export --data-dir /var/lib/backstay > backup.yaml
  backstay export --store etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379/backstay > backup.yaml")]
pub(crate) struct Args {
    /// Data directory of a control plane that is stopped, in place of the API of one that runs
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
    /// Store on etcd, in place of the API, whether control planes have it or not: etcd://HOST:PORT,HOST:PORT/PREFIX?OPTIONS, or etcds://
    /// for TLS
    #[arg(long, value_name = "URL", conflicts_with_all = ["server", "data_dir"], value_parser = super::control_plane::on_etcd)]
    store: Option<Box<EtcdOptions>>,
    /// Keys that the store of --data-dir or --store is sealed with
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    encryption_key_file: Option<PathBuf>,
    /// Form of each object
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum OutputFormat {
    /// YAML documents
    #[default]
    Yaml,
    /// The same, each object as one line of JSON
    Json,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let keys = self.encryption_key_file.as_deref().map(Keys::of_file).transpose()?;
        let whole = match (&self.data_dir, &self.store) {
            (Some(directory), _) => Some(backup::dump(directory, keys)?),
            (None, Some(etcd)) => Some(backup::dump_on(EtcdOptions { seal: keys, ..(**etcd).clone() }).await?),
            (None, None) if keys.is_some() => bail!("--encryption-key-file goes with --data-dir or --store"),
            (None, None) => None,
        };
        if let Some(objects) = whole {
            for object in &objects {
                self.print(object)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let client = self.server.client()?;
        let discovery = Discovery::load(&client).await?;
        let mut revision = None;
        let mut seen = BTreeSet::new();
        let mut is_whole = true;
        for resource in discovery.all().filter(|resource| seen.insert(resource.label())) {
            let Some(kind) = registry().by_kind(&resource.api_version(), resource.kind()) else { continue };
            if kind.redact.is_some() {
                let any = !self.page(&client, resource, "limit=1").await?.0.is_empty();
                if any {
                    is_whole = false;
                    output::error_line(format_args!(
                        "warning: {} are left out: they have keys that the API tells nobody; stop the control plane and export \
                         with --data-dir",
                        kind.plural
                    ));
                }
                continue;
            }
            self.list(&client, resource, &mut revision).await?;
        }
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Prints all objects of a kind, as of `revision`, which the first list sets.
    async fn list(&self, client: &Client, resource: &ResourceType, revision: &mut Option<String>) -> Result<()> {
        let at = revision.as_ref().map_or_else(String::new, |revision| {
            format!("&resourceVersion={}&resourceVersionMatch=Exact", escape(revision))
        });
        let mut query = format!("limit={PAGE}{at}");
        loop {
            let (items, meta) = self.page(client, resource, &query).await?;
            let Some(listed) = meta["resourceVersion"].as_str() else {
                bail!("the control plane lists {} without a revision", resource.label());
            };
            revision.get_or_insert_with(|| listed.to_owned());
            for mut object in items {
                // Lists of an API leave these to the list in some servers; an object of a file has its own.
                object["apiVersion"] = resource.api_version().into();
                object["kind"] = resource.kind().into();
                self.print(&object)?;
            }
            match meta["continue"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => query = format!("limit={PAGE}&continue={}", escape(next)),
                None => return Ok(()),
            }
        }
    }

    async fn page(&self, client: &Client, resource: &ResourceType, query: &str) -> Result<(Vec<Value>, Value)> {
        let mut list = client.get(&format!("{}?{query}", resource.collection(None)), JSON).await?;
        let items = match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        Ok((items, list["metadata"].take()))
    }

    fn print(&self, object: &Value) -> Result<()> {
        match self.output {
            OutputFormat::Yaml => output::line(format_args!("---\n{}", output::yaml(object)?.trim_end())),
            OutputFormat::Json => output::line(format_args!("---\n{object}")),
        }
    }
}
