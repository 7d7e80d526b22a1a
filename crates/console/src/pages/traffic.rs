//! Traffic: what routes and backends do (top), and requests as they end (tap).

mod table;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use backstay_proto::live::{Filter, Tap, WatchTapResponse};
use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::api::escape;
use crate::app::App;
use crate::html::{Html, html};
use crate::page;

/// How often something is said while nothing happens.
const ALIVE: Duration = Duration::from_secs(5);
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
    match (&recent.error, &recent.last) {
        (Some(error), _) => drop(out.push(&page::alert(error))),
        (None, None) => html!(out; "<p class=\"quiet\" role=\"status\">The first figures come in two seconds.</p>"),
        (None, Some(figures)) => table::write(&mut out, figures, asked),
    }
    out
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
