//! An object is deleted from a page that says what uses it, and only the one that was shown.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::draft::{fault, field};
use super::edit::crumbs;
use super::object::{Place, find, yaml};
use super::uses::Uses;
use crate::api::{ApiError, Object, escape};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

pub(crate) async fn show(State(app): State<Arc<App>>, Path(place): Path<Place>) -> Response {
    let title = format!("Delete {}", place.4);
    match find(&app, place).await {
        Ok((object, value)) => {
            let uses = Uses::of(&app, &object).await;
            asked(&app, &object, &value, &uses, None)
        }
        Err(error) => page::failed(&app, "/objects", &title, &error),
    }
}

pub(crate) async fn submit(State(app): State<Arc<App>>, Path(place): Path<Place>, body: String) -> Response {
    let title = format!("Delete {}", place.4);
    let (object, value) = match find(&app, place).await {
        Ok(found) => found,
        Err(error) => return page::failed(&app, "/objects", &title, &error),
    };
    let (uid, uses) = (field(&body, "uid"), Uses::of(&app, &object).await);
    if uid.is_empty() {
        return asked(&app, &object, &value, &uses, Some(&fault("the form does not say which object it was for")));
    }
    if !uses.is_empty() && field(&body, "anyway") != "yes" {
        let error = fault(format!("{}: say that it is to be deleted all the same", uses.count()));
        return asked(&app, &object, &value, &uses, Some(&error));
    }
    // One that was made under the same name since is another, and stays.
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
    match app.api.delete(&object.path(), &options).await {
        Ok(answer) => {
            let waits = answer["metadata"]["deletionTimestamp"].is_string();
            page::to(&format!("{}?deleted={}&waits={waits}", object.kind.page(), escape(&object.name)))
        }
        Err(error) => asked(&app, &object, &value, &uses, Some(&error)),
    }
}

/// The page that asks.
fn asked(app: &App, object: &Object, value: &Value, uses: &Uses, error: Option<&ApiError>) -> Response<Body> {
    let mut out = Html::new();
    crumbs(&mut out, object);
    if let Some(error) = error {
        out.push(&page::alert(error));
    }
    let uid = value["metadata"]["uid"].as_str().unwrap_or_default();
    html!(out; "<form method=\"post\" class=\"card\"><p>");
    if uses.is_empty() {
        html!(out; "Nothing is known to use it.</p>");
    } else {
        let count = uses.count();
        let (first, rest) = count.split_at(count.chars().next().map_or(0, char::len_utf8));
        html!(out; (first.to_uppercase()) (rest) ".</p><p><label class=\"check\"><input type=\"checkbox\" name=\"anyway\" value=\"yes\" required> Delete it all the same</label></p>");
    }
    html!(out; "<input type=\"hidden\" name=\"uid\" value=\"" (uid) "\"><p><button class=\"danger\">Delete " (&object.kind.kind) " " (&object.name)
        "</button> <a class=\"button\" href=\"" (object.page()) "\">Keep it</a></p></form>");
    uses.card(&mut out);
    html!(out; "<section class=\"card\"><h2>What would be gone</h2><pre tabindex=\"0\" role=\"region\" aria-label=\"The object as YAML\"><code>"
        (yaml(value, true)) "</code></pre></section>");
    let status = match error {
        None => StatusCode::OK,
        Some(error) => error.status.unwrap_or(StatusCode::BAD_GATEWAY),
    };
    page::with_status(app, status, "/objects", &format!("Delete {}", object.name), &out)
}
