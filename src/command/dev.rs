//! `backstay dev`.

mod changes;
mod demo_backend;
mod earlier;
mod manifests;
mod own_tls;
mod served;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use backstay_auth::{Digest, new_token};
use backstay_console::Console;
use backstay_control_plane::{AccessOptions, ControlPlane, Security};
use backstay_guard::{LogSwitch, check_address};
use backstay_proxy::Access;
use serde_json::json;

use self::changes::Changes;
use self::demo_backend::DemoBackend;
use self::earlier::Earlier;
use self::manifests::Followed;
use self::own_tls::OwnTls;
use super::access::AccessArgs;
use super::access_log::AccessLogArgs;
use super::trust::TrustArgs;
use super::{AllowedHostArgs, FastlyArgs};
use crate::address_file::AddressFileArgs;
use crate::client::Segment;
use crate::manifest::{FileArgs, KrakendArgs};
use crate::output::{self, Paint};
use crate::shutdown::{Hangup, Reopen, Shutdown};

/// Run a control plane and a proxy in one process, with a demo backend or your own manifests
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The two are the real ones and talk gRPC over loopback. With -f, manifests are applied again whenever they change on disk, \
and objects that are taken out of them are deleted. While anything is wrong with them, what was applied stays as it is. \
What is stored stays in the data directory, with a note of what dev has applied: what a later run does not have is offered \
for deletion, on a terminal; elsewhere it stays, and --earlier drop deletes it. A krakend.json is served on its own port, as krakend \
run -d -c does.

Examples:
  backstay dev
  backstay dev --tls
  backstay dev -f krakend.json
  backstay dev -f manifests/
  backstay dev -f backend.yaml -f route.yaml --data-dir /tmp/try")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    krakend: KrakendArgs,
    /// Namespace of objects that name none; one that names another is a problem [default: default]
    #[arg(short, long, value_name = "NAME", requires = "paths")]
    namespace: Option<Segment>,
    /// What to do with objects that an earlier run applied and these manifests do not have
    #[arg(long, value_enum, value_name = "ask|drop|keep", default_value_t, hide_possible_values = true)]
    earlier: Earlier,
    /// Directory of the store, and of the proxy's last good configuration
    #[arg(long, value_name = "DIR", default_value = ".backstay")]
    data_dir: PathBuf,
    /// Address of the API; loopback only, unless --insecure
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7080")]
    api: SocketAddr,
    /// Address that the proxy fetches its configuration from; loopback only, unless --insecure
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:18000")]
    xds: SocketAddr,
    /// Address of the proxy's admin endpoint; loopback only, unless --insecure
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// Address of the web console, whose link is printed, or off; loopback only
    #[arg(long, value_name = "IP:PORT|off", default_value = "127.0.0.1:0", value_parser = console_address)]
    console: ConsoleAt,
    /// Allow addresses that other machines can reach, although nothing encrypts or authenticates
    #[arg(long)]
    insecure: bool,
    /// Speak TLS on the API and on discovery, with an authority of its own
    #[arg(long)]
    tls: bool,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    access_log: AccessLogArgs,
    #[command(flatten)]
    fastly: FastlyArgs,
    #[command(flatten)]
    allowed_hosts: AllowedHostArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    address_file: AddressFileArgs,
}

impl Args {
    pub(crate) async fn run(self, log_switch: LogSwitch) -> Result<ExitCode> {
        if self.files.paths.iter().any(|path| path.as_os_str() == "-") {
            super::usage("dev follows files as they change, which standard input cannot: use apply -f -");
        }
        if !self.insecure {
            for (option, address) in [("--api", self.api), ("--xds", self.xds), ("--admin", self.admin)] {
                check_address(option, address, "may change everything")
                    .context("dev is for this machine alone: use a loopback address, or say --insecure")?;
            }
        }
        let mut shutdown = Shutdown::listen(Hangup::Ends)?;
        let mut reopen = Reopen::listen(Hangup::Ends)?;
        let demo = self.files.paths.is_empty();
        let demo_backend = if demo { Some(DemoBackend::start().await?) } else { None };
        // What dev applies, it applies by itself: with a token that nobody else has.
        let token = new_token();
        let access = AccessOptions { own: Some(Digest::of(&token)), ..self.access.options() };
        let options = backstay_control_plane::Options {
            access,
            api: self.api,
            xds: self.xds,
            insecure: self.insecure,
            security: if self.tls { OwnTls::security() } else { Security::default() },
            data_dir: self.data_dir.clone(),
            allowed_hosts: self.allowed_hosts.names.clone(),
            log_switch: Some(log_switch.clone()),
            fastly: self.fastly.options(demo.then_some(manifests::DEMO_GATEWAY)),
            telemetry: super::telemetry("dev"),
            ..backstay_control_plane::Options::default()
        };
        let control_plane =
            Box::pin(output::with_spinner("Starting the control plane", ControlPlane::start(options))).await?;
        let (api, xds) = (control_plane.api_address(), control_plane.xds_address());
        let tls = self.tls.then(|| OwnTls::new(&self.data_dir));
        let access = match &tls {
            Some(tls) => tls.prepare(&control_plane).await?,
            None => Access::default(),
        };
        let own = backstay_proxy::Options {
            access,
            admin: Some(self.admin),
            insecure: self.insecure,
            allowed_hosts: self.allowed_hosts.names,
            state_dir: Some(self.data_dir.join("proxy")),
            access_log: self.access_log.place(),
            log_overrides: self.access_log.overrides()?,
            telemetry: backstay_proxy::Environment::of_process(),
            trust: self.trust.trust(),
            log_switch: Some(log_switch),
            ..backstay_proxy::Options::default()
        };
        let proxy = super::proxy::for_dev(xds, own).await.context("cannot start the proxy")?;
        let krakend = self.krakend.with_debug();
        let client = own_tls::client(api, token, tls.as_ref())?;
        let console = match self.console.0 {
            Some(listen) => Some(super::console::bind(&client, listen).await?),
            None => None,
        };
        let link = console.as_ref().map(Console::link);
        let console = async move {
            match console {
                Some(console) => console.serve().await,
                None => std::future::pending().await,
            }
        };
        let mut followed = Followed::new(client, self.files.clone(), krakend, self.namespace.clone(), self.earlier);
        // Changes made while the first round goes on must not be missed.
        let mut changes = if demo { Changes::none() } else { Changes::of(&self.files, &self.data_dir)? };
        let serving = async {
            followed.apply().await?;
            followed.show_served().await?;
            let admin = proxy.admin_address().unwrap_or(self.admin);
            let addresses = json!({"api": api.to_string(), "xds": xds.to_string(), "admin": admin.to_string()});
            self.address_file.write(&addresses)?;
            followed.show_next_steps(api, tls.as_ref().map(OwnTls::authority), link.as_deref()).await?;
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
            served = console => served.map_err(Into::into),
            never = reopen.each(|| {
                proxy.reopen_access_log();
                control_plane.reopen_audit_log();
            }) => match never {},
        };
        output::error_line("Ending; press Ctrl-C again to end at once");
        shutdown
            .drain(async {
                proxy.shutdown().await;
                control_plane.shutdown().await;
                drop(demo_backend);
            })
            .await;
        ended.map(|()| ExitCode::SUCCESS)
    }
}

/// Where the console listens, if it does.
#[derive(Debug, Clone, Copy)]
struct ConsoleAt(Option<SocketAddr>);

fn console_address(text: &str) -> Result<ConsoleAt, String> {
    if text == "off" {
        return Ok(ConsoleAt(None));
    }
    text.parse().map(|address| ConsoleAt(Some(address))).map_err(|_| "it must be IP:PORT, or off".to_owned())
}
