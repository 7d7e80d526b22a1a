//! The client's side of a change of protocol.

use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use tokio::sync::oneshot;

use super::StreamTunnel;

/// The client's side of a change of protocol that a request asks for.
#[derive(Debug)]
pub(crate) enum ClientUpgrade {
    /// A connection of HTTP/1.1 changes (RFC 9110, 7.8).
    Connection(OnUpgrade),
    /// A stream of HTTP/2 does (RFC 8441).
    Stream(oneshot::Receiver<StreamTunnel>),
}

/// What becomes of the stream of a request that asks for another protocol on it. It rides along with the request, as hyper has it.
#[derive(Debug, Clone)]
pub(crate) struct StreamUpgrade(Arc<Mutex<Option<oneshot::Receiver<StreamTunnel>>>>);

impl StreamUpgrade {
    /// Of a stream that `changed` gives.
    pub(crate) fn new(changed: oneshot::Receiver<StreamTunnel>) -> Self {
        Self(Arc::new(Mutex::new(Some(changed))))
    }

    fn take(&self) -> Option<oneshot::Receiver<StreamTunnel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The client's side, once it has changed.
#[derive(Debug)]
pub(crate) enum ClientTunnel {
    Connection(Upgraded),
    Stream(StreamTunnel),
}

impl ClientUpgrade {
    /// Takes it out of a request with this head, if there is one.
    #[inline]
    pub(crate) fn take(parts: &mut Parts) -> Option<Self> {
        match parts.extensions.remove::<StreamUpgrade>() {
            Some(stream) => stream.take().map(Self::Stream),
            None => parts.extensions.remove().map(Self::Connection),
        }
    }

    /// Waits until the answer has been sent with which the protocol changes. `None` when that does not happen.
    pub(crate) async fn changed(self) -> Option<ClientTunnel> {
        match self {
            Self::Connection(connection) => connection.await.ok().map(ClientTunnel::Connection),
            Self::Stream(stream) => stream.await.ok().map(ClientTunnel::Stream),
        }
    }
}
