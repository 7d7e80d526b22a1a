use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

/// What is counted about the configuration.
#[derive(Clone)]
pub(crate) struct ControlMetrics {
    /// 1 while a stream from the control plane is open.
    pub(crate) connected: Gauge,
    pub(crate) responses: Counter,
    pub(crate) rejected: Counter,
    pub(crate) resources: Gauge,
    pub(crate) rejections: Gauge,
    pub(crate) disconnects: Counter,
    pub(crate) state_failures: Counter,
}

impl ControlMetrics {
    pub(super) fn register() -> Self {
        describe_gauge!("backstay_control_plane_connected", "1 while connected to the control plane.");
        describe_counter!("backstay_configuration_responses_total", "Responses of the control plane applied.");
        describe_counter!("backstay_resources_rejected_total", "Resources refused.");
        describe_gauge!("backstay_resources", "Resources in force.");
        describe_gauge!("backstay_rejected_resources", "Resources whose last version is refused.");
        describe_counter!(
            "backstay_control_plane_disconnects_total",
            "Streams from the control plane that ended or did not come about."
        );
        describe_counter!("backstay_state_failures_total", "Failed attempts to keep the configuration on disk.");
        let metrics = Self {
            connected: gauge!("backstay_control_plane_connected"),
            responses: counter!("backstay_configuration_responses_total"),
            rejected: counter!("backstay_resources_rejected_total"),
            resources: gauge!("backstay_resources"),
            rejections: gauge!("backstay_rejected_resources"),
            disconnects: counter!("backstay_control_plane_disconnects_total"),
            state_failures: counter!("backstay_state_failures_total"),
        };
        metrics.connected.set(0.0);
        metrics
    }
}
