//! What the store says of itself.

use backstay_store::Stats;
use metrics::{Counter, Gauge};
use metrics_exporter_prometheus::PrometheusRecorder;

use super::{counter, gauge};

/// What the store says of itself when it is asked.
#[derive(Debug, Clone)]
pub(super) struct StoreMetrics {
    revision: Gauge,
    objects: Gauge,
    commits: Counter,
    transactions: Counter,
    conflicts: Counter,
    unavailable: Counter,
    queue: Gauge,
    queue_bytes: Gauge,
    history: Gauge,
    history_bytes: Gauge,
    writable: Gauge,
}

impl StoreMetrics {
    pub(super) fn new(recorder: &PrometheusRecorder) -> Self {
        Self {
            revision: gauge(recorder, "backstay_store_revision", "Revision of the store."),
            objects: gauge(recorder, "backstay_store_objects", "Objects in the store."),
            commits: counter(recorder, "backstay_store_commits_total", "Commits done."),
            transactions: counter(recorder, "backstay_store_transactions_total", "Disk transactions done for commits."),
            conflicts: counter(
                recorder,
                "backstay_store_conflicts_total",
                "Commits not done because an object was not as expected.",
            ),
            unavailable: counter(
                recorder,
                "backstay_store_unavailable_total",
                "Commits not done because the disk could not be written.",
            ),
            queue: gauge(recorder, "backstay_store_queue_commits", "Commits that wait to be written."),
            queue_bytes: gauge(recorder, "backstay_store_queue_bytes", "Bytes of the commits that wait."),
            history: gauge(recorder, "backstay_store_history_events", "Events that watches can resume from."),
            history_bytes: gauge(recorder, "backstay_store_history_bytes", "Bytes of the events that are kept."),
            writable: gauge(recorder, "backstay_store_writable", "1 if the last write reached the disk, else 0."),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub(super) fn set(&self, stats: &Stats) {
        self.revision.set(stats.revision as f64);
        self.objects.set(stats.objects as f64);
        self.commits.absolute(stats.commits);
        self.transactions.absolute(stats.groups);
        self.conflicts.absolute(stats.conflicts);
        self.unavailable.absolute(stats.unavailable);
        self.queue.set(stats.queue as f64);
        self.queue_bytes.set(stats.queue_bytes as f64);
        self.history.set(stats.events as f64);
        self.history_bytes.set(stats.event_bytes as f64);
        self.writable.set(if stats.writable { 1.0 } else { 0.0 });
    }
}
