//! `backstay.dev/v1alpha1`: what the other groups have no words for.

mod bounds;
mod connections;
mod dynamic_proxy;
mod endpoints;
mod health;
mod host;
mod limits;
mod load_balancing;
mod outlier;
mod policy;
mod retries;
mod timeouts;
mod tls;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Scope, Verb};
use crate::meta::{Condition, ObjectMeta};
use crate::object::Resource;
use crate::{name, schema};

pub use self::connections::{Connections, TcpKeepalive};
pub use self::dynamic_proxy::{AddressRules, DnsPolicy, DynamicProxyPolicy, PortRange};
pub use self::endpoints::{Discovery, EndpointHealth, Locality, NameFamily, PolicyEndpoint, SrvDiscovery, address};
pub use self::health::{
    CheckHeader, GrpcHealthCheck, HealthCheck, HealthThresholds, HealthWindow, HttpHealthCheck, HttpVersion, Payload,
    StatusRange, TcpHealthCheck,
};
pub use self::host::HostRewrite;
pub use self::limits::{Limits, RetryBudget};
pub use self::load_balancing::{
    BalancingPolicy, EndpointKey, HashCookie, HashPolicy, LeastRequest, LoadBalancing, Maglev, RingHash, SlowStart,
};
pub use self::outlier::{FailurePercentage, OutlierDetection, SuccessRate};
pub use self::retries::{BackOff, RETRY_ON, Retries};
pub use self::timeouts::BackendTimeouts;
pub use self::tls::{BackendTls, CIPHER_SUITES, CipherSuite, SecretRef, TlsVersion, cipher_suite};

/// How a Backend is connected to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendPolicy {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: BackendPolicySpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: BackendPolicyStatus,
}

/// What the user asks for. A section that is absent leaves everything as it is without a policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BackendPolicySpec {
    /// The Backends it applies to. Where several policies name one Backend, the oldest applies. None for a policy that a KrakendConfig
    /// names.
    pub target_refs: Vec<PolicyTargetRef>,
    /// TLS to the endpoints; for the protocols `tls` and `h2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<BackendTls>,
    /// How long things may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<BackendTimeouts>,
    /// How an endpoint is chosen. Not with dynamicProxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancing: Option<LoadBalancing>,
    /// What endpoints of the Backend are to each other. Not with dynamicProxy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub endpoints: Vec<PolicyEndpoint>,
    /// Where the names of endpoints lead. Not with dynamicProxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Discovery>,
    /// Leaves endpoints out that answer worse than they should. Not with dynamicProxy. Default: none is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetection>,
    /// Checks of the endpoints, 8 at most; one is healthy while all of them say so. Not with dynamicProxy. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub health_checks: Vec<HealthCheck>,
    /// How much may be under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// When a request is sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// How connections are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// The host that endpoints see. Default: that of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostRewrite>,
    /// More settings of a Backend with dynamicProxy, and only of such a one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_proxy: Option<DynamicProxyPolicy>,
}

/// A Backend that a policy applies to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTargetRef {
    /// Only `core.apoxy.dev`, the default.
    #[serde(default)]
    pub group: String,
    /// Only `Backend`, the default.
    #[serde(default)]
    pub kind: String,
    /// Name of the Backend.
    #[serde(default)]
    pub name: String,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendPolicyStatus {
    /// `Accepted`: it applies to all its targets; false with the reason `Conflicted` where an older policy does.
    /// `ResolvedRefs`: everything it refers to exists. `Programmed`: every connected proxy that serves one of its targets has
    /// acknowledged it. `Insecure`, where it is true: certificates are not verified. `CertificateExpired`, where it is true:
    /// endpoints will refuse the client certificate. `CertificateNotYetValid`, where it is true: they do so still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true. A control plane that starts tells by it whether
    /// that is still what they should serve.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
}

impl Resource for BackendPolicy {
    const KIND: &'static Kind = &BACKEND_POLICY;
}

/// `backendpolicies.backstay.dev`.
pub static BACKEND_POLICY: Kind = Kind {
    group: "backstay.dev",
    version: "v1alpha1",
    kind: "BackendPolicy",
    plural: "backendpolicies",
    singular: "backendpolicy",
    scope: Scope::Cluster,
    short_names: &["bp"],
    categories: &["all", "backstay"],
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<BackendPolicy>,
    columns: policy::COLUMNS,
    cells: policy::cells,
    selectable: &[],
    default: policy::fill,
    validate: policy::find,
    warn: |_| Vec::new(),
};
