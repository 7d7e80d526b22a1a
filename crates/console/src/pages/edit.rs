//! An object is changed in two steps: what would come of it is shown first, and only that is applied.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use super::object::{Place, find, yaml};
use crate::api::{ApiError, Object};
use crate::app::App;
use crate::diff::{self, Line};
use crate::html::{Html, html};
use crate::page;

/// Who has set a field, as managed fields have it.
const MANAGER: &str = "backstay-console";

pub(crate) async fn show(State(app): State<Arc<App>>, Path(place): Path<Place>) -> Response {
    let title = format!("Edit {}", place.4);
    match find(&app, place).await {
        Ok((object, value)) if object.kind.kind != "Secret" => {
            let mut out = Html::new();
            crumbs(&mut out, &object);
            form(&mut out, &yaml(&value, true));
            page::whole(&app, "/objects", &title, &out)
        }
        Ok(_) => page::failed(&app, "/objects", &title, &secret()),
        Err(error) => page::failed(&app, "/objects", &title, &error),
    }
}

/// A Secret is shown without its values, and would be stored so.
fn secret() -> ApiError {
    let message = "Secrets are not edited here, where their values are not shown: use kubectl".to_owned();
    ApiError { status: Some(StatusCode::FORBIDDEN), message }
}

pub(crate) async fn submit(State(app): State<Arc<App>>, Path(place): Path<Place>, body: String) -> Response {
    let title = format!("Edit {}", place.4);
    let (object, value) = match find(&app, place).await {
        Ok((object, value)) if object.kind.kind != "Secret" => (object, value),
        Ok(_) => return page::failed(&app, "/objects", &title, &secret()),
        Err(error) => return page::failed(&app, "/objects", &title, &error),
    };
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(body.as_bytes());
        fields.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    // Browsers send line ends as CR LF.
    let text = field("yaml").replace("\r\n", "\n");
    let mut out = Html::new();
    crumbs(&mut out, &object);
    let written: Value = match read(&text, &object) {
        Ok(written) => written,
        Err(error) => {
            out.push(&page::alert(&error));
            form(&mut out, &text);
            return page::with_status(&app, StatusCode::UNPROCESSABLE_ENTITY, "/objects", &title, &out);
        }
    };
    let applies = field("action") == "apply";
    let dry = if applies { "" } else { "&dryRun=All" };
    let path = format!("{}?fieldManager={MANAGER}&fieldValidation=Strict{dry}", object.path());
    match app.api.put(&path, &written).await {
        Ok(stored) if applies => {
            let generation = stored["metadata"]["generation"].as_i64().unwrap_or_default();
            page::to(&format!("{}?applied={generation}", object.page()))
        }
        Ok(would) => {
            changes(&mut out, &yaml(&value, true), &yaml(&would, true));
            confirm(&mut out, &text);
            page::whole(&app, "/objects", &title, &out)
        }
        Err(error) => {
            out.push(&page::alert(&error));
            form(&mut out, &text);
            let status = error.status.unwrap_or(StatusCode::BAD_GATEWAY);
            page::with_status(&app, status, "/objects", &title, &out)
        }
    }
}

/// The object that somebody wrote; it must be the one whose page this is.
fn read(text: &str, object: &Object) -> Result<Value, ApiError> {
    let fault = |message: String| ApiError { status: Some(StatusCode::UNPROCESSABLE_ENTITY), message };
    let written: Value = serde_saphyr::from_str(text).map_err(|error| fault(format!("it is no YAML: {error}")))?;
    let name = written["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = written["metadata"]["namespace"].as_str().unwrap_or_default();
    if name != object.name || (object.kind.namespaced && namespace != object.namespace) {
        return Err(fault("metadata.name and metadata.namespace must stay: it would be another object".to_owned()));
    }
    Ok(written)
}

fn crumbs(out: &mut Html, object: &Object) {
    html!(out; "<p class=\"crumbs\"><a href=\"" (object.kind.page()) "\">" (&object.kind.kind) "</a> <a href=\"" (object.page()) "\">"
        (&object.name) "</a></p>");
}

fn form(out: &mut Html, text: &str) {
    html!(out; "<form method=\"post\" class=\"card\"><label for=\"yaml\">The object as YAML</label><textarea id=\"yaml\" name=\"yaml\" rows=\"28\" spellcheck=\"false\">\n"
        (text) "</textarea><p><button name=\"action\" value=\"check\">See what would change</button> <span class=\"quiet\">Nothing is changed yet.</span></p></form>");
}

fn confirm(out: &mut Html, text: &str) {
    html!(out; "<form method=\"post\" class=\"bar\"><textarea name=\"yaml\" hidden aria-hidden=\"true\">\n" (text)
        "</textarea><button name=\"action\" value=\"apply\" class=\"main\">Apply</button></form><details class=\"card\"><summary>Edit further</summary>");
    form(out, text);
    html!(out; "</details>");
}

fn changes(out: &mut Html, before: &str, now: &str) {
    let lines = diff::lines(before, now);
    html!(out; "<section class=\"card\"><h2>What would change</h2>");
    if lines.iter().all(|line| matches!(line, Line::Same(_))) {
        html!(out; "<p class=\"quiet\">Nothing.</p></section>");
        return;
    }
    html!(out; "<pre class=\"diff\" tabindex=\"0\" role=\"region\" aria-label=\"What would change\">");
    for line in lines {
        match line {
            Line::Same(text) => html!(out; "<span>  " (text) "\n</span>"),
            Line::Gone(text) => html!(out; "<del>- " (text) "\n</del>"),
            Line::New(text) => html!(out; "<ins>+ " (text) "\n</ins>"),
        }
    }
    html!(out; "</pre></section>");
}
