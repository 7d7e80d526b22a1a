//! Traffic: what routes and backends do (top), and requests as they end (tap).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use backstay_live::filter::object;
use backstay_proto::live::{Filter, Tap, TopRow, TopTable, WatchTapResponse};
use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::rows::{badge, counted, page_of};
use crate::api::escape;
use crate::app::App;
use crate::html::{Html, html};
use crate::{page, plot};

/// How often something is said while nothing happens.
const ALIVE: Duration = Duration::from_secs(5);
/// Rows of the table to a page.
const ROWS: usize = 100;

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    search: String,
    sort: String,
    page: usize,
}

pub(crate) async fn show(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let mut out = Html::new();
    html!(out; "<form class=\"bar\" method=\"get\" role=\"search\"><label>Search <input type=\"search\" name=\"search\" value=\"" (&asked.search)
        "\" placeholder=\"backend or route\"></label><label>Sort by <select name=\"sort\">");
    for (value, name) in SORTS {
        html!(out; "<option value=\"" (value) "\"");
        if asked.sort == value {
            html!(out; " selected");
        }
        html!(out; ">" (name) "</option>");
    }
    html!(out; "</select></label><button>Show</button> <a class=\"button\" href=\"/traffic/tap\">Requests one by one</a></form>"
        "<div id=\"top\" hx-get=\"/parts/top?" (query(&asked, asked.page)) "\" hx-trigger=\"every 2s\" hx-swap=\"innerHTML\">"
        [&table(&app, &asked)] "</div><noscript><p><a href=\"\">Look again</a></p></noscript>");
    page::whole(&app, "/traffic", "Traffic", &out)
}

pub(crate) async fn top(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    page::fragment(table(&app, &asked))
}

const SORTS: [(&str, &str); 5] = [
    ("rate", "requests"),
    ("errors", "failures"),
    ("left", "clients that left"),
    ("p99", "99 % within"),
    ("name", "name"),
];

fn query(asked: &Asked, page: usize) -> String {
    format!("search={}&sort={}&page={page}", escape(&asked.search), escape(&asked.sort))
}

fn table(app: &App, asked: &Asked) -> Html {
    let recent = app.traffic.recent();
    let mut out = Html::new();
    if let Some(error) = &recent.error {
        out.push(&page::alert(error));
        return out;
    }
    let Some(table) = recent.last else {
        html!(out; "<p class=\"quiet\" role=\"status\">The first figures come in two seconds.</p>");
        return out;
    };
    let needle = asked.search.trim().to_lowercase();
    let has = |row: &&TopRow| {
        needle.is_empty() || [&row.backend, &row.route].iter().any(|name| name.to_lowercase().contains(&needle))
    };
    let mut rows: Vec<&TopRow> = table.rows.iter().filter(has).collect();
    let by = |of: fn(&TopRow) -> f64| move |one: &&TopRow, other: &&TopRow| of(other).total_cmp(&of(one));
    match asked.sort.as_str() {
        "errors" => rows.sort_by(by(|row| row.status_5xx as f64)),
        "left" => rows.sort_by(by(|row| row.left as f64)),
        "p99" => rows.sort_by(by(|row| row.p99_ms)),
        "name" => rows.sort_by(|one, other| (&one.backend, &one.route).cmp(&(&other.backend, &other.route))),
        _ => rows.sort_by(by(|row| row.requests as f64)),
    }
    let remarks = remarks(&table);
    if !remarks.is_empty() {
        html!(out; "<ul class=\"note warn\">");
        for remark in remarks.iter().take(20) {
            html!(out; "<li>" (remark) "</li>");
        }
        html!(out; "</ul>");
    }
    let pages = rows.len().div_ceil(ROWS).max(1);
    let page = asked.page.clamp(1, pages);
    html!(out; "<section class=\"card\"><p class=\"quiet\">" (counted(rows.len(), "pair")) " of a backend and a route, of " (counted(table.proxies.len(), "proxy"))
        ", in the last " (format!("{:.1}", table.seconds)) " s</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Traffic\"><table><thead><tr><th>Backend</th><th>Route</th><th class=\"num\">A second</th><th class=\"num\">2xx</th><th class=\"num\">3xx</th><th class=\"num\">4xx</th><th class=\"num\">5xx</th><th class=\"num\">Left</th><th class=\"num\">Half within</th><th class=\"num\">99 % within</th><th class=\"num\">Under way</th><th>Endpoints</th></tr></thead><tbody>");
    for row in rows.into_iter().skip((page - 1) * ROWS).take(ROWS) {
        one(&mut out, &table, row);
    }
    for backend in table.backends.iter().filter(|backend| !table.rows.iter().any(|row| row.backend == backend.backend))
    {
        let row = TopRow { backend: backend.backend.clone(), ..TopRow::default() };
        if has(&&row) {
            one(&mut out, &table, &row);
        }
    }
    html!(out; "</tbody></table></div>");
    if pages > 1 {
        html!(out; "<nav class=\"pages\" aria-label=\"Pages of the table\">");
        if page > 1 {
            html!(out; "<a rel=\"prev\" href=\"/traffic?" (query(asked, page - 1)) "\">Earlier</a>");
        }
        html!(out; "<span>Page " (page) " of " (pages) "</span>");
        if page < pages {
            html!(out; "<a rel=\"next\" href=\"/traffic?" (query(asked, page + 1)) "\">Later</a>");
        }
        html!(out; "</nav>");
    }
    html!(out; "</section>");
    out
}

fn one(out: &mut Html, table: &TopTable, row: &TopRow) {
    let rate = if table.seconds > 0.0 { row.requests as f64 / table.seconds } else { 0.0 };
    html!(out; "<tr><td>" [&named(&row.backend)] "</td><td>" [&named(&row.route)] "</td><td class=\"num\">" (plot::number(rate)) "</td>");
    for (count, kind) in [
        (row.status_2xx, ""),
        (row.status_3xx, ""),
        (row.status_4xx, "warn"),
        (row.status_5xx, "bad"),
        (row.left, "bad"),
    ] {
        html!(out; "<td class=\"num " (if count > 0 { kind } else { "" }) "\">" (count) "</td>");
    }
    html!(out; "<td class=\"num\">" (plot::milliseconds(row.p50_ms)) "</td><td class=\"num\">" (plot::milliseconds(row.p99_ms)) "</td>");
    match table.backends.iter().find(|backend| backend.backend == row.backend) {
        None => html!(out; "<td></td><td></td>"),
        Some(backend) => {
            html!(out; "<td class=\"num\">" (backend.active) "</td><td>");
            match (backend.endpoints, backend.unhealthy) {
                (0, _) => {}
                (all, 0) => drop(out.push(&badge("ok", &format!("{all} of {all}")))),
                (all, down) => drop(out.push(&badge("bad", &format!("{} of {all}", all.saturating_sub(down))))),
            }
            html!(out; "</td>");
        }
    }
    html!(out; "</tr>");
}

/// A resource, with the page of the object that it is made of.
fn named(resource: &str) -> Html {
    let mut out = Html::new();
    let name = object(resource);
    match page_of(resource) {
        Some(page) => html!(out; "<a href=\"" (page) "\">" (name) "</a>"),
        None => html!(out; (name)),
    }
    out
}

/// What stands out, in words.
fn remarks(table: &TopTable) -> Vec<String> {
    let mut remarks = Vec::new();
    for row in table.rows.iter().filter(|row| row.left > 0) {
        let of = if row.backend.is_empty() { &row.route } else { &row.backend };
        remarks.push(format!(
            "{}: {} of {} clients left before their answer had come, half of them after {} or more: it is slower than they wait",
            object(of),
            row.left,
            row.requests,
            plot::milliseconds(row.left_after_ms),
        ));
    }
    for backend in &table.backends {
        let name = object(&backend.backend);
        if backend.active > 0 && !table.rows.iter().any(|row| row.backend == backend.backend) {
            remarks.push(format!("{name}: {} requests are under way, and none has ended", backend.active));
        }
        if backend.unhealthy > 0 {
            remarks.push(format!("{name}: {} of {} endpoints are unhealthy", backend.unhealthy, backend.endpoints));
        }
        if !backend.last_error.is_empty() {
            remarks.push(format!("{name}: no connection to {}", backend.last_error));
        }
    }
    remarks
}

/// What a tap is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filters {
    fleet: String,
    backend: String,
    route: String,
    path: String,
    status: String,
    /// In milliseconds.
    min: String,
}

pub(crate) async fn tap(State(app): State<Arc<App>>, Query(filters): Query<Filters>) -> Response {
    let mut out = Html::new();
    html!(out; "<form class=\"bar\" method=\"get\">");
    let fields = [
        ("fleet", "Fleet", &filters.fleet, "all"),
        ("backend", "Backend", &filters.backend, "shop"),
        ("route", "Route", &filters.route, "default/shop"),
        ("path", "Path begins", &filters.path, "/cart"),
        ("status", "Status", &filters.status, "404, 5xx, 0"),
        ("min", "At least, ms", &filters.min, "1000"),
    ];
    for (name, label, value, hint) in fields {
        html!(out; "<label>" (label) " <input name=\"" (name) "\" value=\"" (value) "\" placeholder=\"" (hint) "\"></label>");
    }
    let query = [
        ("fleet", &filters.fleet),
        ("backend", &filters.backend),
        ("route", &filters.route),
        ("path", &filters.path),
        ("status", &filters.status),
        ("min", &filters.min),
    ];
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    html!(out; "<button>Look</button> <button type=\"button\" id=\"tap-stop\">Stop</button></form>"
        "<noscript><p class=\"note warn\">The tap alone needs JavaScript; <code>backstay tap</code> prints the same in a terminal.</p></noscript>"
        "<p id=\"tap-state\" class=\"quiet\" role=\"status\">connecting</p><section class=\"card\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Requests\"><table><thead><tr><th>Time</th><th>Status</th><th>Method</th><th>URL</th><th>Took</th><th>Endpoint</th><th>Flags</th><th>Route</th><th>Backend</th><th>Address</th><th>Client</th></tr></thead><tbody id=\"tap-rows\" data-source=\"/traffic/events?"
        (query.join("&")) "\"></tbody></table></div></section><script src=\"/static/tap.js\" defer></script>");
    page::whole(&app, "/traffic", "Requests one by one", &out)
}

pub(crate) async fn events(State(app): State<Arc<App>>, Query(filters): Query<Filters>) -> Response {
    let filter = Filter {
        backend: filters.backend,
        route: filters.route,
        path: filters.path,
        status: filters.status,
        min_duration_ms: filters.min.trim().parse().unwrap_or_default(),
        ..Filter::default()
    };
    let answers = match app.api.tap(&filters.fleet, Tap { filter: Some(filter), limit: 0 }).await {
        Ok(answers) => answers,
        // As an event: a browser that is refused asks again and again.
        Err(error) => return page::events(Body::from(event("ended", &error.message))),
    };
    let events = stream::unfold(Some(answers), |answers| async move {
        let mut answers = answers?;
        let next = match timeout(ALIVE, answers.message()).await {
            Err(_) => return Some((Ok::<_, Infallible>(Bytes::from_static(b": still here\n\n")), Some(answers))),
            Ok(next) => next,
        };
        match next {
            Ok(Some(WatchTapResponse { requests, missed, notice })) => {
                let mut text: String = requests.iter().map(|request| event("request", request)).collect();
                if missed > 0 {
                    text.push_str(&event("missed", &missed));
                }
                if !notice.is_empty() {
                    text.push_str(&event("notice", &notice));
                }
                Some((Ok(Bytes::from(text)), Some(answers)))
            }
            Ok(None) => Some((Ok(Bytes::from(event("ended", &"the control plane has ended it"))), None)),
            Err(status) => Some((Ok(Bytes::from(event("ended", &status.message()))), None)),
        }
    });
    page::events(Body::from_stream(events))
}

fn event(name: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    format!("event: {name}\ndata: {data}\n\n")
}
