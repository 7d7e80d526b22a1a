//! The client's side of a change of protocol.

use http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use tokio::sync::oneshot;

use super::{Exchange, StreamTunnel};

/// The client's side of a change of protocol that a request asks for.
#[derive(Debug)]
pub(crate) enum ClientUpgrade {
    /// A connection of HTTP/1.1 changes (RFC 9110, 7.8).
    Connection(OnUpgrade),
    /// A stream of HTTP/2 does (RFC 8441).
    Stream(oneshot::Receiver<StreamTunnel>),
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
    pub(crate) fn take(exchange: &mut Exchange, parts: &mut Parts) -> Option<Self> {
        match exchange.connect.take() {
            Some(stream) => Some(Self::Stream(stream)),
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
