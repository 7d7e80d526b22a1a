use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use backstay_dns_cache::{DnsServer, ResolverError};
use backstay_guard::{Exposed, HostName, LogSwitch};
use backstay_model::FleetName;
use backstay_seal::Keys;
use backstay_telemetry::{Environment, EnvironmentError};
use http::Uri;
use uuid::Uuid;

use crate::access::LogOverrides;
use crate::limits::{LimitError, Limits};
use crate::plane::{Access, AccessError};
use crate::state::StateError;
use crate::trust::Trust;
use crate::upgrades::Upgrades;

/// How a proxy runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the control plane knows this process by; unique in its fleet. Default a random UUID.
    pub node_id: String,
    /// The fleet whose configuration it serves. Default `default`.
    pub fleet: String,
    /// The control plane, as `https://HOST:PORT` or `http://HOST:PORT`. Default `http://127.0.0.1:18000`. Without one, what is kept on disk is all there is.
    pub control_plane: Option<Uri>,
    /// Control planes to take in its place, in this order, where it cannot be reached. Default none.
    pub fallback_control_planes: Vec<Uri>,
    /// What is believed of the control planes, and shown to them. Default the system's authorities, and nothing.
    pub access: Access,
    /// Keys that the kept configuration is sealed with on disk, the first of them; all are read. Default none: the file has mode 0600.
    pub state_keys: Option<Keys>,
    /// Where the last good configuration is kept, and what the DNS caches know. Default nowhere: after a restart nothing is
    /// served until the control plane is reached.
    pub state_dir: Option<PathBuf>,
    /// Address of the admin endpoint. Default `127.0.0.1:9901`. It has no authentication.
    pub admin: Option<SocketAddr>,
    /// Address of readiness and metrics alone, which other machines may reach: nothing can be changed there, nor is configuration told.
    /// Default none.
    pub monitoring: Option<SocketAddr>,
    /// Allows an admin address that other machines can reach. Default false.
    pub insecure: bool,
    /// Names that requests to the admin endpoint may be addressed to, besides IP addresses and `localhost`. Default none.
    pub allowed_hosts: Vec<HostName>,
    /// Data threads. Default the number of processors this process may use.
    pub threads: usize,
    /// DNS servers to ask, each as it says. Default none: the system's are asked.
    pub dns_servers: Vec<DnsServer>,
    /// Where each request is logged. Default: as the fleet says.
    pub access_log: AccessLog,
    /// What lines of the log are made of, and which requests have one, where it is not to be as the fleet says. Default nothing.
    pub log_overrides: LogOverrides,
    /// What the variables of OpenTelemetry say: it wins over what the fleet says of traces. Default nothing.
    pub telemetry: Environment,
    /// How long after a shutdown began listeners stay open, so that whoever sends requests here has time to notice that it is not ready.
    /// Answers tell clients to connect anew meanwhile. Default none.
    pub drain_delay: Duration,
    /// How long requests in flight may take to finish after a shutdown began. Default 30 s.
    pub drain_timeout: Duration,
    /// What clients may ask, and how much is kept for them.
    pub limits: Limits,
    /// What connections of clients may change to. Default WebSocket alone.
    pub upgrades: Upgrades,
    /// Which proxies in front of this one are believed when they say for whom they ask. Default none.
    pub trust: Trust,
    /// What `POST /logging` turns. Default nothing: it is answered with 404.
    pub log_switch: Option<LogSwitch>,
}

/// Where each request is logged.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum AccessLog {
    /// Where the fleet says: nowhere, or to standard output.
    #[default]
    Fleet,
    /// Nowhere, whatever the fleet says.
    Off,
    /// Standard output.
    Stdout,
    /// At the end of a file, which is made if it is not there.
    File(PathBuf),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            node_id: Uuid::new_v4().to_string(),
            fleet: FleetName::DEFAULT.to_owned(),
            control_plane: Some(Uri::from_static("http://127.0.0.1:18000")),
            fallback_control_planes: Vec::new(),
            access: Access::default(),
            state_keys: None,
            state_dir: None,
            admin: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9901)),
            monitoring: None,
            insecure: false,
            allowed_hosts: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            dns_servers: Vec::new(),
            access_log: AccessLog::Fleet,
            log_overrides: LogOverrides::default(),
            telemetry: Environment::default(),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            limits: Limits::default(),
            upgrades: Upgrades::default(),
            trust: Trust::default(),
            log_switch: None,
        }
    }
}

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The admin address cannot be bound.
    #[error("the admin endpoint cannot listen on {address}: {source}")]
    Admin {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address of readiness and metrics cannot be bound.
    #[error("readiness and metrics cannot be served on {address}: {source}")]
    Monitoring {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The admin address reaches beyond this machine and nothing protects it.
    #[error("{0}: use a loopback address behind a tunnel, or add --insecure where the network is trusted")]
    Exposed(Exposed),
    /// The access log cannot be written.
    #[error("the access log {} cannot be opened: {source}", path.display())]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The control plane cannot be reached in that way.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The state directory cannot be used.
    #[error("the state directory cannot be used: {0}")]
    State(#[from] StateError),
    /// A limit is out of its range.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A variable of OpenTelemetry cannot be honoured.
    #[error(transparent)]
    Telemetry(#[from] EnvironmentError),
    /// Names cannot be resolved.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// The system refused a thread or a runtime.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] io::Error),
    /// The control thread ended before it could say why.
    #[error("the control thread ended while it started")]
    Died,
    /// A data thread ended while the configuration that is kept on disk was put in force.
    #[error("a data thread ended while the proxy started; the log says where")]
    DataThread,
}

/// Why a proxy that runs cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Its share of the connections is not served any more.
    #[error("a data thread ended; the log says where")]
    DataThread,
    /// Configuration and names are not kept up any more.
    #[error("the control thread ended; the log says where")]
    ControlThread,
}
