//! The component `proxy`, of endpoints and of backends.

use std::time::Duration;

use crate::config;
use crate::document::{Node, Value};
use crate::duration;
use crate::namespace::STRATEGIES;
use crate::place::Path;
use crate::plan::{Flatmap, FlatmapOperation, Order, Shadow, StaticResponse, Strategy};
use crate::problem::Report;
use crate::quote::quoted;

/// What an endpoint does with its backends.
pub(super) struct Pipeline {
    pub(super) order: Order,
    pub(super) static_response: Option<StaticResponse>,
    pub(super) flatmap: Option<Flatmap>,
}

impl Pipeline {
    pub(super) fn is_sequential(&self) -> bool {
        matches!(self.order, Order::Sequential { .. })
    }
}

/// What a backend has of the component.
pub(super) struct Settings {
    pub(super) flatmap: Option<Flatmap>,
    pub(super) shadow: Option<Shadow>,
}

/// Reads the component of an endpoint.
pub(super) fn endpoint(config: &config::Endpoint<'_>, path: &Path<'_>, report: &Report) -> Pipeline {
    let Some(extra) = config.extras.get("proxy") else {
        return Pipeline { order: Order::Parallel, static_response: None, flatmap: None };
    };
    let path = path.key("extra_config");
    let path = path.key(extra.key);
    let node = extra.node;
    let mut flatmap = flatmap(node, &path, report);
    if let (Some(_), [_]) = (&flatmap, config.backends.as_slice()) {
        let message =
            "it is ignored: it works on what several backends answer, and this endpoint has one; write it there";
        report.dropped(
            node.get("flatmap_filter").map_or(extra.place, |entry| entry.place),
            &path.key("flatmap_filter"),
            message,
        );
        flatmap = None;
    }
    for name in ["shadow", "shadow_timeout"] {
        if let Some(entry) = node.get(name) {
            report.dropped(entry.place, &path.key(name), "it has no effect in an endpoint; it belongs to a backend");
        }
    }
    if let Some(entry) = node.get("combiner") {
        report.dropped(
            entry.place,
            &path.key("combiner"),
            "combiners are Go code that is built into KrakenD: answers are merged as usual",
        );
    }
    Pipeline { order: order(config, node, &path, report), static_response: fixed(node, &path, report), flatmap }
}

fn order(config: &config::Endpoint<'_>, node: &Node, path: &Path<'_>, report: &Report) -> Order {
    let by_word = node.get("strategy").and_then(|entry| entry.node.text()) == Some("sequential");
    let is_sequential = by_word || node.get("sequential").is_some_and(|entry| entry.node.is_true());
    let listed = node.get("sequential_propagated_params");
    let propagated: Vec<String> =
        listed.iter().flat_map(|entry| entry.node.members()).filter_map(Node::text).map(str::to_owned).collect();
    if !is_sequential {
        if let Some(entry) = listed {
            let message = "it has no effect: the endpoint is not sequential";
            report.dropped(entry.place, &path.key("sequential_propagated_params"), message);
        }
        return Order::Parallel;
    }
    if let (Some(entry), [_]) = (node.get("sequential"), config.backends.as_slice()) {
        report.surprising(entry.place, &path.key("sequential"), "it has no effect: there is only one backend");
    }
    Order::Sequential { propagated }
}

/// The component's `static`.
fn fixed(node: &Node, path: &Path<'_>, report: &Report) -> Option<StaticResponse> {
    let entry = node.get("static")?;
    let path = path.key("static");
    let data = entry.node.get("data").filter(|data| matches!(data.node.value, Value::Map(_)));
    let Some(data) = data else {
        if matches!(entry.node.value, Value::Map(_)) {
            report.dropped(entry.place, &path.key("data"), "all of static is ignored: data must be an object");
        }
        return None;
    };
    let written = entry.node.get("strategy");
    let strategy = match written.and_then(|written| written.node.text()) {
        None | Some("always") => Strategy::Always,
        Some("success") => Strategy::Success,
        Some("errored") => Strategy::Errored,
        Some("complete") => Strategy::Complete,
        Some("incomplete") => Strategy::Incomplete,
        Some(other) => {
            let message = format!(
                "{} is no strategy that it knows, so the data goes into every answer; there are {}",
                quoted(other),
                STRATEGIES.join(", ")
            );
            report.dropped(written.map_or(entry.place, |written| written.place), &path.key("strategy"), message);
            Strategy::Always
        }
    };
    Some(StaticResponse { strategy, data: data.node.value.clone() })
}

/// Reads the component of a backend.
pub(super) fn backend(config: &config::Backend<'_>, timeout: Duration, path: &Path<'_>, report: &Report) -> Settings {
    let Some(extra) = config.extras.get("proxy") else { return Settings { flatmap: None, shadow: None } };
    let path = path.key("extra_config");
    let path = path.key(extra.key);
    let node = extra.node;
    for name in ["sequential", "sequential_propagated_params", "static", "combiner", "strategy"] {
        if let Some(entry) = node.get(name) {
            report.dropped(entry.place, &path.key(name), "it has no effect in a backend; it belongs to an endpoint");
        }
    }
    let shadow = node.get("shadow").is_some_and(|entry| entry.node.is_true()).then(|| {
        let written = node.get("shadow_timeout");
        let own = written.and_then(|entry| entry.node.text()).map(duration::parse);
        if let (Some(Err(error)), Some(entry)) = (&own, written) {
            report.dropped(entry.place, &path.key("shadow_timeout"), format!("it is ignored: {error}"));
        }
        Shadow { timeout: own.and_then(Result::ok).unwrap_or(timeout) }
    });
    Settings { flatmap: flatmap(node, &path, report), shadow }
}

/// The component's `flatmap_filter`. KrakenD passes over operations that it does not know; with them alone, nothing is left out either.
fn flatmap(node: &Node, path: &Path<'_>, report: &Report) -> Option<Flatmap> {
    let entry = node.get("flatmap_filter")?;
    let path = path.key("flatmap_filter");
    let mut operations = Vec::new();
    let mut takes_place = false;
    for (index, member) in entry.node.members().iter().enumerate() {
        let path = path.index(index);
        let Some(kind) = member.get("type").and_then(|entry| entry.node.text()) else {
            report.dropped(member.place, &path, "it is ignored: an operation has a type: move, del or append");
            continue;
        };
        takes_place = true;
        match operation(kind, member) {
            Ok(Some(operation)) => operations.push(operation),
            Ok(None) => {
                let message = format!("args of {kind} are two paths: KrakenD answers every request with 500");
                report.unreadable(member.place, &path, message);
            }
            Err(why) => report.dropped(member.place, &path, format!("it is ignored: {why}")),
        }
    }
    takes_place.then_some(Flatmap { operations })
}

/// An operation. `None` where it lacks a path without which none can be.
fn operation(kind: &str, node: &Node) -> Result<Option<FlatmapOperation>, String> {
    let arguments: Vec<Vec<String>> = node
        .get("args")
        .map(|entry| entry.node.members())
        .unwrap_or_default()
        .iter()
        .filter_map(|member| member.text().map(|text| text.split('.').map(str::to_owned).collect()))
        .collect();
    match (kind, arguments.as_slice()) {
        ("move", [from, to, ..]) => Ok(Some(FlatmapOperation::Move { from: from.clone(), to: to.clone() })),
        ("append", [from, to, ..]) => Ok(Some(FlatmapOperation::Append { from: from.clone(), to: to.clone() })),
        ("move" | "append", _) => Ok(None),
        ("del", []) => Err("args of del are paths".to_owned()),
        ("del", _) => Ok(Some(FlatmapOperation::Delete(arguments))),
        _ => Err(format!("there is no operation {}: there are move, del and append", quoted(kind))),
    }
}
