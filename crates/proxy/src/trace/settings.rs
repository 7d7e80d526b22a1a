//! Which of those who have a say about traces is heard.

use std::sync::Arc;

use backstay_model::Telemetry;
use backstay_proto::access_log_service::Node;
use backstay_proto::access_log_service::stream_access_logs_message::Identifier;
use backstay_telemetry::{AccessLogService, Environment, EnvironmentError, Exporter, Signal, Targets};
use backstay_trace::{Format, Sampler};

use super::{Rules, Tracing};
use crate::counts::ServerMetrics;

/// Has traces follow what the fleet says.
#[derive(Debug)]
pub(crate) struct TraceControl {
    pub(crate) tracing: Arc<Tracing>,
    pub(crate) exporter: Exporter,
    pub(crate) environment: Environment,
    /// What is counted for collectors alone.
    pub(crate) metrics: Arc<ServerMetrics>,
    /// Who an access log service is told that this is.
    pub(crate) node: Node,
}

/// Whether what the environment says can be honoured.
///
/// # Errors
/// The variable that cannot be.
pub(crate) fn telemetry_settings(environment: &Environment) -> Result<(), EnvironmentError> {
    for signal in Signal::ALL {
        environment.collector(signal, None)?;
    }
    environment.sampler()?;
    environment.propagators()?;
    environment.metric_interval(None)?;
    Ok(())
}

impl TraceControl {
    /// The fleet says this from now on, or nothing any more. What the environment says wins.
    pub(crate) fn follow(&self, fleet: Option<&Telemetry>) {
        let given = fleet.and_then(|fleet| fleet.collector.as_ref());
        // It was read once before; what completes a collector of the fleet is what was read then.
        let aimed = |signal| {
            let collector = self.environment.collector(signal, given).ok().flatten();
            collector.filter(|_| !self.environment.silences(signal))
        };
        let collector = aimed(Signal::Traces);
        let logs = fleet.and_then(|fleet| fleet.access_log.as_ref()).filter(|log| log.otlp);
        let logs = logs.and_then(|_| aimed(Signal::Logs));
        let interval = fleet.and_then(|fleet| fleet.metrics.as_ref()).and_then(|metrics| metrics.interval);
        let interval = self.environment.metric_interval(interval).ok().flatten();
        let metrics = aimed(Signal::Metrics).zip(interval);
        let bounds = fleet.and_then(|fleet| fleet.metrics.as_ref()?.bounds.as_ref());
        match metrics {
            Some(_) => self.metrics.request_times.turn_on(bounds),
            None => self.metrics.request_times.turn_off(),
        }
        let service = fleet.and_then(|fleet| fleet.access_log.as_ref()?.service.as_ref()).map(|service| {
            let (node, log_name) = (Some(self.node.clone()), service.log_name.to_string());
            AccessLogService { at: service.at.clone(), identifier: Identifier { node, log_name } }
        });
        let asked = fleet.and_then(|fleet| fleet.tracing.as_ref());
        let sampler = self.environment.sampler().ok().flatten().or_else(|| asked.map(|asked| asked.sampler));
        let formats = self.environment.propagators().ok().flatten();
        let formats = formats.or_else(|| asked.map(|asked| asked.formats.clone()));
        let sampler = sampler.filter(|_| collector.is_some()).unwrap_or(Sampler::OFF);
        self.exporter.aim(Targets { traces: collector, logs, metrics, service });
        self.tracing.turn(Rules { sampler, formats: formats.unwrap_or_else(|| vec![Format::W3c]) });
    }
}
