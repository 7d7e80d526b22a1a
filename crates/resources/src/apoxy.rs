//! `core.apoxy.dev/v1alpha2`: upstream services and fleets.

mod backend;
mod proxy;

pub use self::backend::{
    BACKEND, BACKEND_V1ALPHA, Backend, BackendEndpoint, BackendProtocol, BackendSpec, BackendStatus, DnsCacheConfig,
    DnsLookupFamily, DynamicProxy,
};
pub use self::proxy::{
    AccessLog, Collector, CollectorHeader, LogFilter, LogRedaction, LogService, Metrics, PROXY, Proxy, ProxyProvider,
    ProxyReplica, ProxySpec, ProxyStatus, Refusal, Sampling, Tracing,
};
