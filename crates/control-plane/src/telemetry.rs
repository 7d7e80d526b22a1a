//! What collectors are told of a control plane: metrics, and changes on their way.

use std::sync::Arc;
use std::time::Duration;

use backstay_telemetry::resource::resource;
use backstay_telemetry::{Counts, Environment, EnvironmentError, Exporter, Queue, Signal, Sources, Targets};

use crate::changes::Changes;
use crate::error::StartError;

/// Which collector is told of what is done here.
#[derive(Debug, Clone, Default)]
pub struct TelemetryOptions {
    /// What the standard variables say.
    pub environment: Environment,
    /// What this process is called.
    pub instance: String,
}

/// Metrics as text.
pub(crate) trait Text {
    /// All of them, in Prometheus' text format.
    fn text(&self) -> String;

    /// Where is counted what collectors are told.
    fn counts(&self) -> Arc<Counts>;
}

/// Has `targets` told, if there are any: of `metrics`, and of `changes`.
pub(crate) fn start(
    options: &TelemetryOptions,
    targets: Targets,
    changes: &Changes,
    metrics: &(impl Text + Clone + Send + 'static),
) -> Result<Option<Exporter>, StartError> {
    if targets == Targets::default() {
        return Ok(None);
    }
    let (counts, metrics) = (metrics.counts(), metrics.clone());
    let spans = changes.spans(&counts).unwrap_or_else(|| Queue::new(Signal::Traces, 0, Arc::clone(&counts)));
    // There is no log of requests here, but for that of who did what.
    let logs = Queue::new(Signal::Logs, 0, Arc::clone(&counts));
    let requests = Queue::new(Signal::Requests, 0, Arc::clone(&counts));
    let of = resource("backstay-control-plane", &options.instance, &[], &options.environment);
    let sources = Sources { spans, logs, metrics: Box::new(move || metrics.text()), requests };
    Exporter::start(sources, of, counts, targets).map(Some).map_err(StartError::Thread)
}

/// Who is told, and what is kept of changes, as the variables say.
///
/// # Errors
/// The variable that cannot be honoured.
pub(crate) fn read(options: &TelemetryOptions) -> Result<(Targets, Changes), StartError> {
    let both = targets(&options.environment).and_then(|targets| Ok((targets, Changes::new(&options.environment)?)));
    both.map_err(StartError::Telemetry)
}

fn targets(environment: &Environment) -> Result<Targets, EnvironmentError> {
    let aimed = |signal| match environment.silences(signal) {
        true => Ok(None),
        false => environment.collector(signal, None),
    };
    let interval: Option<Duration> = environment.metric_interval(None)?;
    environment.propagators()?;
    let (traces, metrics) = (aimed(Signal::Traces)?, aimed(Signal::Metrics)?.zip(interval));
    Ok(Targets { traces, metrics, ..Targets::default() })
}
