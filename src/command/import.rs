//! `backstay import`.

mod fastly;
mod restore;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use backstay_control_plane::{EtcdOptions, Keys};
use serde_json::Value;

use self::fastly::{Import, Wanted};
use self::restore::Place;
use crate::client::ServerArgs;
use crate::manifest::FileArgs;

/// Make a store of a backup, or a service of what another system says of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With -f, the store of a control plane that is stopped is made of what `backstay export` printed: objects keep their uid, \
generation, status and time of creation. Nothing is changed when anything is wrong with one of them.

With --fastly, the file is the JSON of Fastly's GET /service/ID/details. What is imported is its active version, or the newest where none \
is: a service, a version, all parts of it. What has no counterpart is listed; the exit code is 1 when a part was refused. \
The version is a draft until it is activated.

Examples:
  backstay import -f backup.yaml --data-dir /var/lib/backstay
  backstay import -f backup.yaml --store etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379/backstay
  curl -H \"Fastly-Key: $KEY\" https://api.fastly.com/service/ID/details > service.json
  backstay import --fastly service.json
  backstay import --fastly service.json --gateway default/edge --activate")]
pub(crate) struct Args {
    /// What GET /service/ID/details answered
    #[arg(long, value_name = "FILE", required_unless_present = "paths", conflicts_with = "paths")]
    fastly: Option<PathBuf>,
    #[command(flatten)]
    files: FileArgs,
    /// Data directory whose store is made, of a control plane that is stopped
    #[arg(long, value_name = "DIR", default_value = ".backstay", requires = "paths")]
    data_dir: PathBuf,
    /// Store on etcd that is made, in place of that of --data-dir: etcd://HOST:PORT,HOST:PORT/PREFIX?OPTIONS, or etcds:// for TLS
    #[arg(long, value_name = "URL", requires = "paths", conflicts_with = "data_dir", value_parser = super::control_plane::on_etcd)]
    store: Option<Box<EtcdOptions>>,
    /// Keys that the store is, or is to be, sealed with
    #[arg(long, value_name = "FILE", requires = "paths")]
    encryption_key_file: Option<PathBuf>,
    /// Give up the objects that the store holds; that of a data directory is kept as store.redb.before
    #[arg(long, requires = "paths")]
    replace: bool,
    /// Gateway that is to serve it [default: that of the control plane]
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = super::gateway_name)]
    gateway: Option<String>,
    /// Name of the new service [default: its own]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Activate the version, where nothing was refused
    #[arg(long)]
    activate: bool,
    /// Token for the control plane, where it was started with --tokens [default: the credential of --token-file or the kubeconfig]
    #[arg(long, env = "FASTLY_API_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let Some(fastly) = &self.fastly else {
            let keys = self.encryption_key_file.as_deref().map(Keys::of_file).transpose()?;
            let place = match self.store {
                Some(etcd) => Place::Etcd(Box::new(EtcdOptions { seal: keys, ..*etcd })),
                None => Place::Directory(&self.data_dir, keys),
            };
            return restore::run(&self.files, place, self.replace).await;
        };
        let path = fastly.display();
        let text = std::fs::read(fastly).with_context(|| format!("cannot read {path}"))?;
        let details: Value = serde_json::from_slice(&text).with_context(|| format!("{path} is not JSON"))?;
        if !details.is_object() || details.get("name").is_none() {
            bail!("{path} is not what GET /service/ID/details answers: it has no name");
        }
        let client = self.server.client()?;
        let client = match self.token {
            Some(token) => client.with_fastly_key(token),
            None if client.has_credential() => client,
            // The Fastly API wants a token, whichever it is.
            None => client.with_fastly_key("import".to_owned()),
        };
        let import = Import::new(client, details)?;
        import.run(Wanted { name: self.name, gateway: self.gateway, activate: self.activate }).await
    }
}
