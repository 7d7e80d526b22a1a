use std::time::Duration;

use super::envoy;
use super::types::TypeRule;

/// Limits of the service. A client that goes beyond one loses its stream, and only that.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is known of types, in the order in which they are served. Default: Envoy's, see [`envoy::types`]. Nothing waits for a
    /// type that is not here.
    pub types: Vec<TypeRule>,
    /// Streams at once, over all connections. Default 16,384.
    pub max_streams: usize,
    /// Streams that may be opened in a second, on average; as many again may be opened at once. More are refused with
    /// `RESOURCE_EXHAUSTED`, and told when to come back. Default 4,096.
    pub max_new_streams_a_second: usize,
    /// How long the answer to a response may keep other types waiting. Default 5 s.
    pub answer_timeout: Duration,
    /// Responses that may be spent on finding what of one a client refused: see [`TypeRule::isolates`]. What is not found by then
    /// counts as refused altogether. Default 256: of 10,000 resources some ten that are at fault.
    pub max_search_responses: usize,
    /// How long a client may take from opening a stream to its first request. Default 10 s.
    pub first_request_timeout: Duration,
    /// Size of one encoded request. Default 16 MiB: a reconnecting client lists the versions of all it holds.
    pub max_request_bytes: usize,
    /// Size from which a response is split, by the size of its resources. Default 1 MiB. A resource that is larger
    /// travels alone, and state of the world whose responses have to be whole is not split.
    pub max_response_bytes: usize,
    /// Size from which a response counts as bulk, by the size of its resources. Default 256 KiB.
    pub bulk_bytes: usize,
    /// Bulk responses that may be unanswered at once, over all streams. Default 32. When a whole fleet comes back with
    /// nothing in its hands, this is what bounds the memory for encoded responses; changes of a few resources do not wait.
    pub max_bulk_responses: usize,
    /// How long an unanswered bulk response keeps others waiting. Default 10 s.
    pub bulk_timeout: Duration,
    /// Types a client may ask for on one stream, known or not. Default 64.
    pub max_types: usize,
    /// Names a client may subscribe to on one stream, over all types. Default 100,000.
    pub max_subscriptions: usize,
    /// Bytes of names and versions that one stream may make the server remember: subscriptions, and the versions a client
    /// says it holds. Default 32 MiB.
    pub max_subscription_bytes: usize,
    /// Length of a resource name, a type URL, or what a node calls itself, its cluster and its version, in bytes. Default 4096.
    pub max_name_bytes: usize,
    /// Length to which the words of a rejection are cut, in bytes. Default 4096.
    pub max_message_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            types: envoy::types(),
            max_streams: 16_384,
            max_new_streams_a_second: 4096,
            answer_timeout: Duration::from_secs(5),
            max_search_responses: 256,
            first_request_timeout: Duration::from_secs(10),
            max_request_bytes: 16 << 20,
            max_response_bytes: 1 << 20,
            bulk_bytes: 256 << 10,
            max_bulk_responses: 32,
            bulk_timeout: Duration::from_secs(10),
            max_types: 64,
            max_subscriptions: 100_000,
            max_subscription_bytes: 32 << 20,
            max_name_bytes: 4096,
            max_message_bytes: 4096,
        }
    }
}
