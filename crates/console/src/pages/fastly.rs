//! Fastly services: their versions, what differs between two, and which one is active.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::rows::{badge, counted, turning};
use crate::api::{JSON, escape};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

/// Versions that are listed.
const VERSIONS: usize = 50;
/// Services to a page.
const PAGE: usize = 50;

/// What the address of the list says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Listed {
    search: String,
    page: usize,
}

pub(crate) async fn services(State(app): State<Arc<App>>, Query(listed): Query<Listed>) -> Response {
    let services = match app.api.get("/service", JSON).await {
        Ok(services) => services,
        Err(error) => return page::failed(&app, "/fastly", "Fastly services", &error),
    };
    let services = services.as_array().cloned().unwrap_or_default();
    let mut out = Html::new();
    if services.is_empty() {
        html!(out; "<p class=\"quiet\">There is no service. One is made with <code>fastly service create</code> at this control plane, or with <code>backstay import fastly</code>.</p>");
        return page::whole(&app, "/fastly", "Fastly services", &out);
    }
    let needle = listed.search.trim().to_lowercase();
    let has = |service: &&Value| {
        ["name", "id", "comment"]
            .iter()
            .any(|field| service[*field].as_str().is_some_and(|text| text.to_lowercase().contains(&needle)))
    };
    let found: Vec<&Value> = services.iter().filter(has).collect();
    let pages = found.len().div_ceil(PAGE).max(1);
    let page = listed.page.clamp(1, pages);
    html!(out; "<form class=\"bar\" method=\"get\" role=\"search\"><label>Search <input type=\"search\" name=\"search\" value=\"" (&listed.search)
        "\" placeholder=\"name, id, comment\"></label><button>Show</button></form><p class=\"quiet\">" (counted(found.len(), "service")) "</p>");
    html!(out; "<section class=\"card\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Services\"><table><thead><tr><th>Service</th><th>Id</th><th>Active version</th><th>Comment</th></tr></thead><tbody>");
    for service in found.into_iter().skip((page - 1) * PAGE).take(PAGE) {
        let text = |name: &str| service[name].as_str().unwrap_or_default();
        let active = service["versions"].as_array().into_iter().flatten().find(|version| version["active"] == true);
        let active = active.and_then(number).map_or_else(|| "none".to_owned(), |number| number.to_string());
        html!(out; "<tr><td><a href=\"/fastly/" (escape(text("id"))) "\">" (text("name")) "</a></td><td><code>" (text("id")) "</code></td><td class=\"num\">"
            (active) "</td><td class=\"wide\">" (text("comment")) "</td></tr>");
    }
    html!(out; "</tbody></table></div>");
    turning(&mut out, &listed.search, page, pages);
    html!(out; "</section>");
    page::whole(&app, "/fastly", "Fastly services", &out)
}

pub(crate) async fn service(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let base = format!("/service/{}", escape(&id));
    let (service, versions) =
        futures::join!(app.api.get(&base, JSON), async { app.api.get(&format!("{base}/version"), JSON).await });
    let (service, versions) = match (service, versions) {
        (Ok(service), Ok(versions)) => (service, versions),
        (Err(error), _) | (_, Err(error)) => return page::failed(&app, "/fastly", "Fastly service", &error),
    };
    let name = service["name"].as_str().unwrap_or(&id).to_owned();
    let mut versions = versions.as_array().cloned().unwrap_or_default();
    versions.sort_by_key(|version| std::cmp::Reverse(number(version)));
    let active = versions.iter().find(|version| version["active"] == true).and_then(number);
    let mut out = Html::new();
    html!(out; "<p class=\"crumbs\"><a href=\"/fastly\">Fastly services</a> <code>" (&id) "</code></p><section class=\"card\"><h2>Versions</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Versions\"><table><thead><tr><th class=\"num\">Version</th><th>State</th><th>Changed</th><th>Comment</th><th>Compare</th><th>Activate</th></tr></thead><tbody>");
    for version in versions.iter().take(VERSIONS) {
        let Some(this) = number(version) else { continue };
        let text = |name: &str| version[name].as_str().unwrap_or_default();
        let (kind, word) = match (version["active"] == true, version["locked"] == true) {
            (true, _) => ("ok", "active"),
            (_, true) => ("quiet", "locked"),
            _ => ("warn", "draft"),
        };
        html!(out; "<tr><td class=\"num\">" (this) "</td><td>" [&badge(kind, word)] "</td><td class=\"num\">" (text("updated_at")) "</td><td class=\"wide\">"
            (text("comment")) "</td><td>");
        if let Some(other) =
            active.filter(|active| *active != this).or_else(|| this.checked_sub(1).filter(|before| *before > 0))
        {
            html!(out; "<a href=\"/fastly/" (escape(&id)) "/diff?from=" (other) "&amp;to=" (this) "\">with " (other) "</a>");
        }
        html!(out; "</td><td>");
        if Some(this) != active {
            html!(out; "<a href=\"/fastly/" (escape(&id)) "/diff?from=" (active.unwrap_or(this)) "&amp;to=" (this) "&amp;activate=true\">activate</a>");
        }
        html!(out; "</td></tr>");
    }
    html!(out; "</tbody></table></div></section>");
    page::whole(&app, "/fastly", &name, &out)
}

fn number(version: &Value) -> Option<u64> {
    version["number"].as_u64().or_else(|| version["number"].as_str()?.parse().ok())
}

/// Two versions, and whether the second is to be activated.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pair {
    from: u64,
    to: u64,
    activate: bool,
}

pub(crate) async fn diff(State(app): State<Arc<App>>, Path(id): Path<String>, Query(pair): Query<Pair>) -> Response {
    let title = format!("Version {} and {}", pair.from, pair.to);
    let path = format!("/service/{}/diff/from/{}/to/{}", escape(&id), pair.from, pair.to);
    let mut out = Html::new();
    html!(out; "<p class=\"crumbs\"><a href=\"/fastly\">Fastly services</a> <a href=\"/fastly/" (escape(&id)) "\"><code>" (&id) "</code></a></p>");
    let found = app.api.get(&path, JSON).await;
    html!(out; "<section class=\"card\"><h2>What differs</h2>");
    match &found {
        Err(error) => drop(out.push(&page::alert(error))),
        Ok(found) => lines(&mut out, found["diff"].as_str().unwrap_or_default()),
    }
    html!(out; "</section>");
    if pair.activate {
        html!(out; "<form method=\"post\" action=\"/fastly/" (escape(&id)) "/activate\" class=\"bar\"><input type=\"hidden\" name=\"version\" value=\"" (pair.to)
            "\"><button class=\"main\">Activate version " (pair.to) "</button><span class=\"quiet\">It serves at once, and is locked.</span></form>");
    }
    page::whole(&app, "/fastly", &title, &out)
}

fn lines(out: &mut Html, text: &str) {
    if text.trim().is_empty() {
        html!(out; "<p class=\"quiet\">Nothing.</p>");
        return;
    }
    html!(out; "<pre class=\"diff\" tabindex=\"0\" role=\"region\" aria-label=\"What differs\">");
    for line in text.lines() {
        match line.as_bytes().first() {
            Some(b'+') => html!(out; "<ins>" (line) "\n</ins>"),
            Some(b'-') => html!(out; "<del>" (line) "\n</del>"),
            _ => html!(out; "<span>" (line) "\n</span>"),
        }
    }
    html!(out; "</pre>");
}

pub(crate) async fn activate(State(app): State<Arc<App>>, Path(id): Path<String>, body: String) -> Response {
    let version = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "version");
    let version: u64 = version.and_then(|(_, value)| value.parse().ok()).unwrap_or_default();
    match app.api.put_nothing(&format!("/service/{}/version/{version}/activate", escape(&id))).await {
        Ok(_) => page::to(&format!("/fastly/{}", escape(&id))),
        Err(error) => page::failed(&app, "/fastly", &format!("Version {version} is not active"), &error),
    }
}
