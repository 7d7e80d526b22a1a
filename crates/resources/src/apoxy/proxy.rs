//! Proxy: a fleet of proxies that share a configuration.

mod access_log;
mod metrics;
mod tracing;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::access_log::{AccessLog, LogFilter, LogRedaction, LogService};
pub use self::metrics::Metrics;
pub use self::tracing::{Collector, CollectorHeader, Sampling, Tracing};
use crate::check::typed;
use crate::field::{FieldError, FieldPath, Findings};
use crate::kind::{Column, Kind, Scope, Verb};
use crate::meta::{Condition, ObjectMeta, Timestamp};
use crate::object::{Object, Resource};
use crate::{body, name, schema, table};

/// A fleet: the proxies that share a configuration. A proxy process joins it by its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: ProxySpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: ProxyStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxySpec {
    /// Who runs the processes. Only `unmanaged`, the default: whoever operates them.
    #[serde(default)]
    #[schemars(extend("x-backstay-refused" = {"cloud": CLOUD, "kubernetes": KUBERNETES}))]
    pub provider: ProxyProvider,
    /// How processes end. Refused: `backstay proxy --drain-timeout` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<Map<String, Value>>,
    /// What processes tell of what they do, as Apoxy has it. Refused: accessLog, tracing and metrics say it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Map<String, Value>>,
    /// Which Envoy processes run. Refused: Backstay's proxy is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envoy: Option<Map<String, Value>>,
    /// A line for each request. Default: none, unless a proxy is started with `--access-log`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
    /// Which requests are traced. Default: none; what clients say of traces goes on as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing>,
    /// The collector that is told of traces, of lines and of metrics. Default: the one that the variables of a proxy name, such as
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, which win in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<Collector>,
    /// How often the collector is told of metrics, and what times are counted by. Default: it is not told, and the usual bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

const CLOUD: &str = "Apoxy runs such proxies itself and configures them from its own API, so that Backstay cannot; use \
    unmanaged and start the proxies with `backstay proxy`";
const KUBERNETES: &str = "Apoxy's controller runs such proxies in a cluster and Backstay starts none; use unmanaged and \
    deploy the proxies with the Helm chart";

/// What Apoxy has and nothing here reads, and what to do instead.
const SHUTDOWN: &str = "is not supported: start the proxies with `backstay proxy --drain-timeout`";
const TELEMETRY: &str =
    "is not supported: use spec.accessLog, spec.tracing, spec.metrics and spec.collector, and /metrics of the proxies";
const ENVOY: &str = "is not supported: the proxies of a fleet are `backstay proxy`, and no Envoy";

/// Who runs the processes of a fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProxyProvider {
    /// Whoever operates them.
    #[default]
    Unmanaged,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyStatus {
    /// `Ready`: at least one proxy is connected and none refuses its configuration. `Accepted` and `Programmed`: what the spec says of
    /// logs, traces and metrics is in force in every connected proxy; they are there where it says anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true. A control plane that starts tells by it whether
    /// that is still what they should serve.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
    /// The connected proxies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub replicas: Vec<ProxyReplica>,
}

/// One connected proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyReplica {
    /// Its node id.
    pub name: String,
    /// When it connected.
    pub connected_at: Timestamp,
    /// Where it connected from.
    #[serde(default)]
    pub address: String,
    /// Its version of Backstay.
    #[serde(default)]
    pub version: String,
    /// What it refused and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// When it was sent what it should have answered long ago: it is there once that is 5 seconds ago, until it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<Timestamp>,
}

/// A resource that a proxy refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Such as `backend/api`.
    pub resource: String,
    /// The field at fault; empty when it is the whole.
    #[serde(default)]
    pub field: String,
    /// The proxy's own words.
    pub message: String,
}

impl Resource for Proxy {
    const KIND: &'static Kind = &PROXY;
}

/// `proxies.core.apoxy.dev`.
pub static PROXY: Kind = Kind {
    group: "core.apoxy.dev",
    version: "v1alpha2",
    kind: "Proxy",
    plural: "proxies",
    singular: "proxy",
    scope: Scope::Cluster,
    short_names: &[],
    categories: &["all", "apoxy", "backstay"],
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<Proxy>,
    columns: COLUMNS,
    cells,
    selectable: &[],
    default: fill,
    validate: find,
    warn: |_| Vec::new(),
};

static COLUMNS: &[Column] = &[
    table::text("Provider", "Who runs the processes."),
    table::integer("Proxies", "How many proxies are connected."),
    table::text("Ready", "Whether at least one is connected and none refuses its configuration."),
];

fn cells(object: &Object) -> Vec<Value> {
    let proxies = table::list_at(object, "/status/replicas").len();
    vec![table::text_at(object, "/spec/provider").into(), proxies.into(), table::condition(object, "Ready")]
}

fn fill(object: &mut Object) {
    let Some(spec) = body::make(&mut object.body, "spec") else { return };
    body::fold_case(spec, "provider");
    body::drop_empty(spec, "provider");
    body::default(spec, "provider", "unmanaged");
}

/// Finds what is asked for and nothing reads.
fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let proxy: Proxy = match typed(new) {
        Ok(proxy) => proxy,
        Err(errors) => return errors,
    };
    let mut findings = Findings::default();
    let ProxySpec { provider: _, shutdown, telemetry, envoy, access_log, tracing, collector, metrics } = &proxy.spec;
    for (name, given, why) in
        [("shutdown", shutdown, SHUTDOWN), ("telemetry", telemetry, TELEMETRY), ("envoy", envoy, ENVOY)]
    {
        if given.as_ref().is_some_and(|given| !given.is_empty()) {
            findings.forbidden(&FieldPath::new("spec").child(name), why);
        }
    }
    if let Some(access_log) = access_log {
        access_log.check(&FieldPath::new("spec").child("accessLog"), &mut findings);
    }
    if let Some(tracing) = tracing {
        tracing.check(&FieldPath::new("spec").child("tracing"), &mut findings);
    }
    if let Some(collector) = collector {
        collector.check(&FieldPath::new("spec").child("collector"), &mut findings);
    }
    if let Some(metrics) = metrics {
        metrics.check(&FieldPath::new("spec").child("metrics"), &mut findings);
    }
    findings.finish()
}
