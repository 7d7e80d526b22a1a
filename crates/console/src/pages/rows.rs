//! Conditions, and what else stands on several pages.

use serde_json::Value;

use crate::api::Kind;
use crate::html::{Html, html};

/// Conditions as words: green where all is well, red where it is not, grey where nobody knows yet.
pub(crate) fn conditions(conditions: &Value) -> Html {
    let mut out = Html::new();
    let list = conditions.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        html!(out; "<p class=\"quiet\">The control plane has said nothing of it yet.</p>");
        return out;
    }
    html!(out; "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Conditions\"><table><thead><tr><th>Condition</th><th>State</th><th>Reason</th><th>In words</th><th>Since</th></tr></thead><tbody>");
    for condition in list {
        let text = |name: &str| condition[name].as_str().unwrap_or_default().to_owned();
        let (kind, word) = standing(&text("type"), &text("status"));
        html!(out; "<tr><td>" (text("type")) "</td><td>" [&badge(kind, word)] "</td><td>" (text("reason")) "</td><td class=\"wide\">"
            (text("message")) "</td><td class=\"time\">" (text("lastTransitionTime")) "</td></tr>");
    }
    html!(out; "</tbody></table></div>");
    out
}

/// What a condition is like, and the word for it.
pub(crate) fn standing(kind: &str, status: &str) -> (&'static str, &'static str) {
    // Where it is good that something is not so.
    let reversed = ["Conflicted", "PartiallyInvalid", "Overlapping", "Degraded"].contains(&kind);
    match (status, reversed) {
        ("True", false) => ("ok", "yes"),
        ("False", false) => ("bad", "no"),
        ("True", true) => ("bad", "yes"),
        ("False", true) => ("ok", "no"),
        _ => ("quiet", "not known"),
    }
}

/// A text in which names of resources lead to the objects that they are made of.
pub(crate) fn linked(text: &str) -> Html {
    let mut out = Html::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(' ').map_or(rest.len(), |end| end + 1);
        let (word, after) = rest.split_at(end);
        rest = after;
        let name = word.trim_end_matches([' ', ':', ',', ';', '.']);
        let ending = word.get(name.len()..).unwrap_or_default();
        match page_of(name) {
            Some(page) => html!(out; "<a href=\"" (page) "\">" (name) "</a>" (ending)),
            None => html!(out; (word)),
        }
    }
    out
}

/// The page of the object that a resource is made of.
pub(crate) fn page_of(resource: &str) -> Option<String> {
    let segments: Vec<&str> = resource.split('/').collect();
    // What other dialects bring has a colon, and is no object of its own.
    if segments.iter().any(|segment| segment.is_empty() || segment.contains(':')) {
        return None;
    }
    let page = |place: &str, namespace: &str, name: &str| {
        Some(format!("/objects/{place}/{}/{}", crate::api::escape(namespace), crate::api::escape(name)))
    };
    match segments.as_slice() {
        ["backend", name] => Some(format!("/objects/core.apoxy.dev/v1alpha2/backends/-/{}", crate::api::escape(name))),
        ["route", namespace, name] => page("gateway.networking.k8s.io/v1/httproutes", namespace, name),
        ["listener", namespace, gateway, _] => page("gateway.networking.k8s.io/v1/gateways", namespace, gateway),
        ["secret", namespace, name] => page("core/v1/secrets", namespace, name),
        _ => None,
    }
}

/// Leads to the pages of a list before and behind this one, of what was searched for.
pub(crate) fn turning(out: &mut Html, search: &str, page: usize, pages: usize) {
    if pages < 2 {
        return;
    }
    html!(out; "<nav class=\"pages\" aria-label=\"Pages\">");
    for (other, word) in [(page - 1, "Earlier"), (page + 1, "Later")] {
        if (1..=pages).contains(&other) {
            html!(out; "<a href=\"?search=" (crate::api::escape(search)) "&amp;page=" (other) "\">" (word) "</a> ");
        }
    }
    html!(out; "<span>Page " (page) " of " (pages) "</span></nav>");
}

/// A number and what it counts.
pub(crate) fn counted(number: usize, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        _ => format!("{number} {what}s"),
    }
}

/// An object, with its page where its kind is known.
pub(crate) fn link(kinds: &[Kind], kind: &str, namespace: &str, name: &str) -> Html {
    let mut out = Html::new();
    let slash = if namespace.is_empty() { "" } else { "/" };
    match kinds.iter().find(|known| known.kind == kind) {
        Some(known) => {
            html!(out; "<a href=\"" (known.object_page(namespace, name)) "\">" (kind) " " (namespace) (slash) (name) "</a>");
        }
        None => html!(out; (kind) " " (namespace) (slash) (name)),
    }
    out
}

/// A word in a colour that says the same.
pub(crate) fn badge(kind: &'static str, word: &str) -> Html {
    let mut out = Html::new();
    html!(out; "<span class=\"badge " (kind) "\">" (word) "</span>");
    out
}

/// Events, the newest first; with their objects, where the kinds of these are given.
pub(crate) fn events(events: &[Value], kinds: Option<&[Kind]>) -> Html {
    let mut out = Html::new();
    if events.is_empty() {
        html!(out; "<p class=\"quiet\">Nothing has been told of lately.</p>");
        return out;
    }
    let time = |event: &Value| {
        let last = ["lastTimestamp", "eventTime", "firstTimestamp"];
        last.iter().find_map(|name| event[*name].as_str()).unwrap_or_default().to_owned()
    };
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|event| std::cmp::Reverse(time(event)));
    html!(out; "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Events\"><table><thead><tr><th>When</th><th>What</th>");
    if kinds.is_some() {
        html!(out; "<th>Object</th>");
    }
    html!(out; "<th>In words</th><th class=\"num\">Times</th></tr></thead><tbody>");
    for event in sorted.into_iter().take(20) {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let kind = if text("type") == "Warning" { "bad" } else { "ok" };
        html!(out; "<tr><td class=\"time\">" (time(event)) "</td><td>" [&badge(kind, &text("reason"))] "</td>");
        if let Some(kinds) = kinds {
            let about = &event["involvedObject"];
            let part = |name: &str| about[name].as_str().unwrap_or_default().to_owned();
            html!(out; "<td>" [&link(kinds, &part("kind"), &part("namespace"), &part("name"))] "</td>");
        }
        let count = event["count"].as_u64().or_else(|| event["series"]["count"].as_u64()).unwrap_or(1);
        html!(out; "<td class=\"wide\">" (text("message")) "</td><td class=\"num\">" (count) "</td></tr>");
    }
    html!(out; "</tbody></table></div>");
    out
}
