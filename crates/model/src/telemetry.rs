//! What the proxies of a fleet tell of what they do.

mod access_log;
mod metrics;
mod tracing;

pub use access_log::{AccessLog, Layout, LogFields, LogFilter, LogService, Redaction, SENSITIVE_HEADERS};
pub use metrics::Metrics;
pub use tracing::Tracing;

use backstay_proto::config;
use backstay_trace::Collector;

use crate::fault::{Checked, Faults, Together, Within};

/// What the proxies of a fleet tell of what they do, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Telemetry {
    /// A line for each request; `None` for none.
    pub access_log: Option<AccessLog>,
    /// Which requests are traced; `None` for none.
    pub tracing: Option<Tracing>,
    /// Who is told; `None` where the proxy's own settings say.
    pub collector: Option<Collector>,
    /// What is told of metrics, and how times are counted; `None` where nothing is said of either.
    pub metrics: Option<Metrics>,
}

impl TryFrom<&config::Telemetry> for Telemetry {
    type Error = Faults;

    fn try_from(message: &config::Telemetry) -> Checked<Self> {
        let access_log = message.access_log.as_ref().map(AccessLog::try_from).transpose().within("access_log");
        let tracing = message.tracing.as_ref().map(Tracing::try_from).transpose().within("tracing");
        let collector = message.collector.as_ref().map(tracing::collector).transpose().within("collector");
        let metrics = message.metrics.as_ref().map(Metrics::try_from).transpose().within("metrics");
        let (access_log, tracing, collector, metrics) = (access_log, tracing, collector, metrics).together()?;
        Ok(Self { access_log, tracing, collector, metrics })
    }
}
