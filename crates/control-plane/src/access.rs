//! Who sends requests to the API, and what they may do: three layers before everything that the address serves, whichever dialect it
//! speaks.
//!
//! - `options`: what is asked for, and where that is written down. `gate`: what the layers share.
//! - `audit`, `authenticate`, `authorize`: the layers, the first one outermost.
//! - `remote`: other servers that are asked.
//! - `attributes`: what a request is about. `answer`: refusals in the words of whoever asks.

mod answer;
mod attributes;
mod audit;
mod authenticate;
mod authorize;
mod gate;
mod options;
pub(crate) mod remote;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub use self::gate::{AccessLimits, AuditLimits};
pub(crate) use self::gate::{AccessMetrics, Gate};
pub use self::options::{AccessError, AccessOptions, TokenIssuer, TokenKeys};

/// Says something in the audit event of a request that only its handler knows.
pub(crate) fn annotate(extensions: &http::Extensions, name: &str, value: &str) {
    audit::Trail::annotate(extensions, name, value);
}

/// Puts the layers before everything that `router` serves, its fallback included: nothing is reached but through them.
pub(crate) fn protect(router: Router, gate: &Gate) -> Router {
    // Each layer has it for each request.
    let gate = Arc::new(gate.clone());
    router
        .layer(from_fn_with_state(gate.clone(), authorize::layer))
        .layer(from_fn_with_state(gate.clone(), authenticate::layer))
        .layer(from_fn_with_state(gate, audit::layer))
}
