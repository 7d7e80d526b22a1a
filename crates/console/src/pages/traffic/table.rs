//! The table of what routes and backends do: searched, sorted, and in pages.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use backstay_live::filter::object;
use backstay_proto::live::{TopBackend, TopRow, TopTable};

use super::{Asked, query};
use crate::html::{Html, html};
use crate::pages::rows::{badge, counted, page_of};
use crate::plot;

#[cfg(test)]
mod tests;

/// Rows to a page.
const ROWS: usize = 100;
/// Sentences of what stands out.
const REMARKS: usize = 20;

/// Writes the page of the table that is asked for.
pub(super) fn write(out: &mut Html, table: &TopTable, asked: &Asked) {
    let backends: HashMap<&str, &TopBackend> =
        table.backends.iter().map(|backend| (backend.backend.as_str(), backend)).collect();
    let busy: HashSet<&str> = table.rows.iter().map(|row| row.backend.as_str()).collect();
    remarks(out, table, &busy);
    let needle = asked.search.trim().to_lowercase();
    let has = |row: &Cow<'_, TopRow>| {
        needle.is_empty() || [&row.backend, &row.route].iter().any(|name| name.to_lowercase().contains(&needle))
    };
    // Of these no request has ended.
    let idle = table.backends.iter().filter(|backend| !busy.contains(backend.backend.as_str()));
    let idle = idle.map(|backend| Cow::Owned(TopRow { backend: backend.backend.clone(), ..TopRow::default() }));
    let mut rows: Vec<Cow<'_, TopRow>> = table.rows.iter().map(Cow::Borrowed).chain(idle).filter(has).collect();
    sort(&mut rows, &asked.sort);
    let pages = rows.len().div_ceil(ROWS).max(1);
    let page = asked.page.clamp(1, pages);
    html!(out; "<section class=\"card\"><p class=\"quiet\">" (counted(rows.len(), "pair")) " of a backend and a route, of " (counted(table.proxies.len(), "proxy"))
        ", in the last " (format!("{:.1}", table.seconds)) " s</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Traffic\"><table><thead><tr><th>Backend</th><th>Route</th><th class=\"num\">A second</th><th class=\"num\">2xx</th><th class=\"num\">3xx</th><th class=\"num\">4xx</th><th class=\"num\">5xx</th><th class=\"num\">Left</th><th class=\"num\">Half within</th><th class=\"num\">99 % within</th><th class=\"num\">Under way</th><th>Endpoints</th></tr></thead><tbody>");
    for row in rows.iter().skip((page - 1) * ROWS).take(ROWS) {
        one(out, table.seconds, backends.get(row.backend.as_str()).copied(), row);
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
}

fn sort(rows: &mut [Cow<'_, TopRow>], sort: &str) {
    // The largest first, and what is as large by name: it keeps its place from one look to the next.
    let figure: Option<fn(&TopRow) -> f64> = match sort {
        "errors" => Some(|row| row.status_5xx as f64),
        "left" => Some(|row| row.left as f64),
        "p99" => Some(|row| row.p99_ms),
        "name" => None,
        _ => Some(|row| row.requests as f64),
    };
    rows.sort_by(|one, other| {
        let by_figure = figure.map(|of| of(other).total_cmp(&of(one)));
        let by_name = || (&one.backend, &one.route).cmp(&(&other.backend, &other.route));
        by_figure.unwrap_or(std::cmp::Ordering::Equal).then_with(by_name)
    });
}

fn one(out: &mut Html, seconds: f64, backend: Option<&TopBackend>, row: &TopRow) {
    let rate = if seconds > 0.0 { row.requests as f64 / seconds } else { 0.0 };
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
    match backend {
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
fn remarks(out: &mut Html, table: &TopTable, busy: &HashSet<&str>) {
    let left = table.rows.iter().filter(|row| row.left > 0).map(|row| {
        let of = if row.backend.is_empty() { &row.route } else { &row.backend };
        format!(
            "{}: {} of {} clients left before their answer had come, half of them after {} or more: it is slower than they wait",
            object(of),
            row.left,
            row.requests,
            plot::milliseconds(row.left_after_ms),
        )
    });
    let of_backends = table.backends.iter().flat_map(|backend| {
        let name = object(&backend.backend);
        let stuck = backend.active > 0 && !busy.contains(backend.backend.as_str());
        let stuck = stuck.then(|| format!("{name}: {} requests are under way, and none has ended", backend.active));
        let (all, down) = (backend.endpoints, backend.unhealthy);
        let unhealthy = (down > 0).then(|| format!("{name}: {down} of {all} endpoints are unhealthy"));
        let unreached = !backend.last_error.is_empty();
        let unreached = unreached.then(|| format!("{name}: no connection to {}", backend.last_error));
        [stuck, unhealthy, unreached].into_iter().flatten()
    });
    let mut remarks = left.chain(of_backends).peekable();
    if remarks.peek().is_none() {
        return;
    }
    html!(out; "<ul class=\"note warn\">");
    for remark in remarks.by_ref().take(REMARKS) {
        html!(out; "<li>" (remark) "</li>");
    }
    let rest = remarks.count();
    if rest > 0 {
        html!(out; "<li>" (rest) " more of the kind</li>");
    }
    html!(out; "</ul>");
}
