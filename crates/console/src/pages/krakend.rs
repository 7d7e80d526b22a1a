//! `KrakenD` endpoints: each composition as a picture.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::rows::{conditions, counted, turning};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

/// Endpoints to a page.
const PAGE: usize = 20;
/// Backends of an endpoint that are drawn.
const DRAWN: usize = 12;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    search: String,
    page: usize,
}

pub(crate) async fn show(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let title = "KrakenD endpoints";
    let configs = match app.api.list("/apis/backstay.dev/v1alpha1/krakendconfigs", "").await {
        Ok(configs) => configs,
        Err(error) => return page::failed(&app, "/krakend", title, &error),
    };
    let mut out = Html::new();
    html!(out; "<form class=\"bar\" method=\"get\" role=\"search\"><label>Search <input type=\"search\" name=\"search\" value=\"" (&asked.search)
        "\" placeholder=\"/path or host\"></label><button>Show</button></form>");
    if configs.is_empty() {
        html!(out; "<p class=\"quiet\">There is no KrakendConfig. <code>backstay apply -f krakend.json</code> makes one.</p>");
    }
    let needle = asked.search.trim().to_lowercase();
    let read: Vec<Value> = configs.iter().map(|config| configuration(&config["spec"])).collect();
    let mut found = Vec::new();
    for (config, configuration) in configs.iter().zip(&read) {
        let endpoints = configuration["endpoints"].as_array().into_iter().flatten();
        let has = |endpoint: &&Value| endpoint.to_string().to_lowercase().contains(&needle);
        found.extend(endpoints.filter(has).map(|endpoint| (config, configuration, endpoint)));
    }
    let pages = found.len().div_ceil(PAGE).max(1);
    let page = asked.page.clamp(1, pages);
    html!(out; "<p class=\"quiet\">" (counted(found.len(), "endpoint")) " of " (counted(configs.len(), "configuration")) "</p>");
    let shown = found.iter().skip((page - 1) * PAGE).take(PAGE).collect::<Vec<_>>();
    for of_one in shown.chunk_by(|(one, ..), (other, ..)| std::ptr::eq(*one, *other)) {
        let Some((config, ..)) = of_one.first() else { continue };
        let text = |name: &str| config["metadata"][name].as_str().unwrap_or_default();
        let (namespace, name) = (text("namespace"), text("name"));
        html!(out; "<section class=\"card\"><h2><a href=\"/objects/backstay.dev/v1alpha1/krakendconfigs/" (crate::api::escape(namespace)) "/"
            (crate::api::escape(name)) "\">" (namespace) "/" (name) "</a></h2>");
        for (_, configuration, endpoint) in of_one {
            picture(&mut out, endpoint, configuration);
        }
        html!(out; "<details><summary>Conditions</summary>" [&conditions(&config["status"]["conditions"])] "</details></section>");
    }
    turning(&mut out, &asked.search, page, pages);
    let has_none = |(_, read): &(&Value, &Value)| read["endpoints"].as_array().is_none_or(Vec::is_empty);
    let empty: Vec<_> = configs.iter().zip(&read).filter(has_none).collect();
    if needle.is_empty() && !empty.is_empty() {
        html!(out; "<section class=\"card\"><h2>Without endpoints</h2><ul class=\"plain\">");
        for (config, _) in empty.iter().take(PAGE) {
            let text = |name: &str| config["metadata"][name].as_str().unwrap_or_default();
            let (namespace, name) = (text("namespace"), text("name"));
            html!(out; "<li><a href=\"/objects/backstay.dev/v1alpha1/krakendconfigs/" (crate::api::escape(namespace)) "/"
                (crate::api::escape(name)) "\">" (namespace) "/" (name) "</a></li>");
        }
        html!(out; "</ul></section>");
    }
    page::whole(&app, "/krakend", title, &out)
}

/// The configuration: as an object, or read from the text that it was applied as.
fn configuration(spec: &Value) -> Value {
    match spec["text"].as_str() {
        Some(text) => serde_saphyr::from_str(text).unwrap_or(Value::Null),
        None => spec["config"].clone(),
    }
}

/// One endpoint: the client at the left, its backends at the right, and between them how their answers become one.
fn picture(out: &mut Html, endpoint: &Value, spec: &Value) {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let method = match text(endpoint, "method") {
        method if method.is_empty() => "GET".to_owned(),
        method => method,
    };
    let path = text(endpoint, "endpoint");
    let backends: Vec<&Value> = endpoint["backend"].as_array().into_iter().flatten().collect();
    let sequential = endpoint["extra_config"]["proxy"]["sequential"] == true;
    let how = match (backends.len(), text(endpoint, "output_encoding").as_str(), sequential) {
        (0, ..) => "answers alone".to_owned(),
        (1, "no-op", _) => "passed on as it is".to_owned(),
        (1, ..) => "one answer".to_owned(),
        (_, _, true) => "one after another, merged".to_owned(),
        _ => "at once, merged".to_owned(),
    };
    let rows = backends.len().clamp(1, DRAWN);
    let height = 24 + rows * 44;
    let middle = height / 2;
    html!(out; "<figure class=\"composition\"><figcaption><strong>" (&method) "</strong> <code>" (&path) "</code> <small>" (&how)
        "</small></figcaption><svg viewBox=\"0 0 720 " (height) "\" role=\"img\"><title>" (&method) " " (&path) ": " (&how) ", "
        (backends.len()) " backends</title><rect class=\"box\" x=\"4\" y=\"" (middle - 15) "\" width=\"90\" height=\"30\" rx=\"6\"/><text x=\"49\" y=\""
        (middle + 4) "\" text-anchor=\"middle\">client</text><path class=\"edge\" d=\"M94 " (middle) " H170\"/><rect class=\"box key\" x=\"170\" y=\""
        (middle - 17) "\" width=\"130\" height=\"34\" rx=\"6\"/><text x=\"235\" y=\"" (middle + 4) "\" text-anchor=\"middle\">" (cut(&how, 22)) "</text>");
    for (index, backend) in backends.iter().take(DRAWN).enumerate() {
        let y = 12 + index * 44;
        let to = y + 18;
        let host = backend["host"].as_array().and_then(|hosts| hosts.first()).or_else(|| first_host(spec));
        let host = host.and_then(Value::as_str).unwrap_or("?");
        let group = text(backend, "group");
        html!(out; "<path class=\"edge\" d=\"M300 " (middle) " C350 " (middle) " 350 " (to) " 400 " (to) "\"/><rect class=\"box\" x=\"400\" y=\""
            (y) "\" width=\"312\" height=\"36\" rx=\"6\"/><text x=\"410\" y=\"" (y + 15) "\">" (cut(&text(backend, "url_pattern"), 40))
            "</text><text class=\"small\" x=\"410\" y=\"" (y + 29) "\">" (cut(host, 40)));
        if !group.is_empty() {
            html!(out; " as " (cut(&group, 14)));
        }
        html!(out; "</text>");
        if sequential {
            html!(out; "<text class=\"small\" x=\"384\" y=\"" (to - 4) "\" text-anchor=\"middle\">" (index + 1) "</text>");
        }
    }
    html!(out; "</svg>");
    if backends.len() > DRAWN {
        html!(out; "<p class=\"quiet\">" (backends.len() - DRAWN) " more backends are not drawn.</p>");
    }
    html!(out; "</figure>");
}

fn first_host(configuration: &Value) -> Option<&Value> {
    configuration["host"].as_array()?.first()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
