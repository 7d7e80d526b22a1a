//! One object: how it stands, what happened, what it says, and what uses it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::rows::{badge, conditions, events, standing};
use super::uses::{Uses, names};
use crate::api::{ApiError, JSON, Object, escape};
use crate::app::App;
use crate::html::{Html, html};
use crate::{page, plot};

/// Where an object is, in a path.
pub(crate) type Place = (String, String, String, String, String);

/// The object at a path.
pub(crate) async fn find(app: &App, place: Place) -> Result<(Object, Value), ApiError> {
    let (group, version, plural, namespace, name) = place;
    let kind = app.api.kind(&group, &version, &plural).await?;
    let object = Object { kind, namespace: crate::api::namespace(&namespace).to_owned(), name };
    let value = app.api.get(&object.path(), JSON).await?;
    Ok((object, value))
}

/// An object as YAML, as somebody would write it: without what the server keeps for itself.
pub(crate) fn yaml(value: &Value, for_writing: bool) -> String {
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if for_writing {
            for name in ["uid", "creationTimestamp", "generation", "selfLink"] {
                metadata.remove(name);
            }
        }
    }
    if let (true, Some(object)) = (for_writing, value.as_object_mut()) {
        object.remove("status");
    }
    // Values of Secrets are for those who ask for them by another way than looking over a shoulder.
    for field in ["data", "stringData"] {
        if let (Some("Secret"), Some(data)) = (value["kind"].as_str(), value.get(field).and_then(Value::as_object)) {
            let hidden = data.keys().map(|key| (key.clone(), Value::from("(not shown here)"))).collect();
            value[field] = Value::Object(hidden);
        }
    }
    serde_saphyr::to_string(&value).unwrap_or_else(|_| value.to_string())
}

/// What the address says beside the object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// The generation that was applied a moment ago.
    applied: Option<i64>,
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> Response {
    let title = place.4.clone();
    let (object, value) = match find(&app, place).await {
        Ok(found) => found,
        Err(error) => return page::failed(&app, "/objects", &title, &error),
    };
    let selector = format!(
        "&fieldSelector={}",
        escape(&format!("involvedObject.name={},involvedObject.kind={}", object.name, object.kind.kind))
    );
    let (told, uses) = futures::join!(app.api.list("/api/v1/events", &selector), Uses::of(&app, &object));
    let mut out = Html::new();
    let slash = if object.namespace.is_empty() { "" } else { "/" };
    html!(out; "<p class=\"crumbs\"><a href=\"" (object.kind.page()) "\">" (&object.kind.kind) "</a> " (&object.namespace) (slash)
        (&object.name));
    if object.kind.has("update") && object.kind.kind != "Secret" {
        html!(out; " <a class=\"button\" href=\"" (object.page()) "/edit\">Edit</a>");
    }
    if object.kind.has("delete") {
        html!(out; " <a class=\"button\" href=\"" (object.page()) "/delete\">Delete</a>");
    }
    html!(out; "</p>");
    if let Some(generation) = asked.applied {
        out.push(&bar(&object, &value, generation));
    }
    if object.kind.kind == "Backend" {
        backend(&mut out, &app, &object, &value).await;
    }
    html!(out; "<section class=\"card\"><h2>Conditions</h2>");
    for (title, of) in standings(&value) {
        if !title.is_empty() {
            html!(out; "<h3>" (title) "</h3>");
        }
        out.push(&conditions(of));
    }
    html!(out; "</section><section class=\"card\"><h2>Events</h2>");
    match &told {
        Ok(told) => out.push(&events(told, None)),
        Err(error) => out.push(&page::alert(error)),
    };
    html!(out; "</section>");
    uses.card(&mut out);
    html!(out; "<section class=\"card\"><h2>YAML</h2><pre tabindex=\"0\" role=\"region\" aria-label=\"The object as YAML\"><code>"
        (yaml(&value, false)) "</code></pre></section>");
    page::whole(&app, "/objects", &object.name, &out)
}

/// Conditions of an object: its own, and those at each parent or listener.
fn standings(value: &Value) -> Vec<(String, &Value)> {
    let status = &value["status"];
    let mut all = vec![(String::new(), &status["conditions"])];
    for (field, name) in [("parents", "parentRef"), ("listeners", "name"), ("ancestors", "ancestorRef")] {
        for part in status[field].as_array().into_iter().flatten() {
            let title = part[name].as_str().or_else(|| part[name]["name"].as_str()).unwrap_or_default();
            all.push((format!("{} {title}", field.trim_end_matches('s')), &part["conditions"]));
        }
    }
    if all.len() > 1 && status["conditions"].is_null() {
        all.remove(0);
    }
    all
}

/// How far a change has come.
fn bar(object: &Object, value: &Value, generation: i64) -> Html {
    let mut out = Html::new();
    let found = standings(value).into_iter().flat_map(|(_, list)| list.as_array().into_iter().flatten());
    let conditions: Vec<&Value> = found.collect();
    let is_new = |condition: &&&Value| condition["observedGeneration"].as_i64().unwrap_or_default() >= generation;
    let named = |name: &str| conditions.iter().filter(is_new).find(|condition| condition["type"] == name).copied();
    let refused =
        ["Accepted", "ResolvedRefs"].iter().find_map(|name| named(name).filter(|found| found["status"] == "False"));
    let programmed = named("Programmed");
    let text = |condition: &Value| condition["message"].as_str().unwrap_or_default().to_owned();
    let (kind, done, words) = match (refused, programmed) {
        (Some(refused), _) => ("bad", true, text(refused)),
        (None, Some(found)) if found["status"] == "True" => {
            ("ok", true, "In force on every connected proxy.".to_owned())
        }
        (None, Some(found)) if found["reason"] == "Refused" => ("bad", true, text(found)),
        // No proxy will ever answer for it.
        (None, Some(found)) if found["reason"] == "NotReferenced" => ("quiet", true, text(found)),
        (None, Some(found)) => ("quiet", false, text(found)),
        (None, None) => ("quiet", false, "The proxies have not answered yet.".to_owned()),
    };
    html!(out; "<div class=\"progress " (kind) "\" id=\"progress\" role=\"status\"");
    if !done {
        html!(out; " hx-get=\"" (object.page()) "/progress?applied=" (generation) "\" hx-trigger=\"load delay:1s\" hx-swap=\"outerHTML\"");
    }
    html!(out; "><strong>Generation " (generation) "</strong> ");
    if done {
        html!(out; "<progress max=\"1\" value=\"1\" aria-label=\"How far the change has come\"></progress>");
    } else {
        html!(out; "<progress aria-label=\"How far the change has come\"></progress>");
    }
    html!(out; " <span>" (words) "</span>");
    if !done {
        html!(out; "<noscript> <a href=\"?applied=" (generation) "\">Look again</a></noscript>");
    }
    html!(out; "</div>");
    out
}

pub(crate) async fn progress(
    State(app): State<Arc<App>>,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> Response {
    match find(&app, place).await {
        Ok((object, value)) => page::fragment(bar(&object, &value, asked.applied.unwrap_or_default())),
        Err(error) => page::fragment(page::alert(&error)),
    }
}

/// What proxies say of a backend at this moment, and what it is limited to.
async fn backend(out: &mut Html, app: &App, object: &Object, value: &Value) {
    let resource = format!("backend/{}", object.name);
    let table = app.traffic.recent().last.unwrap_or_default();
    let standing_now = table.backends.iter().find(|backend| backend.backend == resource);
    let rows: Vec<_> = table.rows.iter().filter(|row| row.backend == resource).collect();
    html!(out; "<section class=\"card\"><h2>Now</h2><dl class=\"tiles\">");
    let requests: u64 = rows.iter().map(|row| row.requests).sum();
    let rate = if table.seconds > 0.0 { requests as f64 / table.seconds } else { 0.0 };
    let left: u64 = rows.iter().map(|row| row.left).sum();
    let slowest = |of: fn(&backstay_proto::live::TopRow) -> f64| rows.iter().map(|row| of(row)).fold(0.0, f64::max);
    let time = |time: f64| if requests > left { plot::milliseconds(time) } else { "–".to_owned() };
    let tiles = [
        ("Requests a second", plot::number(rate)),
        ("Half within", time(slowest(|row| row.p50_ms))),
        ("99 % within", time(slowest(|row| row.p99_ms))),
        ("Clients that left", left.to_string()),
        ("Under way", standing_now.map_or(0, |backend| backend.active).to_string()),
        ("Ejected", standing_now.map_or(0, |backend| backend.ejected).to_string()),
    ];
    for (name, figure) in tiles {
        html!(out; "<div><dt>" (name) "</dt><dd>" (figure) "</dd></div>");
    }
    html!(out; "</dl>");
    if let Some(error) = standing_now.map(|backend| &backend.last_error).filter(|error| !error.is_empty()) {
        html!(out; "<p class=\"note bad\">No connection to " (error) "</p>");
    }
    html!(out; "<h3>Endpoints</h3>");
    let endpoints = value["spec"]["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
    let word = match standing_now {
        None => badge("quiet", "no requests now"),
        Some(backend) if backend.unhealthy == 0 => badge("ok", "take requests"),
        Some(_) => badge("bad", "some take none"),
    };
    if value["spec"]["dynamicProxy"].is_object() {
        html!(out; "<p>The host of each request, looked up.</p>");
    } else {
        html!(out; "<ul class=\"plain\">");
        for endpoint in endpoints {
            let text = |name: &str| endpoint[name].as_str();
            html!(out; "<li><code>" (text("ip").or_else(|| text("fqdn")).unwrap_or("?")) "</code></li>");
        }
        html!(out; "</ul><p>" [&word]);
        if let Some(backend) = standing_now.filter(|backend| backend.unhealthy > 0) {
            html!(out; " " (backend.unhealthy) " of " (backend.endpoints) " addresses are unhealthy");
        }
        html!(out; "</p>");
    }
    policies(out, app, object).await;
    html!(out; "</section>");
}

/// The policies of a backend: its limits and checks.
async fn policies(out: &mut Html, app: &App, object: &Object) {
    let kinds = app.api.kinds().await.unwrap_or_default();
    let Some(kind) = kinds.iter().find(|kind| kind.kind == "BackendPolicy") else { return };
    let Ok(items) = app.api.list(&kind.path(""), "").await else { return };
    for item in items.iter().filter(|item| names(item, object)) {
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        html!(out; "<h3>Policy <a href=\"" (kind.object_page("", name)) "\">" (name) "</a></h3><dl class=\"facts\">");
        for (field, value) in item["spec"].as_object().into_iter().flatten() {
            if !field.starts_with("target") {
                html!(out; "<dt>" (field) "</dt><dd><code>" (value) "</code></dd>");
            }
        }
        html!(out; "</dl>");
        for condition in item["status"]["conditions"].as_array().into_iter().flatten() {
            let text = |name: &str| condition[name].as_str().unwrap_or_default();
            let (kind, _) = standing(text("type"), text("status"));
            html!(out; "<p>" [&badge(kind, text("type"))] " " (text("message")) "</p>");
        }
    }
}
