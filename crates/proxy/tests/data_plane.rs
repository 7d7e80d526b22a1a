//! What clients and upstreams see of the data plane, over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "data_plane/support.rs"]
mod support;

#[path = "data_plane/balancing.rs"]
mod balancing;
#[path = "data_plane/bodies.rs"]
mod bodies;
#[path = "data_plane/compose.rs"]
mod compose;
#[path = "data_plane/compose_bodies.rs"]
mod compose_bodies;
#[path = "data_plane/compose_calls.rs"]
mod compose_calls;
#[path = "data_plane/compose_checks.rs"]
mod compose_checks;
#[path = "data_plane/compose_opaque.rs"]
mod compose_opaque;
#[path = "data_plane/compose_redirects.rs"]
mod compose_redirects;
#[path = "data_plane/compose_tokens.rs"]
mod compose_tokens;
#[path = "data_plane/counts.rs"]
mod counts;
#[path = "data_plane/counts_upstream.rs"]
mod counts_upstream;
#[path = "data_plane/crowds.rs"]
mod crowds;
#[path = "data_plane/dynamic.rs"]
mod dynamic;
#[path = "data_plane/early_answers.rs"]
mod early_answers;
#[path = "data_plane/endings.rs"]
mod endings;
#[path = "data_plane/endpoint_limits.rs"]
mod endpoint_limits;
#[path = "data_plane/failures.rs"]
mod failures;
#[path = "data_plane/framing.rs"]
mod framing;
#[path = "data_plane/guard_bots.rs"]
mod guard_bots;
#[path = "data_plane/guard_cors.rs"]
mod guard_cors;
#[path = "data_plane/guard_limits.rs"]
mod guard_limits;
#[path = "data_plane/guard_security.rs"]
mod guard_security;
#[path = "data_plane/guard_tokens.rs"]
mod guard_tokens;
#[path = "data_plane/heads.rs"]
mod heads;
#[path = "data_plane/hostile.rs"]
mod hostile;
#[path = "data_plane/hostile_upstreams.rs"]
mod hostile_upstreams;
#[path = "data_plane/http2.rs"]
mod http2;
#[path = "data_plane/http2_upstream.rs"]
mod http2_upstream;
#[path = "data_plane/interim.rs"]
mod interim;
#[path = "data_plane/lifecycle.rs"]
mod lifecycle;
#[path = "data_plane/lifetimes.rs"]
mod lifetimes;
#[path = "data_plane/limits.rs"]
mod limits;
#[path = "data_plane/listener_settings.rs"]
mod listener_settings;
#[path = "data_plane/local_answers.rs"]
mod local_answers;
#[path = "data_plane/loops.rs"]
mod loops;
#[path = "data_plane/mirrors.rs"]
mod mirrors;
#[path = "data_plane/misdirected.rs"]
mod misdirected;
#[path = "data_plane/parked.rs"]
mod parked;
#[path = "data_plane/passing.rs"]
mod passing;
#[path = "data_plane/pools.rs"]
mod pools;
#[path = "data_plane/request_target.rs"]
mod request_target;
#[path = "data_plane/retries.rs"]
mod retries;
#[path = "data_plane/retry_after.rs"]
mod retry_after;
#[path = "data_plane/retry_limits.rs"]
mod retry_limits;
#[path = "data_plane/routing.rs"]
mod routing;
#[path = "data_plane/sequence_destinations.rs"]
mod sequence_destinations;
#[path = "data_plane/sequence_failures.rs"]
mod sequence_failures;
#[path = "data_plane/sequences.rs"]
mod sequences;
#[path = "data_plane/shares.rs"]
mod shares;
#[path = "data_plane/stalls.rs"]
mod stalls;
#[path = "data_plane/templates.rs"]
mod templates;
#[path = "data_plane/tls.rs"]
mod tls;
#[path = "data_plane/trailers.rs"]
mod trailers;
#[path = "data_plane/trusted.rs"]
mod trusted;
#[path = "data_plane/upgrades.rs"]
mod upgrades;
#[path = "data_plane/waiting.rs"]
mod waiting;
