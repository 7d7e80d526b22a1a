//! What a configuration asks of Backstay beside what KrakenD knows: the component `backstay`, which KrakenD ignores.

/// Of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointOwn {
    /// Of fields with one name the slowest answer's counts, and not that of the backend listed last.
    pub merges_by_arrival: bool,
    /// Header that tells the client of each call.
    pub debug_header: Option<String>,
}

/// Of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendOwn {
    /// Name of the BackendPolicy whose settings its hosts are called with.
    pub policy: Option<String>,
    /// The endpoint fails when it does.
    pub required: bool,
    /// A target that is a list is put under `collection`.
    pub list_targets: bool,
    /// The endpoint answers with its status.
    pub pass_status: bool,
}
