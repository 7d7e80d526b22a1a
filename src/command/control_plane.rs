//! `backstay control-plane`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_control_plane::{ControlPlane, EtcdAddressError, EtcdOptions, Limit, Limits, Options};
use backstay_guard::LogSwitch;
use backstay_resources::GoDuration;
use serde_json::json;

use super::access::AccessArgs;
use super::security::SecurityArgs;
use super::{AllowedHostArgs, FastlyArgs};
use crate::address_file::AddressFileArgs;
use crate::output;
use crate::service_manager::ServiceManager;
use crate::shutdown::{Hangup, Reopen, Shutdown};

/// Run the control plane: the API, and the stream of configuration to proxies
#[derive(Debug, clap::Args)]
#[command(after_help = "\
SIGTERM and SIGINT end open requests in order; a second signal ends at once. SIGUSR1 has the audit log go on in a new file, after the
old one was moved.

Examples:
  backstay control-plane
  backstay control-plane --data-dir /var/lib/backstay
  backstay control-plane --store etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379/backstay
  backstay control-plane --tokens tokens.yaml --fastly-gateway default/edge
  backstay control-plane --tokens tokens.yaml --authorization roles.yaml --audit-log audit.log
  backstay control-plane --api 10.0.0.5:7080 --xds 10.0.0.5:18000 --authority --tokens tokens.yaml
  backstay control-plane --api 10.0.0.5:7080 --xds 10.0.0.5:18000 --insecure --allowed-host backstay.example")]
pub(crate) struct Args {
    /// Address of the API: REST, gRPC admin, metrics and health
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7080")]
    api: SocketAddr,
    /// Address that proxies fetch their configuration from
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:18000")]
    xds: SocketAddr,
    /// Directory of the store
    #[arg(long, value_name = "DIR", default_value = ".backstay", conflicts_with = "store")]
    data_dir: PathBuf,
    /// Store on etcd in place of --data-dir: etcd://HOST:PORT,HOST:PORT/PREFIX?OPTIONS, or etcds:// for TLS
    #[arg(long, value_name = "URL", value_parser = on_etcd)]
    store: Option<Box<EtcdOptions>>,
    /// Allow addresses beyond this machine without TLS and authentication
    #[arg(long)]
    insecure: bool,
    /// How long to go on serving once told to end, such as 5s: /readyz fails at once, and clients are told to connect anew
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    drain_delay: GoDuration,
    /// A limit on clients or on the store, such as max-watches=20000; may be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<Limit>,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    fastly: FastlyArgs,
    #[command(flatten)]
    allowed_hosts: AllowedHostArgs,
    #[command(flatten)]
    security: SecurityArgs,
    #[command(flatten)]
    address_file: AddressFileArgs,
}

pub(super) fn on_etcd(address: &str) -> Result<Box<EtcdOptions>, EtcdAddressError> {
    EtcdOptions::parse(address).map(Box::new)
}

impl Args {
    pub(crate) async fn run(self, log_switch: LogSwitch) -> Result<ExitCode> {
        let mut shutdown = Shutdown::listen(Hangup::Ends)?;
        let mut reopen = Reopen::listen(Hangup::Ends)?;
        let Self { api, xds, data_dir, store, insecure, .. } = self;
        let etcd = store.map(|options| EtcdOptions { replica: Some(super::host_name("control-plane")), ..*options });
        let allowed_hosts = self.allowed_hosts.names;
        let fastly = self.fastly.options(None);
        let mut limits = Limits::default();
        self.limits.iter().for_each(|limit| limit.apply(&mut limits));
        let security = self.security.options();
        let scheme = |is_tls| if is_tls { "https" } else { "http" };
        let (api_scheme, xds_scheme) = (scheme(security.api_is_tls()), scheme(security.xds_is_tls()));
        let options = Options {
            api,
            xds,
            data_dir,
            etcd,
            insecure,
            security,
            allowed_hosts,
            access: self.access.options(),
            fastly,
            limits,
            log_switch: Some(log_switch),
            telemetry: super::telemetry("control-plane"),
        };
        let start = ControlPlane::start(options);
        // etcd may be slow, or away.
        let control_plane = tokio::select! {
            started = output::with_spinner("Opening the store", start) => started?,
            () = shutdown.requested() => return Ok(ExitCode::SUCCESS),
        };
        let (api, xds) = (control_plane.api_address(), control_plane.xds_address());
        self.address_file.write(&json!({"api": api.to_string(), "xds": xds.to_string()}))?;
        let serving = format!("API on {api_scheme}://{api}, configuration for proxies on {xds_scheme}://{xds}");
        tracing::info!("{serving}");
        let manager = ServiceManager::of_environment();
        manager.ready(&serving);
        let reload = || {
            manager.reloading();
            control_plane.reopen_audit_log();
            manager.ready(&serving);
        };
        let lost = tokio::select! {
            () = shutdown.requested() => false,
            () = control_plane.ended() => true,
            never = reopen.each(reload) => match never {},
            // That this is polled is what there is to be said: everything is served by the same threads.
            never = manager.watch(async || true) => match never {},
        };
        manager.stopping();
        let delay = self.drain_delay.0;
        if !lost && !delay.is_zero() {
            control_plane.leave();
            tracing::info!(?delay, "not ready any more; still serving");
            tokio::select! {
                () = tokio::time::sleep(delay) => (),
                // Whoever asks again does not want to wait.
                () = shutdown.requested() => (),
            }
        }
        tracing::info!("ending");
        shutdown.drain(control_plane.shutdown()).await;
        if lost {
            bail!("changes are not compiled any more; start it again");
        }
        Ok(ExitCode::SUCCESS)
    }
}
