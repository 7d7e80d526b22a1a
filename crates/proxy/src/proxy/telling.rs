//! What tells collectors of this proxy, and an access log service.

use std::sync::{Arc, OnceLock, Weak};

use backstay_proto::access_log_service::{self, HttpAccessLogEntry};
use backstay_proto::otlp::logs::v1::LogRecord;
use backstay_telemetry::resource::resource;
use backstay_telemetry::{Exporter, Queue, Sources, Targets};

use super::options::{Options, StartError};
use crate::admin::{self, Admin};
use crate::counts::ServerMetrics;
use crate::trace::{TraceControl, Tracing};

/// What has traces follow what the fleet and the environment say, and tells them.
pub(super) fn traces(
    options: &Options,
    tracing: &Arc<Tracing>,
    (logs, requests): (Queue<LogRecord>, Queue<HttpAccessLogEntry>),
    metrics: &Arc<ServerMetrics>,
    counted: Arc<OnceLock<Weak<Admin>>>,
) -> Result<TraceControl, StartError> {
    let counts = &metrics.telemetry;
    let told = move || counted.get().and_then(Weak::upgrade).map(|admin| admin::told(&admin)).unwrap_or_default();
    let sources = Sources { spans: tracing.queue(), logs, metrics: Box::new(told), requests };
    let environment = options.telemetry.clone();
    let given = [("backstay.fleet", options.fleet.as_str())];
    let resource = resource("backstay-proxy", &options.node_id, &given, &environment);
    let exporter =
        Exporter::start(sources, resource, Arc::clone(counts), Targets::default()).map_err(StartError::Thread)?;
    let node = access_log_service::Node {
        id: options.node_id.clone(),
        cluster: options.fleet.clone(),
        user_agent_name: "backstay-proxy".to_owned(),
        user_agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let (tracing, metrics) = (Arc::clone(tracing), Arc::clone(metrics));
    let traces = TraceControl { tracing, exporter, environment, metrics, node };
    traces.follow(None);
    Ok(traces)
}
