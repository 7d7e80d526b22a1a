//! Everything behind the API address.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Json, Router};
use backstay_certificate::Authority;
use backstay_kube::Operations;
use backstay_proto::admin::admin_service_server::AdminServiceServer;
use backstay_proto::admin::fleet_service_server::FleetServiceServer;
use backstay_proto::client_status::client_status_discovery_service_server::ClientStatusDiscoveryServiceServer;
use backstay_proto::live::live_service_server::LiveServiceServer;
use backstay_resources::{GoDuration, Registry, Timestamp};
use backstay_store::{Replicas, Store};
use backstay_telemetry::{Counts, open_metrics};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::admin::{Admin, ClientStatus, FleetAdmin};
use crate::doors::{JoinTokens, is_id};
use crate::faults::ObjectFigures;
use crate::fleets::Fleets;
use crate::health;
use crate::live::{Attendance, LiveAdmin};
use crate::metrics::Exposition;
use crate::replicas;
use crate::shared::{Compiling, Shared};
use crate::telemetry::Text;

/// How long a join token may be good for, in seconds.
const JOIN_TOKEN_SECONDS: std::ops::RangeInclusive<i64> = 60..=30 * 24 * 3600;

/// What makes a join token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinTokenRequest {
    fleet: String,
    ttl: GoDuration,
}

/// `GET /ca.pem`, the certificate of the authority, which anyone may read; `POST /join-tokens`, which makes a token with which one proxy may
/// join a fleet; and `DELETE /join-tokens/ID`, which takes it back, with every certificate that goes back to it.
pub(crate) fn doors(authority: Option<Arc<Authority>>, tokens: JoinTokens, fleets: Arc<Fleets>) -> Router {
    let (signs, revoking) = (authority.is_some(), tokens.clone());
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
    let revoke = delete(move |Path(id): Path<String>| async move {
        if !is_id(&id) {
            return refused(StatusCode::BAD_REQUEST, "an id has 16 digits, 0 to 9 and a to f");
        }
        match revoking.revoke(&id, Timestamp::now()).await {
            Ok(()) => Json(serde_json::json!({"id": id})).into_response(),
            Err(error) => refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        }
    });
    let only = |route: MethodRouter| route.fallback(async || backstay_kube::method_not_allowed());
    Router::new().route("/ca.pem", only(pem)).route("/join-tokens", only(make)).route("/join-tokens/{id}", only(revoke))
}

fn refused(status: StatusCode, message: impl Into<String>) -> Response {
    backstay_kube::refused(status, message).into_response()
}

/// All that `/metrics` shows.
#[derive(Clone)]
pub(crate) struct Scrape {
    exposition: Exposition,
    fleets: Arc<Fleets>,
    others: Option<Arc<dyn Replicas>>,
    figures: Arc<ObjectFigures>,
    objects: Arc<Shared>,
    attendance: Arc<Attendance>,
}

impl Scrape {
    pub(crate) fn new(
        exposition: Exposition,
        fleets: &Arc<Fleets>,
        store: &dyn Store,
        objects: &Arc<Shared>,
        attendance: &Arc<Attendance>,
    ) -> Self {
        let (fleets, objects, attendance) = (fleets.clone(), objects.clone(), attendance.clone());
        Self { exposition, fleets, others: store.replicas(), figures: Arc::default(), objects, attendance }
    }
}

impl Text for Scrape {
    fn counts(&self) -> Arc<Counts> {
        self.exposition.told.clone()
    }

    /// In Prometheus' text format.
    fn text(&self) -> String {
        let of_fleets = replicas::figures(&self.fleets, self.others.as_deref());
        self.exposition.render() + &of_fleets + &self.figures.render(&self.objects) + &self.attendance.render()
    }
}

/// REST of the dialects, gRPC admin, `/metrics`, and health.
pub(crate) fn router(
    store: &Arc<dyn Store>,
    registry: &Registry,
    fleets: &Arc<Fleets>,
    shared: &Arc<Shared>,
    scrape: Scrape,
    (api_options, options): (backstay_kube::Options, backstay_admin::Options),
    stop: watch::Receiver<bool>,
) -> Result<Router, backstay_admin::BuildError> {
    let (exposition, attendance) = (&scrape.exposition, &scrape.attendance);
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
    let client_status = ClientStatus { shared: shared.clone(), most: options.max_status_resources }.service();
    let routes = Routes::new(admin.service()).add_service(fleet_admin.service()).add_service(client_status);
    let beside = backstay_admin::Beside {
        routes: routes.add_service(live.service()).into_axum_router().reset_fallback(),
        names: vec![
            AdminServiceServer::<Admin>::NAME,
            FleetServiceServer::<FleetAdmin>::NAME,
            ClientStatusDiscoveryServiceServer::<ClientStatus>::NAME,
            LiveServiceServer::<LiveAdmin>::NAME,
        ],
    };
    let grpc = backstay_admin::build(operations.clone(), options, exposition.admin_meter(), beside)?;
    tokio::spawn(report_health(grpc.health, grpc.services, shared.follow_compiling()));
    Ok(Router::new()
        .route("/metrics", metrics(scrape))
        .merge(health::router(shared.clone()))
        .merge(grpc.router)
        .fallback_service(backstay_kube::rest(&operations)))
}

/// What is counted, in the format of Prometheus or in that of OpenMetrics, as is asked for.
fn metrics(counted: impl Text + Clone + Send + Sync + 'static) -> MethodRouter {
    get(move |headers: HeaderMap| {
        let text = counted.text();
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let answer = match open_metrics::is_wanted(accept) {
            true => (open_metrics::OPEN_METRICS, open_metrics::convert(&text)),
            false => (open_metrics::PROMETHEUS, text),
        };
        async move { ([(CONTENT_TYPE, answer.0)], answer.1) }
    })
}

/// What a relay has on its API address: its status over gRPC, `/metrics`, and health.
pub(crate) fn relay_router(
    store: &Arc<dyn Store>,
    fleets: &Arc<Fleets>,
    shared: &Arc<Shared>,
    exposition: Exposition,
) -> Router {
    let admin = Admin { store: store.clone(), fleets: fleets.clone(), shared: shared.clone() };
    let grpc = Routes::new(admin.service()).into_axum_router().reset_fallback();
    Router::new()
        .route("/metrics", metrics(exposition))
        .merge(health::router(shared.clone()))
        .merge(grpc)
        .fallback(async || refused(StatusCode::NOT_FOUND, "this is a relay: it has no objects; ask its control plane"))
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
