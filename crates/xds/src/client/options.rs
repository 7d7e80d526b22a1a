use std::sync::Arc;
use std::time::Duration;

use backstay_proto::discovery::Node;
use tonic::metadata::MetadataMap;
use tonic::transport::Uri;

use super::Disconnect;
use super::transport::Transport;

/// Where to subscribe, as whom, to what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The control plane: scheme, host and port, as in `http://127.0.0.1:18000`. With `https`, [`transport`](Self::transport) makes TLS of it.
    pub endpoint: Uri,
    /// Control planes to take in its place, in this order, where it cannot be reached or does not serve us. Default none.
    pub fallbacks: Vec<Uri>,
    /// Sent in the first request of each stream.
    pub node: Node,
    /// The one type to subscribe to.
    pub type_url: String,
    /// Headers of the call, for credentials. Default none.
    pub metadata: MetadataMap,
    /// Makes connections. Default none: plain TCP.
    pub transport: Option<Arc<dyn Transport>>,
    /// How long a control plane that failed is left out while there are others. Default 30 s.
    pub failure_memory: Duration,
    /// How long the first response of another stream may take while the old one, which the control plane wants to end, waits. Default
    /// 5 s.
    pub takeover_timeout: Duration,
    /// Least wait before all control planes are tried again. Default 100 ms.
    pub backoff_base: Duration,
    /// Longest wait. Default 10 s.
    pub backoff_max: Duration,
    /// How long connecting may take. Default 5 s.
    pub connect_timeout: Duration,
    /// How long the first response of a stream may take. Default 30 s: a wildcard subscription is always answered.
    pub first_response_timeout: Duration,
    /// Time between HTTP/2 pings. Default 30 s.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take. Default 10 s.
    pub keepalive_timeout: Duration,
    /// Size of one response. Default 64 MiB. A larger one ends the stream.
    pub max_message_bytes: usize,
}

impl Options {
    /// Options with the defaults given at each field.
    pub fn new(endpoint: Uri, node: Node, type_url: impl Into<String>) -> Self {
        Self {
            endpoint,
            fallbacks: Vec::new(),
            node,
            type_url: type_url.into(),
            metadata: MetadataMap::new(),
            transport: None,
            failure_memory: Duration::from_secs(30),
            takeover_timeout: Duration::from_secs(5),
            backoff_base: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            first_response_timeout: Duration::from_secs(30),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_message_bytes: 64 << 20,
        }
    }
}

/// The headers of a call, as [`run`](super::run()) sends them.
///
/// # Errors
/// [`Disconnect::Credential`].
pub async fn metadata(options: &Options) -> Result<MetadataMap, Disconnect> {
    let mut metadata = options.metadata.clone();
    if let Some(transport) = &options.transport {
        let more = transport.metadata().await.map_err(Disconnect::Credential)?;
        metadata.as_mut().extend(more.into_headers());
    }
    Ok(metadata)
}
