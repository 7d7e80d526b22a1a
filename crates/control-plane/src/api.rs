//! Everything behind the API address.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use backstay_resources::Registry;
use backstay_store::Store;
use http::header::CONTENT_TYPE;
use tokio::sync::watch;

use crate::admin::Admin;
use crate::faults::ObjectFigures;
use crate::fleets::Fleets;
use crate::health;
use crate::metrics::Exposition;
use crate::shared::Shared;

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
