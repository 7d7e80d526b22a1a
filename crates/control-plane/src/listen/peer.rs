//! What is known of the other end of a connection, put where whoever serves a request of it looks.

use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

use super::accept::Other;

/// Puts the peer, and the certificates that it has shown, into the extensions of requests to the server of discovery, which has them as
/// what it calls information on the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct PeerLayer;

impl<S> Layer<S> for PeerLayer {
    type Service = WithPeer<S>;

    fn layer(&self, inner: S) -> WithPeer<S> {
        WithPeer(inner)
    }
}

/// A service behind a [`PeerLayer`].
#[derive(Debug, Clone)]
pub(super) struct WithPeer<S>(S);

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithPeer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(Other { peer, chain }) = request.extensions_mut().remove::<Other>() {
            request.extensions_mut().insert(peer);
            if let Some(chain) = chain {
                request.extensions_mut().insert(chain);
            }
        }
        self.0.call(request)
    }
}
