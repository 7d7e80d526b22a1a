//! Everything behind the API address.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use backstay_certificate::Authority;
use backstay_resources::{GoDuration, Registry, Timestamp};
use backstay_store::Store;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;
use tokio::sync::watch;

use crate::admin::Admin;
use crate::doors::JoinTokens;
use crate::faults::ObjectFigures;
use crate::fleets::Fleets;
use crate::health;
use crate::metrics::Exposition;
use crate::shared::Shared;

/// How long a join token may be good for, in seconds.
const JOIN_TOKEN_SECONDS: std::ops::RangeInclusive<i64> = 60..=30 * 24 * 3600;

/// What makes a join token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinTokenRequest {
    fleet: String,
    ttl: GoDuration,
}

/// `GET /ca.pem`, the certificate of the authority, which anyone may read; and `POST /join-tokens`, which makes a token with which one proxy
/// may join a fleet.
pub(crate) fn doors(authority: Option<Arc<Authority>>, tokens: JoinTokens, fleets: Arc<Fleets>) -> Router {
    let signs = authority.is_some();
    let pem = get(async move || match authority {
        Some(authority) => ([(CONTENT_TYPE, "application/x-pem-file")], authority.pem().to_owned()).into_response(),
        None => refused(
            StatusCode::NOT_FOUND,
            "this control plane has no authority: start it with --authority or --ca-cert",
        ),
    });
    let make = post(async move |Json(request): Json<JoinTokenRequest>| {
        let JoinTokenRequest { fleet, ttl } = request;
        let seconds = i64::try_from(ttl.0.as_secs()).unwrap_or(i64::MAX);
        if !signs {
            let why = "join tokens are of no use here: the control plane signs no certificates without --authority or --ca-cert";
            return refused(StatusCode::CONFLICT, why);
        }
        if !JOIN_TOKEN_SECONDS.contains(&seconds) {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "ttl: it must be from 1m to 720h");
        }
        if fleets.subscribe(&fleet).is_none() {
            let why = format!("fleet: there is no fleet {fleet:?}: create a Proxy with this name");
            return refused(StatusCode::UNPROCESSABLE_ENTITY, why);
        }
        match tokens.make(&fleet, seconds, Timestamp::now()).await {
            Ok(made) => (StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(made)).into_response(),
            Err(error) => refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        }
    });
    let only = |route: MethodRouter| route.fallback(async || backstay_kube::method_not_allowed());
    Router::new().route("/ca.pem", only(pem)).route("/join-tokens", only(make))
}

fn refused(status: StatusCode, message: impl Into<String>) -> Response {
    backstay_kube::refused(status, message).into_response()
}

/// REST of the dialects, gRPC admin, `/metrics`, and health.
pub(crate) fn router(
    store: &Arc<dyn Store>,
    registry: &Registry,
    fleets: &Arc<Fleets>,
    shared: &Arc<Shared>,
    exposition: Exposition,
    limits: backstay_kube::Options,
    stop: watch::Receiver<bool>,
) -> Router {
    let admin = Admin { store: store.clone(), fleets: fleets.clone(), shared: shared.clone() };
    let options = backstay_kube::Options { meter: exposition.meter(), ..limits };
    let (figures, objects) = (ObjectFigures::default(), shared.clone());
    let figures = Arc::new(figures);
    let metrics = get(move || {
        let text = exposition.render() + &figures.render(&objects);
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    });
    Router::new()
        .route("/metrics", metrics)
        .merge(health::router(shared.clone()))
        .merge(tonic::service::Routes::new(admin.service()).into_axum_router().reset_fallback())
        .fallback_service(backstay_kube::router(store.clone(), registry, options, stop))
}
