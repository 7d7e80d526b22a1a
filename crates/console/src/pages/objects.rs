//! Kinds, and the objects of each.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::rows::badge;
use crate::api::{Kind, escape};
use crate::app::App;
use crate::html::{Html, html};
use crate::page;
use crate::tables::{self, Shown, View};

pub(crate) async fn kinds(State(app): State<Arc<App>>) -> Response {
    let kinds = match app.api.kinds().await {
        Ok(kinds) => kinds,
        Err(error) => return page::failed(&app, "/objects", "Objects", &error),
    };
    let mut out = Html::new();
    html!(out; "<section class=\"card\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Kinds\"><table><thead><tr><th>Kind</th><th>API</th><th>Of a namespace</th></tr></thead><tbody>");
    for kind in &kinds {
        html!(out; "<tr><td><a href=\"" (kind.page()) "\">" (&kind.kind) "</a></td><td>" (kind.api_version()) "</td><td>"
            (if kind.namespaced { "yes" } else { "no" }) "</td></tr>");
    }
    html!(out; "</tbody></table></div></section>");
    page::whole(&app, "/objects", "Objects", &out)
}

/// What the address of a list says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    search: String,
    labels: String,
    namespace: String,
    sort: usize,
    down: bool,
    page: usize,
    /// The name of what was deleted a moment ago, and whether it waits for whoever holds it.
    deleted: String,
    waits: bool,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Path((group, version, plural)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    let kind = match app.api.kind(&group, &version, &plural).await {
        Ok(kind) => kind,
        Err(error) => return page::failed(&app, "/objects", &plural, &error),
    };
    let labels = asked.labels.trim();
    let query = if labels.is_empty() { String::new() } else { format!("&labelSelector={}", escape(labels)) };
    let table = app.api.table(&kind.path(asked.namespace.trim()), &query).await;
    let mut out = Html::new();
    if !asked.deleted.is_empty() {
        let what = if asked.waits { "goes once nothing holds it: it has finalizers" } else { "is deleted" };
        html!(out; "<p class=\"note\" role=\"status\">" (&asked.deleted) " " (what) ".</p>");
    }
    form(&mut out, &kind, &asked);
    match table {
        Err(error) => {
            out.push(&page::alert(&error));
        }
        Ok((columns, rows)) => {
            let view = View {
                search: asked.search.trim().to_owned(),
                sort: asked.sort,
                descending: asked.down,
                page: asked.page,
            };
            let shown = tables::show(&columns, &rows, &view);
            table_of(&mut out, &kind, &asked, &shown);
        }
    }
    page::whole(&app, "/objects", &kind.kind, &out)
}

fn form(out: &mut Html, kind: &Kind, asked: &Asked) {
    html!(out; "<form class=\"bar\" method=\"get\" role=\"search\"><label>Search <input type=\"search\" name=\"search\" value=\"" (&asked.search)
        "\" placeholder=\"name, cell, label\"></label><label>Labels <input name=\"labels\" value=\"" (&asked.labels)
        "\" placeholder=\"app=shop,tier!=db\"></label>");
    if kind.namespaced {
        html!(out; "<label>Namespace <input name=\"namespace\" value=\"" (&asked.namespace) "\" placeholder=\"all\"></label>");
    }
    html!(out; "<button>Show</button>");
    if kind.has("create") && kind.kind != "Secret" {
        html!(out; " <a class=\"button\" href=\"" (kind.page()) "/new\">New " (&kind.kind) "</a>");
    }
    html!(out; "</form>");
}

fn table_of(out: &mut Html, kind: &Kind, asked: &Asked, shown: &Shown) {
    let of = if shown.found == shown.all { String::new() } else { format!(" of {}", shown.all) };
    html!(out; "<section class=\"card\"><p class=\"quiet\">" (shown.found) (of) " " (kind.label()) "</p>");
    if shown.rows.is_empty() {
        html!(out; "<p>Nothing is there that is asked for.</p></section>");
        return;
    }
    html!(out; "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" (&kind.kind) "\"><table><thead><tr>");
    if kind.namespaced {
        html!(out; "<th>Namespace</th>");
    }
    for (index, column) in shown.columns.iter().enumerate() {
        let is_sorted = index == asked.sort;
        let down = is_sorted && !asked.down;
        let order = match (is_sorted, asked.down) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        };
        html!(out; "<th aria-sort=\"" (order) "\"><a href=\"" (address(asked, index, down, 1)) "\">" (column) "</a></th>");
    }
    html!(out; "</tr></thead><tbody>");
    for row in &shown.rows {
        html!(out; "<tr>");
        if kind.namespaced {
            html!(out; "<td>" (&row.namespace) "</td>");
        }
        for (index, cell) in row.cells.iter().enumerate() {
            html!(out; "<td>");
            match cell.as_str() {
                _ if index == 0 => {
                    html!(out; "<a href=\"" (kind.object_page(&row.namespace, &row.name)) "\">" (cell) "</a>");
                }
                "True" => drop(out.push(&badge("ok", "yes"))),
                "False" => drop(out.push(&badge("bad", "no"))),
                "Unknown" => drop(out.push(&badge("quiet", "not known"))),
                _ => html!(out; (cell)),
            }
            html!(out; "</td>");
        }
        html!(out; "</tr>");
    }
    html!(out; "</tbody></table></div>");
    if shown.pages > 1 {
        html!(out; "<nav class=\"pages\" aria-label=\"Pages of the table\">");
        if shown.page > 1 {
            html!(out; "<a rel=\"prev\" href=\"" (address(asked, asked.sort, asked.down, shown.page - 1)) "\">Earlier</a>");
        }
        html!(out; "<span>Page " (shown.page) " of " (shown.pages) "</span>");
        if shown.page < shown.pages {
            html!(out; "<a rel=\"next\" href=\"" (address(asked, asked.sort, asked.down, shown.page + 1)) "\">Later</a>");
        }
        html!(out; "</nav>");
    }
    html!(out; "</section>");
}

/// The same list, sorted and turned to a page.
fn address(asked: &Asked, sort: usize, down: bool, page: usize) -> String {
    let mut address = format!("?sort={sort}&down={down}&page={page}");
    for (name, value) in [("search", &asked.search), ("labels", &asked.labels), ("namespace", &asked.namespace)] {
        if !value.is_empty() {
            let _ = write!(address, "&{name}={}", escape(value));
        }
    }
    address
}
