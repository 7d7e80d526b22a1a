//! An object is made in two steps, as one is changed: what would be stored is shown first.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::draft::{Draft, MANAGER, changes, confirm, fault, form, secret};
use super::object::yaml;
use crate::api::{ApiError, Kind, Object};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

/// Where a kind is, in a path.
type Place = (String, String, String);

pub(crate) async fn show(State(app): State<Arc<App>>, Path(place): Path<Place>) -> Response {
    let title = format!("New of {}", place.2);
    match find(&app, &place).await {
        Ok(kind) => {
            let mut out = Html::new();
            crumbs(&mut out, &kind);
            form(&mut out, &yaml(&example(&kind, app.api.namespace()), true));
            page::whole(&app, "/objects", &title_of(&kind), &out)
        }
        Err(error) => page::failed(&app, "/objects", &title, &error),
    }
}

pub(crate) async fn submit(State(app): State<Arc<App>>, Path(place): Path<Place>, body: String) -> Response {
    let kind = match find(&app, &place).await {
        Ok(kind) => kind,
        Err(error) => return page::failed(&app, "/objects", &format!("New of {}", place.2), &error),
    };
    let draft = Draft::of(&body);
    let mut out = Html::new();
    crumbs(&mut out, &kind);
    let made = match read(&draft, &kind) {
        Ok(written) => make(&app, &kind, &written, draft.applies).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((object, stored)) if draft.applies => {
            let generation = stored["metadata"]["generation"].as_i64().unwrap_or_default();
            page::to(&format!("{}?applied={generation}", object.page()))
        }
        Ok((_, would)) => {
            changes(&mut out, "", &yaml(&would, true));
            confirm(&mut out, &draft.text, "Create");
            page::whole(&app, "/objects", &title_of(&kind), &out)
        }
        Err(error) => {
            out.push(&page::alert(&error));
            form(&mut out, &draft.text);
            let status = error.status.unwrap_or(StatusCode::BAD_GATEWAY);
            page::with_status(&app, status, "/objects", &title_of(&kind), &out)
        }
    }
}

async fn find(app: &App, (group, version, plural): &Place) -> Result<Kind, ApiError> {
    let kind = app.api.kind(group, version, plural).await?;
    if kind.kind == "Secret" {
        return Err(secret());
    }
    if !kind.has("create") {
        let message = format!("objects of kind {} are not made by this API", kind.kind);
        return Err(ApiError { status: Some(StatusCode::METHOD_NOT_ALLOWED), message });
    }
    Ok(kind)
}

/// Has it stored, or tried.
async fn make(app: &App, kind: &Kind, written: &Value, applies: bool) -> Result<(Object, Value), ApiError> {
    let text = |value: &Value, name: &str| value["metadata"][name].as_str().unwrap_or_default().to_owned();
    let namespace = match (kind.namespaced, text(written, "namespace")) {
        (false, _) => String::new(),
        (true, none) if none.is_empty() => app.api.namespace().to_owned(),
        (true, namespace) => namespace,
    };
    let dry = if applies { "" } else { "&dryRun=All" };
    let path = format!("{}?fieldManager={MANAGER}&fieldValidation=Strict{dry}", kind.path(&namespace));
    let stored = app.api.post(&path, written).await?;
    Ok((Object { kind: kind.clone(), namespace, name: text(&stored, "name") }, stored))
}

/// The object that somebody wrote; it must be of the kind whose page this is.
fn read(draft: &Draft, kind: &Kind) -> Result<Value, ApiError> {
    let written = draft.object()?;
    if !written.is_object() {
        return Err(fault("it is no object: it begins with apiVersion, kind and metadata"));
    }
    if written["kind"] != kind.kind || written["apiVersion"] != kind.api_version() {
        return Err(fault(format!("apiVersion and kind must be {} and {} here", kind.api_version(), kind.kind)));
    }
    Ok(written)
}

fn title_of(kind: &Kind) -> String {
    format!("New {}", kind.kind)
}

fn crumbs(out: &mut Html, kind: &Kind) {
    html!(out; "<p class=\"crumbs\"><a href=\"" (kind.page()) "\">" (&kind.kind) "</a></p>");
}

/// What the form begins with.
fn example(kind: &Kind, namespace: &str) -> Value {
    let mut object = json!({"apiVersion": kind.api_version(), "kind": kind.kind});
    object["metadata"]["name"] = format!("my-{}", kind.kind.to_lowercase()).into();
    if kind.namespaced {
        object["metadata"]["namespace"] = namespace.into();
    }
    let spec = match kind.kind.as_str() {
        "Backend" => json!({"endpoints": [{"ip": "192.0.2.10"}]}),
        "BackendPolicy" => json!({
            "targetRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": "my-backend"}],
            "timeouts": {"connect": "5s"},
        }),
        "Gateway" => json!({
            "gatewayClassName": "backstay",
            "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}],
        }),
        "HTTPRoute" => json!({
            "parentRefs": [{"name": "my-gateway"}],
            "hostnames": ["app.example.com"],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": "my-backend", "port": 8080}],
            }],
        }),
        // What has none is of the core group.
        _ if kind.group.is_empty() => return object,
        _ => json!({}),
    };
    object["spec"] = spec;
    object
}
