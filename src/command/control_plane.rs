//! `backstay control-plane`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_control_plane::{ControlPlane, Options};
use serde_json::json;

use crate::address_file::AddressFileArgs;
use crate::output;
use crate::shutdown::Shutdown;

/// Run the control plane: the API, and the stream of configuration to proxies
#[derive(Debug, clap::Args)]
#[command(after_help = "\
SIGTERM and SIGINT end open requests in order; a second signal ends at once.

Examples:
  backstay control-plane
  backstay control-plane --data-dir /var/lib/backstay
  backstay control-plane --api 10.0.0.5:7080 --xds 10.0.0.5:18000 --insecure")]
pub(crate) struct Args {
    /// Address of the API: REST, gRPC admin, metrics and health
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7080")]
    api: SocketAddr,
    /// Address that proxies fetch their configuration from
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:18000")]
    xds: SocketAddr,
    /// Directory of the store
    #[arg(long, value_name = "DIR", default_value = ".backstay")]
    data_dir: PathBuf,
    /// Allow addresses beyond this machine, although nothing encrypts or authenticates what goes over them
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    address_file: AddressFileArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let mut shutdown = Shutdown::listen()?;
        for (option, address) in [("--api", self.api), ("--xds", self.xds)] {
            if !address.ip().is_loopback() && !self.insecure {
                bail!(
                    "{option} {address} can be reached from other machines, and whoever reaches it may change everything: \
                     use a loopback address behind a tunnel, or add --insecure where the network is trusted"
                );
            }
        }
        let Self { api, xds, data_dir, insecure, .. } = self;
        let start = ControlPlane::start(Options { api, xds, data_dir, insecure, ..Options::default() });
        let control_plane = output::patiently("Opening the store", start).await?;
        let (api, xds) = (control_plane.api_address(), control_plane.xds_address());
        self.address_file.write(&json!({"api": api.to_string(), "xds": xds.to_string()}))?;
        tracing::info!("API on http://{api}, configuration for proxies on http://{xds}");
        shutdown.requested().await;
        tracing::info!("ending");
        shutdown.drain(control_plane.shutdown()).await;
        Ok(ExitCode::SUCCESS)
    }
}
