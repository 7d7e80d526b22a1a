//! What the proxy counts, as Prometheus text.
//!
//! What lives as long as the process is kept by a recorder of this proxy's own, so that several may live in one process. What comes
//! and goes with the configuration (backends, DNS caches) is kept beside it and written by hand: a series must end with
//! what it describes.

mod backends;
mod caches;
mod control;
mod exposition;
mod server;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub(crate) use backends::{BackendCounts, write_backends};
pub(crate) use caches::{CacheCounts, write_caches};
pub(crate) use control::ControlMetrics;
pub(crate) use exposition::Exposition;

#[cfg(test)]
mod tests;

/// The recorder of one proxy.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// What is counted for clients.
    pub(crate) fn server(&self) -> crate::server::ServerMetrics {
        metrics::with_local_recorder(&self.recorder, server::register)
    }

    /// What is counted about the configuration.
    pub(crate) fn control(&self) -> ControlMetrics {
        metrics::with_local_recorder(&self.recorder, ControlMetrics::register)
    }

    /// The recorder's part of the text.
    pub(crate) fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
