//! What this is, and what is in it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::html::{Html, html};
use crate::page;

pub(crate) async fn show(State(app): State<Arc<App>>) -> Response {
    let mut out = Html::new();
    html!(out; "<section class=\"card\"><dl class=\"facts\"><dt>Version</dt><dd>" (env!("CARGO_PKG_VERSION")) "</dd><dt>Control plane</dt><dd>"
        (app.api.server()) "</dd><dt>Namespace</dt><dd>" (app.api.namespace()) "</dd></dl></section>"
        "<section class=\"card\"><h2>How it works</h2><p>This program runs on your machine, and asks the control plane with your own credential: "
        "you see and change here what you may see and change with kubectl, and the audit log says it was you. It keeps nothing but five minutes "
        "of figures.</p><p>The pages carry <a href=\"/static/htmx.LICENSE\">htmx</a>, which renews parts of them; without JavaScript they "
        "are the same, but for the tap.</p></section>");
    page::whole(&app, "/about", "About", &out)
}
