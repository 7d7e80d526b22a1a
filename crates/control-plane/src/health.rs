//! What a control plane says of itself, whatever dialect is spoken: whether it lives, whether it is ready, and its version.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use backstay_guard::LogSwitch;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, StatusCode, Uri};
use serde_json::json;

use crate::shared::{Compiling, Shared};

/// The minor version of Kubernetes 1 that `/version` claims: some `kubectl` select themselves by it.
const KUBERNETES_MINOR: u32 = 33;

/// `/healthz` and `/livez` (it answers), `/readyz` (500 with the reason while it is not ready) and `/version`, as Kubernetes
/// has them.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let alive = || route(get(async || plain(StatusCode::OK, "ok".to_owned())));
    let ready = get(async move || match readiness(&shared) {
        Ok(()) => plain(StatusCode::OK, "ok".to_owned()),
        Err(why) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("not ready: {why}\n")),
    });
    let version = get(async || (headers("application/json"), version().to_string()));
    let routes = [("/healthz", alive()), ("/livez", alive()), ("/readyz", route(ready)), ("/version", route(version))];
    routes.into_iter().fold(Router::new(), |router, (path, route)| {
        // With a slash at the end, too: both have always been answered.
        router.route(path, route.clone()).route(&format!("{path}/"), route)
    })
}

/// `POST /logging?level=LEVEL&for=TIME`: logs that for a while.
pub(crate) fn logging(switch: LogSwitch) -> Router {
    let turn = post(async move |uri: Uri| match switch.turn(uri.query()) {
        Ok(done) => plain(StatusCode::OK, done),
        Err(error) => plain(StatusCode::BAD_REQUEST, format!("{error}\n")),
    });
    Router::new().route("/logging", route(turn))
}

/// Answers other methods as the rest of the API does.
fn route(route: MethodRouter) -> MethodRouter {
    route.fallback(async || backstay_kube::method_not_allowed())
}

fn readiness(shared: &Shared) -> Result<(), &'static str> {
    match shared.compiling() {
        Compiling::Ready if shared.is_leaving() => Err("this control plane ends"),
        Compiling::Ready => Ok(()),
        Compiling::Initial => Err("the store has not been compiled yet"),
        Compiling::Ended => Err("changes are not compiled any more; the log says why, start it again"),
    }
}

type Plain = (StatusCode, [(HeaderName, &'static str); 2], String);

fn plain(status: StatusCode, text: String) -> Plain {
    (status, headers("text/plain; charset=utf-8"), text)
}

fn headers(content_type: &'static str) -> [(HeaderName, &'static str); 2] {
    [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache, private")]
}

/// Source: Kubernetes, `apimachinery/pkg/version`, `Info`.
fn version() -> serde_json::Value {
    json!({
        "major": "1",
        "minor": KUBERNETES_MINOR.to_string(),
        "gitVersion": format!("v1.{KUBERNETES_MINOR}.0+backstay-{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

#[cfg(test)]
mod tests;
