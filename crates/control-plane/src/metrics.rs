//! Metrics of the control plane, in a recorder of its own: several may live in one process.

use std::sync::Arc;

use backstay_kube::Meter;
use backstay_store::Store;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

const METADATA: Metadata<'static> = Metadata::new("backstay", Level::INFO, None);

/// Handles to what is counted.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// Connected discovery streams.
    pub(crate) streams: Gauge,
    /// Discovery responses sent.
    pub(crate) responses: Counter,
    /// Resources sent in them.
    pub(crate) resources_sent: Counter,
    /// Responses acknowledged.
    pub(crate) acknowledged: Counter,
    /// Responses refused, in whole or in part.
    pub(crate) rejected: Counter,
    /// Seconds to compile the changes of one batch.
    pub(crate) compile: Histogram,
    /// Resources published to fleets.
    pub(crate) published: Counter,
    /// Status writes done.
    pub(crate) status_writes: Counter,
    /// Status writes given up.
    pub(crate) status_failures: Counter,
    /// Open connections to the API address.
    pub(crate) api_connections: Gauge,
    /// Connections refused since there were too many.
    pub(crate) api_connections_refused: Counter,
    revision: Gauge,
    objects: Gauge,
}

/// Renders what was counted.
#[derive(Clone)]
pub(crate) struct Exposition {
    handle: PrometheusHandle,
    metrics: Metrics,
    recorder: Arc<PrometheusRecorder>,
}

impl Metrics {
    /// New metrics, and what renders them.
    pub(crate) fn new() -> (Self, Exposition) {
        let recorder = Arc::new(PrometheusBuilder::new().build_recorder());
        let metrics = Self {
            streams: gauge(&recorder, "backstay_xds_streams", "Connected discovery streams."),
            responses: counter(&recorder, "backstay_xds_responses_total", "Discovery responses sent."),
            resources_sent: counter(&recorder, "backstay_xds_resources_sent_total", "Resources sent to proxies."),
            acknowledged: counter(&recorder, "backstay_xds_acknowledged_total", "Responses acknowledged."),
            rejected: counter(&recorder, "backstay_xds_rejected_total", "Responses refused, in whole or in part."),
            compile: histogram(&recorder, "backstay_compile_seconds", "Time to compile one batch of changes."),
            published: counter(&recorder, "backstay_published_resources_total", "Resources published to fleets."),
            status_writes: counter(&recorder, "backstay_status_writes_total", "Status writes done."),
            status_failures: counter(&recorder, "backstay_status_write_failures_total", "Status writes given up."),
            api_connections: gauge(&recorder, "backstay_api_connections", "Open connections to the API address."),
            api_connections_refused: counter(
                &recorder,
                "backstay_api_connections_refused_total",
                "Connections closed on arrival because the limit was reached.",
            ),
            revision: gauge(&recorder, "backstay_store_revision", "Revision of the store."),
            objects: gauge(&recorder, "backstay_store_objects", "Objects in the store."),
        };
        let exposition = Exposition { handle: recorder.handle(), metrics: metrics.clone(), recorder };
        (metrics, exposition)
    }
}

impl Exposition {
    /// Where the REST dialect counts.
    pub(crate) fn meter(&self) -> Meter {
        Meter::new(self.recorder.clone())
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn render(&self, store: &dyn Store) -> String {
        let snapshot = store.snapshot();
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
        {
            self.metrics.revision.set(snapshot.revision() as f64);
            self.metrics.objects.set(snapshot.len() as f64);
        }
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn counter(recorder: &PrometheusRecorder, name: &'static str, description: &'static str) -> Counter {
    recorder.describe_counter(name.into(), None, description.into());
    recorder.register_counter(&Key::from_parts(name, Vec::<Label>::new()), &METADATA)
}

fn gauge(recorder: &PrometheusRecorder, name: &'static str, description: &'static str) -> Gauge {
    recorder.describe_gauge(name.into(), None, description.into());
    recorder.register_gauge(&Key::from_parts(name, Vec::<Label>::new()), &METADATA)
}

fn histogram(recorder: &PrometheusRecorder, name: &'static str, description: &'static str) -> Histogram {
    recorder.describe_histogram(name.into(), None, description.into());
    recorder.register_histogram(&Key::from_parts(name, Vec::<Label>::new()), &METADATA)
}
