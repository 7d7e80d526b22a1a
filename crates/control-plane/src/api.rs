//! Everything behind the API address.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use backstay_kube::Operations;
use backstay_proto::admin::admin_service_server::AdminServiceServer;
use backstay_proto::admin::fleet_service_server::FleetServiceServer;
use backstay_resources::Registry;
use backstay_store::Store;
use http::header::CONTENT_TYPE;
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::admin::{Admin, FleetAdmin};
use crate::faults::ObjectFigures;
use crate::fleets::Fleets;
use crate::health;
use crate::metrics::Exposition;
use crate::shared::{Compiling, Shared};

/// REST of the dialects, gRPC admin, `/metrics`, and health.
pub(crate) fn router(
    store: &Arc<dyn Store>,
    registry: &Registry,
    fleets: &Arc<Fleets>,
    shared: &Arc<Shared>,
    exposition: Exposition,
    (api_options, options): (backstay_kube::Options, backstay_admin::Options),
    stop: watch::Receiver<bool>,
) -> Result<Router, backstay_admin::BuildError> {
    let limits = backstay_kube::Options { meter: exposition.meter(), ..api_options };
    let operations = Operations::new(store.clone(), registry, limits, stop.clone());
    let admin = Admin { store: store.clone(), fleets: fleets.clone(), shared: shared.clone() };
    let fleet_admin =
        FleetAdmin { fleets: fleets.clone(), shared: shared.clone(), operations: operations.clone(), options, stop };
    let beside = backstay_admin::Beside {
        routes: Routes::new(admin.service()).add_service(fleet_admin.service()).into_axum_router().reset_fallback(),
        names: vec![AdminServiceServer::<Admin>::NAME, FleetServiceServer::<FleetAdmin>::NAME],
    };
    let grpc = backstay_admin::build(operations.clone(), options, exposition.admin_meter(), beside)?;
    tokio::spawn(report_health(grpc.health, grpc.services, shared.follow_compiling()));
    let (figures, objects) = (ObjectFigures::default(), shared.clone());
    let figures = Arc::new(figures);
    let metrics = get(move || {
        let text = exposition.render() + &figures.render(&objects);
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
