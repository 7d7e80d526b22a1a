//! An object is changed in two steps: what would come of it is shown first, and only that is applied.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use super::draft::{Draft, MANAGER, changes, confirm, fault, form, secret};
use super::object::{Place, find, yaml};
use crate::api::{ApiError, Object};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

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

pub(crate) async fn submit(State(app): State<Arc<App>>, Path(place): Path<Place>, body: String) -> Response {
    let title = format!("Edit {}", place.4);
    let (object, value) = match find(&app, place).await {
        Ok((object, value)) if object.kind.kind != "Secret" => (object, value),
        Ok(_) => return page::failed(&app, "/objects", &title, &secret()),
        Err(error) => return page::failed(&app, "/objects", &title, &error),
    };
    let draft = Draft::of(&body);
    let mut out = Html::new();
    crumbs(&mut out, &object);
    let written = match read(&draft, &object) {
        Ok(written) => written,
        Err(error) => {
            out.push(&page::alert(&error));
            form(&mut out, &draft.text);
            return page::with_status(&app, StatusCode::UNPROCESSABLE_ENTITY, "/objects", &title, &out);
        }
    };
    let dry = if draft.applies { "" } else { "&dryRun=All" };
    let path = format!("{}?fieldManager={MANAGER}&fieldValidation=Strict{dry}", object.path());
    match app.api.put(&path, &written).await {
        Ok(stored) if draft.applies => {
            let generation = stored["metadata"]["generation"].as_i64().unwrap_or_default();
            page::to(&format!("{}?applied={generation}", object.page()))
        }
        Ok(would) => {
            changes(&mut out, &yaml(&value, true), &yaml(&would, true));
            confirm(&mut out, &draft.text, "Apply");
            page::whole(&app, "/objects", &title, &out)
        }
        Err(error) => {
            out.push(&page::alert(&error));
            form(&mut out, &draft.text);
            let status = error.status.unwrap_or(StatusCode::BAD_GATEWAY);
            page::with_status(&app, status, "/objects", &title, &out)
        }
    }
}

/// The object that somebody wrote; it must be the one whose page this is.
fn read(draft: &Draft, object: &Object) -> Result<Value, ApiError> {
    let written = draft.object()?;
    let name = written["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = written["metadata"]["namespace"].as_str().unwrap_or_default();
    if name != object.name || (object.kind.namespaced && namespace != object.namespace) {
        return Err(fault("metadata.name and metadata.namespace must stay: it would be another object"));
    }
    Ok(written)
}

/// Where the object is.
pub(super) fn crumbs(out: &mut Html, object: &Object) {
    html!(out; "<p class=\"crumbs\"><a href=\"" (object.kind.page()) "\">" (&object.kind.kind) "</a> <a href=\"" (object.page()) "\">"
        (&object.name) "</a></p>");
}
