//! Whoever shows nothing, kept out of an API that others reach.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use backstay_auth::{Peer, Tokens};
use backstay_resources::Timestamp;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};

/// Paths that tell nothing of what is stored.
const OPEN: [&str; 5] = ["/ca.pem", "/healthz", "/livez", "/readyz", "/version"];

/// Who may send requests to the API: whoever shows a certificate of the authorities of clients, or a token.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    asks: bool,
    tokens: Tokens,
}

impl Gate {
    /// With `asks`, something must be shown.
    pub(crate) fn new(asks: bool, tokens: Tokens) -> Self {
        Self(Arc::new(Inner { asks, tokens }))
    }

    /// Passes a request on, or answers it with 401.
    pub(crate) async fn pass(State(Self(gate)): State<Self>, request: Request, next: Next) -> Response {
        if !gate.asks || OPEN.contains(&request.uri().path().trim_end_matches('/')) || gate.knows(&request) {
            return next.run(request).await;
        }
        let message = "Unauthorized: show a client certificate, or a token (Authorization: Bearer TOKEN)";
        let mut response = backstay_kube::refused(StatusCode::UNAUTHORIZED, message).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}

impl Inner {
    fn knows(&self, request: &Request) -> bool {
        let certificate = request.extensions().get::<Peer>().and_then(|peer| peer.certificate.as_ref());
        if certificate.is_some_and(|certificate| certificate.not_after > Timestamp::now()) {
            return true;
        }
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let token = bearer.or_else(|| header("fastly-key"));
        !self.tokens.takes_any() && self.tokens.identify(token, Timestamp::now()).is_ok()
    }
}
