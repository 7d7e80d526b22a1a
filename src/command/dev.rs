//! `backstay dev`.

mod changes;
mod hello;
mod manifests;
mod served;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use backstay_control_plane::ControlPlane;
use serde_json::json;

use self::changes::Changes;
use self::hello::Hello;
use self::manifests::Followed;
use crate::address_file::AddressFileArgs;
use crate::client::{Client, Server};
use crate::manifest::FileArgs;
use crate::output::{self, Paint};
use crate::shutdown::Shutdown;

/// Run a control plane and a proxy in one process, with a demo backend or your own manifests
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The two are the real ones and talk gRPC over loopback. With -f, manifests are applied again whenever they change on disk, \
and objects that are taken out of them are deleted. What is stored stays in the data directory.

Examples:
  backstay dev
  backstay dev -f manifests/
  backstay dev -f backend.yaml -f route.yaml --data-dir /tmp/try")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// Directory of the store, and of the proxy's last good configuration
    #[arg(long, value_name = "DIR", default_value = ".backstay")]
    data_dir: PathBuf,
    /// Address of the API; loopback only
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7080")]
    api: SocketAddr,
    /// Address that the proxy fetches its configuration from; loopback only
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:18000")]
    xds: SocketAddr,
    /// Address of the proxy's admin endpoint
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// Where a line for each request goes
    #[arg(long, value_name = "off|stdout|FILE", default_value = "off")]
    access_log: String,
    #[command(flatten)]
    address_file: AddressFileArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        if self.files.paths.iter().any(|path| path.as_os_str() == "-") {
            super::usage("dev follows files as they change, which standard input cannot: use apply -f -");
        }
        let mut shutdown = Shutdown::listen()?;
        let demo = self.files.paths.is_empty();
        let hello = if demo { Some(Hello::start().await?) } else { None };
        let options = backstay_control_plane::Options {
            api: self.api,
            xds: self.xds,
            data_dir: self.data_dir.clone(),
            ..backstay_control_plane::Options::default()
        };
        let control_plane = output::patiently("Starting the control plane", ControlPlane::start(options)).await?;
        let (api, xds) = (control_plane.api_address(), control_plane.xds_address());
        let proxy = super::proxy::for_dev(xds, self.admin, &self.data_dir, &self.access_log)
            .await
            .context("cannot start the proxy")?;
        let mut followed = Followed::new(Client::new(Server::at(api)), self.files.clone());
        // Changes made while the first round goes on must not be missed.
        let mut changes = if demo { Changes::none() } else { Changes::of(&self.files, &self.data_dir)? };
        let serving = async {
            followed.apply().await?;
            followed.show_served().await?;
            let admin = proxy.admin_address().unwrap_or(self.admin);
            let addresses = json!({"api": api.to_string(), "xds": xds.to_string(), "admin": admin.to_string()});
            self.address_file.write(&addresses)?;
            followed.show_next_steps(api).await?;
            loop {
                changes.next().await;
                if followed.has_changed() {
                    output::line(Paint::stdout().bold("\nManifests changed"))?;
                    followed.apply().await?;
                    followed.show_served().await?;
                }
            }
        };
        let ended: Result<()> = tokio::select! {
            ended = serving => ended,
            () = shutdown.requested() => Ok(()),
            () = proxy.drain_requested() => Ok(()),
            error = proxy.failed() => Err(error.into()),
        };
        output::complain("Ending; press Ctrl-C again to end at once");
        shutdown
            .drain(async {
                proxy.shutdown().await;
                control_plane.shutdown().await;
                drop(hello);
            })
            .await;
        ended.map(|()| ExitCode::SUCCESS)
    }
}
