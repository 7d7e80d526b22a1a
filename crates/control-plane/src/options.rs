//! What a control plane is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

use backstay_guard::{HostName, LogSwitch};
use backstay_store::EtcdOptions;

use crate::access::AccessOptions;
use crate::dialects::FastlyOptions;
use crate::limits::Limits;
use crate::security::Security;
use crate::telemetry::TelemetryOptions;

/// Where a control plane listens and keeps its data.
#[derive(Debug, Clone)]
pub struct Options {
    /// REST, gRPC admin, metrics and health. Default 127.0.0.1:7080.
    pub api: SocketAddr,
    /// The discovery service. Default 127.0.0.1:18000.
    pub xds: SocketAddr,
    /// Folder of the embedded store. Default `.backstay`.
    pub data_dir: PathBuf,
    /// The store on etcd, in place of the embedded one. Default none.
    pub etcd: Option<EtcdOptions>,
    /// Allows addresses that other machines can reach without TLS and authentication.
    pub insecure: bool,
    /// TLS and authentication of both addresses.
    pub security: Security,
    /// Names that requests to both addresses may be addressed to, besides IP addresses and `localhost`. Default none.
    pub allowed_hosts: Vec<HostName>,
    /// Who may send requests to the API, and what they may do.
    pub access: AccessOptions,
    /// The Fastly dialect.
    pub fastly: FastlyOptions,
    /// Everything that has a bound.
    pub limits: Limits,
    /// What `POST /logging` on the API address turns. Default nothing: it is answered as any other unknown path.
    pub log_switch: Option<LogSwitch>,
    /// Which collector is told of metrics and of changes. Default none.
    pub telemetry: TelemetryOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api: SocketAddr::from(([127, 0, 0, 1], 7080)),
            xds: SocketAddr::from(([127, 0, 0, 1], 18000)),
            data_dir: PathBuf::from(".backstay"),
            etcd: None,
            insecure: false,
            security: Security::default(),
            allowed_hosts: Vec::new(),
            access: AccessOptions::default(),
            fastly: FastlyOptions::default(),
            limits: Limits::default(),
            log_switch: None,
            telemetry: TelemetryOptions::default(),
        }
    }
}
