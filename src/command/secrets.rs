//! `backstay secrets`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use backstay_control_plane::{EtcdOptions, Keys, backup};

use crate::output;

/// Look after how the store is sealed
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
Of a data directory, the control plane must be stopped. The file of the store is written anew, its history included, and takes the place of \
the old one when it is whole.

On etcd, control planes go on meanwhile, once all of them have the key: each object that is sealed otherwise is written again. What etcd \
keeps of the past is as it was until it is compacted. With --plain they must be stopped.

Examples:
  backstay secrets rewrite --data-dir /var/lib/backstay --encryption-key-file keys
  backstay secrets rewrite --data-dir /var/lib/backstay --encryption-key-file keys --plain
  backstay secrets rewrite --store etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379/backstay --encryption-key-file keys")]
struct Rewrite {
    /// Directory of the store
    #[arg(long, value_name = "DIR", default_value = ".backstay")]
    data_dir: PathBuf,
    /// Store on etcd, in place of that of --data-dir: etcd://HOST:PORT,HOST:PORT/PREFIX?OPTIONS, or etcds:// for TLS
    #[arg(long, value_name = "URL", conflicts_with = "data_dir", value_parser = super::control_plane::on_etcd)]
    store: Option<Box<EtcdOptions>>,
    /// Keys, a line each: NAME:KEY; the first seals, all unseal
    #[arg(long, value_name = "FILE")]
    encryption_key_file: PathBuf,
    /// Unseal everything instead, so that no key is needed any more
    #[arg(long)]
    plain: bool,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let Action::Rewrite(Rewrite { data_dir, store, encryption_key_file, plain }) = self.action;
        let keys = Keys::of_file(&encryption_key_file)?;
        let first = keys.names().into_iter().next().unwrap_or_default();
        let (count, place) = match store {
            Some(etcd) => {
                let place = format!("on etcd, below {},", etcd.prefix);
                (backup::rewrite_on(EtcdOptions { seal: Some(keys), ..*etcd }, plain).await?, place)
            }
            None => (backup::rewrite(&data_dir, keys, plain)?, format!("of {}", data_dir.display())),
        };
        let noun = if count == 1 { "object" } else { "objects" };
        let how = if plain { "not sealed any more".to_owned() } else { format!("sealed with the key {first}") };
        output::line(format_args!("{count} {noun} in the store {place} are {how}"))?;
        Ok(ExitCode::SUCCESS)
    }
}
