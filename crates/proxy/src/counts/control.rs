use backstay_upstream::counts::{Count, Level};

/// What is counted about the configuration.
#[derive(Debug, Default)]
pub(crate) struct ControlMetrics {
    /// 1 while a stream from the control plane is open.
    pub(crate) connected: Level,
    /// Responses of the control plane applied.
    pub(crate) responses: Count,
    /// Resources refused.
    pub(crate) rejected: Count,
    /// Resources in force.
    pub(crate) resources: Level,
    /// Resources whose last version is refused.
    pub(crate) rejections: Level,
    /// Streams that ended or did not come about.
    pub(crate) disconnects: Count,
    /// Failures to read or write what is kept on disk.
    pub(crate) state_failures: StateFailures,
    /// Connections to the admin endpoint closed at once because there were too many.
    pub(crate) admin_refused: Count,
}

/// Failures to read or write what is kept on disk.
#[derive(Debug, Default)]
pub(crate) struct StateFailures {
    /// The last good configuration was not read.
    pub(crate) load_configuration: Count,
    /// The configuration was not written.
    pub(crate) store_configuration: Count,
    /// What an earlier run knew of names was not read, or only in part.
    pub(crate) load_names: Count,
    /// What is known of names was not written.
    pub(crate) store_names: Count,
}
