//! All at a glance: fleets, proxies, what is refused, what is not in force, and traffic.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use backstay_proto::admin::{ConnectedProxy, Fleet, GetStatusResponse};

use super::rows::{badge, events, link};
use crate::api::{ApiError, Kind, escape};
use crate::app::App;
use crate::html::{Html, html};
use crate::{page, plot};

/// Proxies of a fleet that are listed.
const PROXIES: usize = 50;

pub(crate) async fn show(State(app): State<Arc<App>>) -> Response {
    let status = app.api.status();
    let warnings = app.api.list("/api/v1/events", "&fieldSelector=type%3DWarning");
    let kinds = app.api.kinds();
    let metrics = app.api.text("/metrics");
    let (status, warnings, kinds, metrics) = futures::join!(status, warnings, kinds, metrics);
    let status = match status {
        Ok(status) => status,
        Err(error) => return page::failed(&app, "/", "Overview", &error),
    };
    let mut out = Html::new();
    verdict(&mut out, &status);
    html!(out; "<div id=\"plots\" hx-get=\"/parts/traffic\" hx-trigger=\"every 2s\" hx-swap=\"innerHTML\">" [&plotted(&app)] "</div>");
    faults(&mut out, &status, kinds.as_deref().unwrap_or_default());
    for fleet in &status.fleets {
        one(&mut out, fleet);
    }
    // Whoever may not read metrics is not told of certificates here; events warn of those that end.
    certificates(&mut out, metrics.as_deref().unwrap_or_default());
    html!(out; "<section class=\"card\"><h2>Warnings</h2>");
    match warnings {
        Ok(warnings) => out.push(&events(&warnings, Some(kinds.as_deref().unwrap_or_default()))),
        Err(error) => out.push(&page::alert(&error)),
    };
    html!(out; "</section>");
    page::whole(&app, "/", "Overview", &out)
}

pub(crate) async fn plots(State(app): State<Arc<App>>) -> Response {
    page::fragment(plotted(&app))
}

/// The figures of the last minutes, drawn.
fn plotted(app: &App) -> Html {
    let recent = app.traffic.recent();
    let mut out = Html::new();
    if let Some(error) = &recent.error {
        let ApiError { message, .. } = error;
        html!(out; "<p class=\"note quiet\">There are no figures of traffic: " (message) "</p>");
        return out;
    }
    let of = |of: fn(&crate::traffic::Point) -> f64| recent.points.iter().map(of).collect::<Vec<_>>();
    html!(out; "<div class=\"plots\">" [&plot::line("Requests", &of(|point| point.rate), "a second")]
        [&plot::line("Failed", &of(|point| point.errors), "% of them")]
        [&plot::line("Half within", &of(|point| point.p50), "ms")]
        [&plot::line("99 % within", &of(|point| point.p99), "ms")] "</div>");
    out
}

/// In one sentence, whether all is well.
fn verdict(out: &mut Html, status: &GetStatusResponse) {
    let proxies: Vec<&ConnectedProxy> = status.fleets.iter().flat_map(|fleet| &fleet.proxies).collect();
    let refused: usize = proxies.iter().map(|proxy| proxy.refused.len()).sum();
    let pending: u64 = proxies.iter().map(|proxy| proxy.pending).sum();
    let lagging = status.compiled_revision < status.revision;
    let (kind, text) = if refused > 0 {
        ("bad", format!("Proxies refuse {refused} resources: they serve the last good version of each."))
    } else if status.fault_count > 0 {
        let are = if status.fault_count == 1 { "thing is" } else { "things are" };
        ("warn", format!("{} {are} not in force.", status.fault_count))
    } else if proxies.is_empty() {
        ("warn", "No proxy is connected.".to_owned())
    } else if pending > 0 || lagging {
        ("quiet", "A change is on its way to the proxies.".to_owned())
    } else {
        ("ok", "Everything is in force on every connected proxy.".to_owned())
    };
    html!(out; "<p class=\"verdict " (kind) "\">" (text) "</p><dl class=\"tiles\"><div><dt>Fleets</dt><dd>" (status.fleets.len())
        "</dd></div><div><dt>Proxies</dt><dd>" (proxies.len()) "</dd></div><div><dt>Refused</dt><dd>" (refused)
        "</dd></div><div><dt>Not in force</dt><dd>" (status.fault_count) "</dd></div><div><dt>Revision</dt><dd>" (status.revision)
        "</dd></div><div><dt>Version</dt><dd>" (&status.version) "</dd></div></dl>");
}

/// Certificates that are listed.
const CERTIFICATES: usize = 20;

/// When certificates end, of what the control plane counts: first those that end first.
fn certificates(out: &mut Html, metrics: &str) {
    let label = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let read = |line: &str| {
        let rest = line.strip_prefix("backstay_certificate_expiry_seconds{")?;
        let seconds: f64 = rest.rsplit(' ').next()?.parse().ok()?;
        Some((seconds, label(rest, "namespace")?, label(rest, "secret")?))
    };
    let mut found: Vec<_> = metrics.lines().filter_map(read).collect();
    if found.is_empty() {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    html!(out; "<section class=\"card\"><h2>Certificates</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Certificates\"><table><thead><tr><th>Secret</th><th>State</th><th class=\"num\">Days left</th></tr></thead><tbody>");
    for (seconds, namespace, secret) in found.iter().take(CERTIFICATES) {
        let days = (seconds - now) / 86_400.0;
        let (kind, word) = match days {
            days if days < 0.0 => ("bad", "expired"),
            days if days < 14.0 => ("warn", "ends soon"),
            _ => ("ok", "valid"),
        };
        html!(out; "<tr><td><a href=\"/objects/core/v1/secrets/" (escape(namespace)) "/" (escape(secret)) "\">" (namespace) "/" (secret)
            "</a></td><td>" [&badge(kind, word)] "</td><td class=\"num\">" (format!("{days:.1}")) "</td></tr>");
    }
    html!(out; "</tbody></table></div></section>");
}

fn faults(out: &mut Html, status: &GetStatusResponse, kinds: &[Kind]) {
    if status.faults.is_empty() {
        return;
    }
    html!(out; "<section class=\"card\"><h2>Not in force</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Not in force\"><table><thead><tr><th>Object</th><th>What</th><th>Reason</th><th>In words</th></tr></thead><tbody>");
    for fault in &status.faults {
        html!(out; "<tr><td>" [&link(kinds, &fault.kind, &fault.namespace, &fault.name)] " " (&fault.part) "</td><td>"
            [&badge("bad", &fault.condition)] "</td><td>" (&fault.reason) "</td><td class=\"wide\">" (&fault.message) "</td></tr>");
    }
    html!(out; "</tbody></table></div></section>");
}

fn one(out: &mut Html, fleet: &Fleet) {
    html!(out; "<section class=\"card\"><h2>Fleet " (&fleet.name) "</h2><p class=\"quiet\">" (fleet.resources)
        " resources, last changed in revision " (fleet.revision) "</p>");
    if fleet.proxies.is_empty() {
        html!(out; "<p class=\"quiet\">No proxy of it is connected. One joins with <code>backstay proxy --fleet " (&fleet.name) "</code>.</p>");
    } else {
        html!(out; "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Proxies\"><table><thead><tr><th>Proxy</th><th>State</th><th class=\"num\">Accepted</th><th class=\"num\">Pending</th><th class=\"num\">Refused</th><th>Address</th><th>Version</th></tr></thead><tbody>");
        // Those that refuse something first.
        let mut proxies: Vec<&ConnectedProxy> = fleet.proxies.iter().collect();
        proxies.sort_by_key(|proxy| std::cmp::Reverse(proxy.refused.len()));
        for proxy in proxies.iter().take(PROXIES) {
            let (kind, word) = match (proxy.refused.len(), proxy.pending) {
                (0, 0) => ("ok", "in step"),
                (0, _) => ("quiet", "on its way"),
                _ => ("bad", "refuses"),
            };
            html!(out; "<tr><td>" (&proxy.id) "</td><td>" [&badge(kind, word)] "</td><td class=\"num\">" (proxy.accepted)
                "</td><td class=\"num\">" (proxy.pending) "</td><td class=\"num\">" (proxy.refused.len()) "</td><td>" (&proxy.address)
                "</td><td>" (&proxy.version) "</td></tr>");
            for refusal in &proxy.refused {
                html!(out; "<tr class=\"detail\"><td></td><td colspan=\"6\"><strong>" (&refusal.resource) "</strong> " (&refusal.field) ": "
                    (&refusal.message) "</td></tr>");
            }
        }
        html!(out; "</tbody></table></div>");
        if proxies.len() > PROXIES {
            html!(out; "<p class=\"quiet\">" (proxies.len() - PROXIES) " more are not listed; <code>backstay status</code> has all.</p>");
        }
    }
    html!(out; "</section>");
}
