//! Metrics of the control plane, in a recorder of its own: several may live in one process.

mod door;
mod store;
mod written;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_kube::{Events, Meter};
use backstay_store::Store;
use backstay_telemetry::Counts;
use backstay_telemetry::process::{Plainly, Usage};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub(crate) use self::door::DoorMetrics;
use self::store::StoreMetrics;
use self::written::{write_events, write_health, write_lags, write_process, write_telemetry};
use crate::access::AccessMetrics;
use crate::reports::Reports;
use crate::shared::Shared;
use crate::telemetry::Text;

const METADATA: Metadata<'static> = Metadata::new("backstay", Level::INFO, None);

/// Upper bounds of the buckets of histograms, in seconds: from what compiling takes to what a proxy may that is far away.
const BOUNDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// How often histograms are worked off.
const UPKEEP: Duration = Duration::from_secs(10);

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
    /// Responses refused without a word of what is at fault, of which that is found out.
    pub(crate) searching: Counter,
    /// Responses refused altogether though they held more than one resource.
    pub(crate) unnamed: Counter,
    /// Seconds from a response to its answer.
    pub(crate) push: Histogram,
    /// Seconds to make the snapshots of fleets of one batch.
    pub(crate) snapshot: Histogram,
    /// Responses whose answer came too late for others to wait for it.
    pub(crate) late: Counter,
    /// Streams not opened, since there were too many.
    pub(crate) streams_too_many: Counter,
    /// Whether a relay has a stream from its control plane.
    pub(crate) relay_connected: Gauge,
    /// How many of those have ended or not come about.
    pub(crate) relay_disconnects: Counter,
    /// Responses that were answered before all proxies had.
    pub(crate) relay_late: Counter,
    /// Connections that were told to end because of their age.
    pub(crate) connections_retired: Counter,
    /// Streams not opened, since too many were opened in a second.
    pub(crate) streams_too_fast: Counter,
    /// Seconds to compile the changes of one batch.
    pub(crate) compile: Histogram,
    /// Resources published to fleets.
    pub(crate) published: Counter,
    /// What resources ask for and Envoys do not serve.
    pub(crate) envoy_left_out: Gauge,
    /// What they serve otherwise than asked for.
    pub(crate) envoy_approximated: Gauge,
    /// Status writes done.
    pub(crate) status_writes: Counter,
    /// Status writes given up.
    pub(crate) status_failures: Counter,
    /// Status writes that put right what somebody else had changed.
    pub(crate) status_repairs: Counter,
    /// Repairs that had to wait, since the same object had been repaired so often.
    pub(crate) status_repairs_delayed: Counter,
    /// Open connections to the API address.
    pub(crate) api_connections: Gauge,
    /// Connections refused since there were too many.
    pub(crate) api_connections_refused: Counter,
    /// Requests to the API address that a web page may have sent.
    pub(crate) api_requests_refused: Counter,
    /// The same of the discovery address.
    pub(crate) xds_requests_refused: Counter,
    /// Requests to the discovery address from proxies that did not prove who they are.
    pub(crate) proxies_unauthenticated: Counter,
    /// Proxies that asked for a fleet that they may not join.
    pub(crate) proxies_other_fleet: Counter,
    /// Attempts to publish the authority's certificate that failed.
    pub(crate) authority_publish_failures: Counter,
    /// Of who sends requests to the API, and what they may do.
    pub(crate) access: AccessMetrics,
    recorder: Recording,
}

/// What else is counted is registered with this.
#[derive(Clone)]
struct Recording(Arc<PrometheusRecorder>);

impl std::fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Recording")
    }
}

/// Renders what was counted.
#[derive(Clone)]
pub(crate) struct Exposition {
    handle: PrometheusHandle,
    store: Arc<dyn Store>,
    metrics: StoreMetrics,
    recorder: Arc<PrometheusRecorder>,
    /// What proxies have answered.
    shared: Arc<Shared>,
    /// What proxies report.
    reports: Arc<Reports>,
    /// What happened to objects.
    events: Events,
    /// What collectors were told.
    pub(crate) told: Arc<Counts>,
}

impl Metrics {
    /// New metrics, and what renders them.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        shared: Arc<Shared>,
        reports: Arc<Reports>,
        events: Events,
    ) -> (Self, Exposition) {
        let builder = PrometheusBuilder::new();
        // It refuses an empty list alone.
        let builder = builder.set_buckets(&BOUNDS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = Arc::new(builder.build_recorder());
        let metrics = Self {
            streams: gauge(&recorder, "backstay_xds_streams", "Connected discovery streams."),
            responses: counter(&recorder, "backstay_xds_responses_total", "Discovery responses sent."),
            resources_sent: counter(&recorder, "backstay_xds_resources_sent_total", "Resources sent to proxies."),
            acknowledged: counter(&recorder, "backstay_xds_acknowledged_total", "Responses acknowledged."),
            rejected: counter(&recorder, "backstay_xds_rejected_total", "Responses refused, in whole or in part."),
            searching: counter(
                &recorder,
                "backstay_xds_refusals_searched_total",
                "Refused responses that are sent again in parts, to find what in them is at fault.",
            ),
            unnamed: counter(
                &recorder,
                "backstay_xds_refusals_unnamed_total",
                "Responses of several resources that count as refused altogether, since nothing tells what is at fault.",
            ),
            push: histogram(&recorder, "backstay_xds_push_seconds", "Time from a response to its answer."),
            snapshot: histogram(
                &recorder,
                "backstay_snapshot_seconds",
                "Time to make the snapshots of fleets of one batch of changes.",
            ),
            late: counter(
                &recorder,
                "backstay_xds_late_answers_total",
                "Responses that others no longer waited for, since their answer took too long.",
            ),
            relay_connected: gauge(
                &recorder,
                "backstay_relay_connected",
                "1 while a relay has a stream from its control plane.",
            ),
            relay_disconnects: counter(
                &recorder,
                "backstay_relay_disconnects_total",
                "Streams of a relay from its control plane that ended or did not come about.",
            ),
            relay_late: counter(
                &recorder,
                "backstay_relay_late_total",
                "Responses that a relay answered before all of its proxies had.",
            ),
            connections_retired: counter(
                &recorder,
                "backstay_xds_connections_retired_total",
                "Connections to discovery whose clients were told to make another, because of their age.",
            ),
            streams_too_many: counter(
                &recorder,
                "backstay_xds_streams_refused_total",
                "Discovery streams not opened because the limit was reached.",
            ),
            streams_too_fast: counter(
                &recorder,
                "backstay_xds_streams_delayed_total",
                "Discovery streams sent away for a moment because too many were opened in a second.",
            ),
            compile: histogram(&recorder, "backstay_compile_seconds", "Time to compile one batch of changes."),
            published: counter(&recorder, "backstay_published_resources_total", "Resources published to fleets."),
            envoy_left_out: gauge(
                &recorder,
                "backstay_envoy_left_out",
                "Parts of resources that Envoys which are connected are not given.",
            ),
            envoy_approximated: gauge(
                &recorder,
                "backstay_envoy_approximated",
                "Settings of resources that Envoys which are connected keep nearly, or not.",
            ),
            status_writes: counter(&recorder, "backstay_status_writes_total", "Status writes done."),
            status_failures: counter(&recorder, "backstay_status_write_failures_total", "Status writes given up."),
            status_repairs: counter(
                &recorder,
                "backstay_status_repairs_total",
                "Statuses put right that another client had changed.",
            ),
            status_repairs_delayed: counter(
                &recorder,
                "backstay_status_repairs_delayed_total",
                "Repairs that waited, since another client keeps changing the same status.",
            ),
            api_connections: gauge(&recorder, "backstay_api_connections", "Open connections to the API address."),
            api_connections_refused: counter(
                &recorder,
                "backstay_api_connections_refused_total",
                "Connections closed on arrival because the limit was reached.",
            ),
            api_requests_refused: counter(
                &recorder,
                "backstay_api_requests_refused_total",
                "Requests refused for their host or for the web page they come from.",
            ),
            xds_requests_refused: counter(
                &recorder,
                "backstay_xds_requests_refused_total",
                "Requests for configuration refused for their host or for the web page they come from.",
            ),
            proxies_unauthenticated: labelled(&recorder, REFUSED, REFUSED_HELP, &[("reason", "unauthenticated")]),
            authority_publish_failures: counter(
                &recorder,
                "backstay_authority_publish_failures_total",
                "Attempts to publish the authority's certificate in the ConfigMap of --publish-ca that failed.",
            ),
            proxies_other_fleet: labelled(&recorder, REFUSED, REFUSED_HELP, &[("reason", "fleet")]),
            access: access(&recorder),
            recorder: Recording(recorder.clone()),
        };
        let exposition = Exposition {
            handle: recorder.handle(),
            store,
            metrics: StoreMetrics::new(&recorder),
            recorder,
            shared,
            reports,
            events,
            told: Arc::default(),
        };
        (metrics, exposition)
    }
}

const REFUSED: &str = "backstay_xds_proxies_refused_total";
const REFUSED_HELP: &str =
    "Requests of proxies refused, by the reason: nobody knows who they are, or it is not their fleet.";

fn access(recorder: &PrometheusRecorder) -> AccessMetrics {
    AccessMetrics {
        unauthenticated: counter(
            recorder,
            "backstay_api_unauthenticated_total",
            "Requests whose credential was not taken.",
        ),
        backed_off: counter(
            recorder,
            "backstay_api_authentication_backoff_total",
            "Requests refused unseen, since too many credentials of their address were not taken.",
        ),
        denied: counter(recorder, "backstay_api_denied_total", "Requests that their sender may not make."),
        unusable_roles: counter(
            recorder,
            "backstay_roles_reload_failures_total",
            "Changes of the file of roles that could not be used.",
        ),
        audit: backstay_auth::AuditCounts {
            written: counter(recorder, "backstay_audit_events_total", "Events written to the audit log."),
            lost: counter(recorder, "backstay_audit_lost_total", "Events that the audit log has lost."),
        },
    }
}

impl Text for Exposition {
    fn text(&self) -> String {
        self.render()
    }

    fn counts(&self) -> Arc<Counts> {
        self.told.clone()
    }
}

impl Exposition {
    /// Where the REST dialect counts.
    pub(crate) fn meter(&self) -> Meter {
        Meter::new(self.recorder.clone())
    }

    /// Where the gRPC dialect counts.
    pub(crate) fn admin_meter(&self) -> backstay_admin::Meter {
        backstay_admin::Meter::new(self.recorder.clone())
    }

    /// Where the Fastly dialect counts.
    pub(crate) fn fastly_meter(&self) -> backstay_metering::Meter {
        backstay_metering::Meter::new(self.recorder.clone(), backstay_fastly::api::options::COUNTED)
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.metrics.set(&self.store.stats());
        self.handle.run_upkeep();
        let mut text = self.handle.render();
        write_lags(&mut text, &self.shared.read().lags(Instant::now()));
        write_health(&mut text, &self.reports);
        write_events(&mut text, &self.events);
        write_process(&mut text, &Usage::read(&Plainly));
        write_telemetry(&mut text, &self.told);
        text
    }

    /// Works off what histograms have collected, for as long as it is polled: they keep every sample until then, and
    /// perhaps nobody reads them.
    pub(crate) async fn keep_up(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }
}

fn counter(recorder: &PrometheusRecorder, name: &'static str, description: &'static str) -> Counter {
    recorder.describe_counter(name.into(), None, description.into());
    recorder.register_counter(&Key::from_parts(name, Vec::<Label>::new()), &METADATA)
}

fn labelled(
    recorder: &PrometheusRecorder,
    name: &'static str,
    description: &'static str,
    labels: &[(&'static str, &'static str)],
) -> Counter {
    recorder.describe_counter(name.into(), None, description.into());
    let labels: Vec<_> = labels.iter().map(|(name, value)| Label::new(*name, *value)).collect();
    recorder.register_counter(&Key::from_parts(name, labels), &METADATA)
}

fn gauge(recorder: &PrometheusRecorder, name: &'static str, description: &'static str) -> Gauge {
    recorder.describe_gauge(name.into(), None, description.into());
    recorder.register_gauge(&Key::from_parts(name, Vec::<Label>::new()), &METADATA)
}

fn histogram(recorder: &PrometheusRecorder, name: &'static str, description: &'static str) -> Histogram {
    recorder.describe_histogram(name.into(), None, description.into());
    recorder.register_histogram(&Key::from_parts(name, Vec::<Label>::new()), &METADATA)
}
