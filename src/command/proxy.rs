//! `backstay proxy`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use backstay_guard::LogSwitch;
use backstay_model::FleetName;
use backstay_proxy::{Access, DnsServer, Environment, Keys, Limits, Options, Proxy, Setting, UpgradeError, Upgrades};
use backstay_resources::GoDuration;
use clap::builder::NonEmptyStringValueParser;
use http::Uri;
use rustls_pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::AllowedHostArgs;
use super::access_log::AccessLogArgs;
use super::trust::TrustArgs;
use crate::address_file::AddressFileArgs;
use crate::client::Segment;
use crate::memory;
use crate::service_manager::ServiceManager;
use crate::shutdown::{Hangup, Reopen, Shutdown};

/// Run a proxy: serve traffic as the control plane says
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The last good configuration is kept in --state-dir; with it a proxy starts and serves while the control plane is away. \
SIGTERM and SIGINT stop accepting, after --drain-delay, and let open requests end, for --drain-timeout at most; a second signal ends at once.

Examples:
  backstay proxy
  backstay proxy --fleet edge --control-plane https://10.0.0.5:18000 --ca ca.pem --token-file token
  backstay proxy --fleet edge --control-plane https://10.0.0.5:18000 --ca ca.pem --state-dir /var/lib/backstay-proxy \
      --join-token-file join-token
  backstay proxy --dns-server 10.0.0.2:53 --access-log stdout")]
pub(crate) struct Args {
    /// Where to fetch configuration from, over TLS where it begins with https; several, with commas between, are tried in this order
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:18000", value_delimiter = ',')]
    control_plane: Vec<PlaneUri>,
    #[command(flatten)]
    access: WayArgs,
    /// Fleet to join: the name of a Proxy object
    #[arg(long, value_name = "NAME", default_value = FleetName::DEFAULT)]
    fleet: Segment,
    /// Name of this proxy within the fleet [default: host name and process id]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    node_id: Option<String>,
    /// Directory to keep the last good configuration in [default: it is not kept]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Address of the admin endpoint: readiness, metrics, dumps
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// Address of readiness and metrics alone, which other machines may reach, such as 0.0.0.0:9902 [default: none]
    #[arg(long, value_name = "IP:PORT")]
    monitoring: Option<SocketAddr>,
    /// Allow an --admin address beyond this machine, although nothing encrypts or authenticates what goes over it
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    allowed_hosts: AllowedHostArgs,
    /// Threads that serve traffic [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// DNS server to ask instead of the system's: IP or IP:PORT, tcp://IP over TCP alone, or tls://IP#NAME over TLS; may be repeated
    #[arg(long = "dns-server", value_name = "IP[:PORT]")]
    dns_servers: Vec<DnsServer>,
    /// How long to go on serving once told to end, such as 10s: /ready fails at once, and clients are told to connect anew
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    drain_delay: GoDuration,
    /// How long open requests may take to end, such as 30s or 2m
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    drain_timeout: GoDuration,
    /// A limit on clients or on what is kept for them, such as max-connections=100000; may be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<Limit>,
    /// A protocol that connections of clients may change to, or none; may be repeated
    #[arg(long = "upgrade", value_name = "PROTOCOL", default_value = "websocket")]
    upgrades: Vec<Upgrade>,
    #[command(flatten)]
    access_log: AccessLogArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    address_file: AddressFileArgs,
}

/// One limit, as it is to be set.
#[derive(Debug, Clone)]
struct Limit {
    name: String,
    value: String,
}

/// A protocol that connections may change to; `None` for the word `none`.
#[derive(Debug, Clone)]
struct Upgrade(Option<String>);

impl FromStr for Upgrade {
    type Err = UpgradeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        Upgrades::new([text]).map(|_| Self(Some(text.to_owned())))
    }
}

/// Why `--limit` is not understood.
#[derive(Debug, thiserror::Error)]
enum ParseLimitError {
    #[error("write it as NAME=VALUE")]
    Malformed,
    #[error("there is no such limit; there are {known}")]
    Unknown { known: String },
    #[error("{value:?} is no number: {source}")]
    Number { value: String, source: std::num::ParseIntError },
    #[error(transparent)]
    Time(#[from] backstay_resources::duration::ParseDurationError),
    #[error(transparent)]
    Range(#[from] backstay_proxy::LimitError),
}

impl FromStr for Limit {
    type Err = ParseLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or(ParseLimitError::Malformed)?;
        let limit = Self { name: name.to_owned(), value: value.to_owned() };
        let mut limits = Limits::default();
        limit.apply(&mut limits)?;
        limits.validate()?;
        Ok(limit)
    }
}

impl Limit {
    fn apply(&self, limits: &mut Limits) -> Result<(), ParseLimitError> {
        let mut settings = limits.settings();
        let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        let setting = settings.iter_mut().find(|(name, _)| *name == self.name);
        let Some((_, setting)) = setting else {
            return Err(ParseLimitError::Unknown { known: names.join(", ") });
        };
        let number = |source| ParseLimitError::Number { value: self.value.clone(), source };
        match setting {
            Setting::Size(limit) => **limit = self.value.parse().map_err(number)?,
            Setting::Small(limit) => **limit = self.value.parse().map_err(number)?,
            Setting::Time(limit) => {
                let time = self.value.parse::<GoDuration>()?;
                **limit = time.0;
            }
        }
        Ok(())
    }
}

/// An address of discovery: `https://HOST:PORT`, or `http://HOST:PORT`.
#[derive(Debug, Clone)]
pub(super) struct PlaneUri(pub(super) Uri);

impl FromStr for PlaneUri {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it must be a URL such as https://10.0.0.5:18000, with nothing after the port";
        // As curl has it, an address without a scheme is http.
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| FORM)?;
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let is_bare = matches!(uri.path_and_query().map(http::uri::PathAndQuery::as_str), None | Some("/" | ""));
        let has_host =
            uri.authority().is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
        if is_known && is_bare && has_host { Ok(Self(uri)) } else { Err(FORM) }
    }
}

/// What is believed of the control plane, and shown to it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "The way to the control plane")]
#[group(skip)]
pub(super) struct WayArgs {
    /// Authorities that the control plane's certificate must come from, as PEM; read for each connection [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name that its certificate must carry [default: the host of --control-plane]
    #[arg(long, value_name = "NAME", value_parser = server_name)]
    tls_server_name: Option<ServerName<'static>>,
    /// File with the token that proves which fleets this proxy may join; read for each stream
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Client certificate that proves it, as PEM; read for each connection
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// File with a join token: exchanged once for a certificate that is kept in --state-dir and renews itself [see: backstay token create]
    #[arg(long, value_name = "FILE", conflicts_with = "client_cert")]
    join_token_file: Option<PathBuf>,
    /// Keys that the kept configuration is sealed with on disk, a line each: NAME:KEY, the key as 64 hexadecimal digits; the first seals
    #[arg(long, value_name = "FILE", requires = "state_dir")]
    pub(super) state_key_file: Option<PathBuf>,
}

fn server_name(text: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(text.to_owned()).map_err(|_| "it must be a host name or an IP address".to_owned())
}

impl WayArgs {
    pub(super) fn access(self) -> Access {
        Access {
            authorities: self.ca,
            server_name: self.tls_server_name,
            token: self.token_file,
            pair: self.client_cert.zip(self.client_key),
            join_token: self.join_token_file,
        }
    }
}

impl Args {
    pub(crate) async fn run(self, log_switch: LogSwitch) -> Result<ExitCode> {
        let mut shutdown = Shutdown::listen(Hangup::Reopens)?;
        let mut reopen = Reopen::listen(Hangup::Reopens)?;
        let address_file = self.address_file.clone();
        let control_planes: Vec<_> = self.control_plane.iter().map(|PlaneUri(uri)| uri.to_string()).collect();
        let control_planes = control_planes.join(" or ");
        let proxy = Proxy::start(self.options(log_switch)?).await?;
        let admin = proxy.admin_address().map(|address| address.to_string()).unwrap_or_default();
        let monitoring = proxy.monitoring_address().map(|address| address.to_string());
        address_file.write(&json!({"admin": admin, "monitoring": monitoring}))?;
        tracing::info!("Admin endpoint on http://{admin}, configuration from {control_planes}");
        let manager = ServiceManager::of_environment();
        let status = format!("admin endpoint on http://{admin}");
        manager.ready(&status);
        let reload = || {
            manager.reloading();
            proxy.reopen_access_log();
            manager.ready(&status);
        };
        tokio::select! {
            () = shutdown.requested() => {}
            () = proxy.drain_requested() => {}
            error = proxy.failed() => return Err(error.into()),
            never = memory::give_back() => match never {},
            never = reopen.each(reload) => match never {},
            never = manager.watch(async || answers(&proxy).await) => match never {},
        }
        manager.stopping();
        shutdown.drain(proxy.shutdown()).await;
        Ok(ExitCode::SUCCESS)
    }

    fn options(self, log_switch: LogSwitch) -> Result<Options> {
        let mut limits = Limits::default();
        for limit in &self.limits {
            // Each was checked as it was read.
            let _ = limit.apply(&mut limits);
        }
        let mut control_planes = self.control_plane.into_iter().map(|PlaneUri(uri)| uri);
        let upgrades = self.upgrades.iter().filter_map(|upgrade| upgrade.0.as_deref());
        let state_keys = self.access.state_key_file.as_deref().map(Keys::of_file).transpose();
        Ok(Options {
            // Each was checked as it was read.
            upgrades: Upgrades::new(upgrades).unwrap_or_default(),
            trust: self.trust.trust(),
            node_id: self.node_id.unwrap_or_else(node_id),
            fleet: self.fleet.to_string(),
            control_plane: control_planes.next(),
            fallback_control_planes: control_planes.collect(),
            access: self.access.access(),
            state_keys: state_keys.context("--state-key-file")?,
            state_dir: self.state_dir,
            admin: Some(self.admin),
            monitoring: self.monitoring,
            insecure: self.insecure,
            allowed_hosts: self.allowed_hosts.names,
            threads: self.threads.map_or_else(processors, usize::from),
            dns_servers: self.dns_servers,
            access_log: self.access_log.place(),
            log_overrides: self.access_log.overrides()?,
            telemetry: Environment::of_process(),
            drain_delay: self.drain_delay.0,
            drain_timeout: self.drain_timeout.0,
            limits,
            log_switch: Some(log_switch),
        })
    }
}

/// The proxy of `backstay dev`: one of the fleet `default`, with the addresses and files of `own`.
///
/// # Errors
/// When it cannot start.
pub(crate) async fn for_dev(xds: SocketAddr, own: Options) -> Result<Proxy> {
    let scheme = if own.access == Access::default() { "http" } else { "https" };
    let control_plane = format!("{scheme}://{xds}").parse()?;
    let options = Options {
        node_id: "dev".to_owned(),
        control_plane: Some(control_plane),
        threads: processors().min(DEV_THREADS),
        drain_timeout: DEV_DRAIN_TIMEOUT,
        ..own
    };
    Ok(Proxy::start(options).await?)
}

/// Enough to try it, few enough to leave the machine to whoever develops on it.
const DEV_THREADS: usize = 2;

/// Nobody waits long for Ctrl-C.
const DEV_DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How long the control thread may take to say that it is there. A watchdog is set to far more.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the control thread answers, which is another than the one that asks.
async fn answers(proxy: &Proxy) -> bool {
    let Some(address) = proxy.admin_address() else { return true };
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
        stream.write_all(format!("GET /livez HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await.ok()?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.ok()?;
        Some(head.ends_with(b" 200"))
    };
    tokio::time::timeout(ANSWER_TIMEOUT, asked).await.ok().flatten().unwrap_or(false)
}

/// Unique among the processes of a fleet, and telling for whoever reads the status.
pub(super) fn node_id() -> String {
    format!("{}-{}", super::host_name("proxy"), std::process::id())
}
