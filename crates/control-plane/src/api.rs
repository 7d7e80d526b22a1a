//! Everything behind the API address.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use backstay_certificate::Authority;
use backstay_kube::Operations;
use backstay_proto::admin::admin_service_server::AdminServiceServer;
use backstay_proto::admin::fleet_service_server::FleetServiceServer;
use backstay_proto::live::live_service_server::LiveServiceServer;
use backstay_resources::{GoDuration, Registry, Timestamp};
use backstay_store::Store;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::admin::{Admin, FleetAdmin};
use crate::doors::JoinTokens;
use crate::faults::ObjectFigures;
use crate::fleets::Fleets;
use crate::health;
use crate::live::{Attendance, LiveAdmin};
use crate::metrics::Exposition;
use crate::shared::{Compiling, Shared};

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
    (api_options, options): (backstay_kube::Options, backstay_admin::Options),
    (attendance, stop): (&Arc<Attendance>, watch::Receiver<bool>),
) -> Result<Router, backstay_admin::BuildError> {
    let limits = backstay_kube::Options { meter: exposition.meter(), ..api_options };
    let operations = Operations::new(store.clone(), registry, limits, stop.clone());
    let admin = Admin { store: store.clone(), fleets: fleets.clone(), shared: shared.clone() };
    let fleet_admin = FleetAdmin {
        fleets: fleets.clone(),
        shared: shared.clone(),
        operations: operations.clone(),
        options,
        stop: stop.clone(),
    };
    let live = LiveAdmin { attendance: attendance.clone(), stop };
    let beside = backstay_admin::Beside {
        routes: Routes::new(admin.service())
            .add_service(fleet_admin.service())
            .add_service(live.service())
            .into_axum_router()
            .reset_fallback(),
        names: vec![
            AdminServiceServer::<Admin>::NAME,
            FleetServiceServer::<FleetAdmin>::NAME,
            LiveServiceServer::<LiveAdmin>::NAME,
        ],
    };
    let grpc = backstay_admin::build(operations.clone(), options, exposition.admin_meter(), beside)?;
    tokio::spawn(report_health(grpc.health, grpc.services, shared.follow_compiling()));
    let (figures, objects, attendance) = (ObjectFigures::default(), shared.clone(), attendance.clone());
    let figures = Arc::new(figures);
    let metrics = get(move || {
        let text = exposition.render() + &figures.render(&objects) + &attendance.render();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    });
    Ok(Router::new()
        .route("/metrics", metrics)
        .merge(health::router(shared.clone()))
        .merge(grpc.router)
        .fallback_service(backstay_kube::rest(&operations)))
}

/// Keeps what the health service of gRPC says true: a control plane that compiles no changes serves nothing of use.
async fn report_health(health: HealthReporter, services: Vec<String>, mut compiling: watch::Receiver<Compiling>) {
    loop {
        let status = match *compiling.borrow_and_update() {
            Compiling::Ready => ServingStatus::Serving,
            Compiling::Initial | Compiling::Ended => ServingStatus::NotServing,
        };
        for service in services.iter().map(String::as_str).chain([""]) {
            health.set_service_status(service, status).await;
        }
        if compiling.changed().await.is_err() {
            return;
        }
    }
}
