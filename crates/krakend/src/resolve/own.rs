//! The component `backstay`: settings of Backstay's own, which KrakenD ignores. A mistake in it is an error: nobody wrote it for
//! KrakenD.

use crate::config::{Extra, Extras};
use crate::document::{Entry, Node, Value};
use crate::hint;
use crate::namespace::Level;
use crate::object::is_comment;
use crate::place::Path;
use crate::plan::{BackendOwn, EndpointOwn};
use crate::problem::Report;
use crate::quote::quoted;

/// The name of the component.
const NAMESPACE: &str = "backstay";

/// An option: its name, where it can be set, and what it must be.
struct Setting {
    name: &'static str,
    levels: &'static [Level],
    fault: fn(&Node) -> Option<String>,
}

const EVERYWHERE: &[Level] = &[Level::Service, Level::Endpoint, Level::Backend];
const ABOVE_BACKENDS: &[Level] = &[Level::Service, Level::Endpoint];

const OPTIONS: &[Setting] = &[
    Setting { name: "policy", levels: EVERYWHERE, fault: text },
    Setting { name: "list_targets", levels: EVERYWHERE, fault: truth },
    Setting { name: "pass_status", levels: EVERYWHERE, fault: truth },
    Setting { name: "required", levels: &[Level::Backend], fault: truth },
    Setting { name: "merge_order", levels: ABOVE_BACKENDS, fault: order },
    Setting { name: "debug_header", levels: ABOVE_BACKENDS, fault: header },
];

fn text(node: &Node) -> Option<String> {
    let is_text = node.text().is_some_and(|text| !text.is_empty());
    (!is_text).then(|| format!("text is wanted here, and this is {}", node.kind()))
}

fn truth(node: &Node) -> Option<String> {
    let is_truth = matches!(node.value, Value::Bool(_));
    (!is_truth).then(|| format!("true or false is wanted here, and this is {}", node.kind()))
}

fn order(node: &Node) -> Option<String> {
    match node.text() {
        Some("listed" | "arrival") => None,
        Some(other) => Some(format!("{} is no order of merging: there are listed and arrival", quoted(other))),
        None => text(node),
    }
}

fn header(node: &Node) -> Option<String> {
    match node.text() {
        Some(name) if super::rules::is_token(name) => None,
        Some(name) => Some(format!("{} is no name of a header", quoted(name))),
        None => text(node),
    }
}

/// Tells what is wrong with the component at one level.
pub(super) fn check(extras: &Extras<'_>, level: Level, above: &Path<'_>, report: &Report) {
    let Some(extra) = extras.get(NAMESPACE) else { return };
    let above = above.key("extra_config");
    let path = above.key(extra.key);
    for entry in extra.node.entries().iter().filter(|entry| !is_comment(&entry.key)) {
        let path = path.key(&entry.key);
        let message = match OPTIONS.iter().find(|option| option.name == entry.key) {
            None => {
                let close = hint::closest(&entry.key, OPTIONS.iter().map(|option| option.name));
                let hint = close.map(|name| format!(": did you mean {name}?")).unwrap_or_default();
                Some(format!("there is no such option{hint}"))
            }
            Some(option) if !option.levels.contains(&level) => {
                let levels: Vec<_> = option.levels.iter().map(ToString::to_string).collect();
                Some(format!("it belongs to {}", levels.join(" or ")))
            }
            Some(_) if entry.node.value == Value::Null => None,
            Some(option) => (option.fault)(&entry.node),
        };
        if let Some(message) = message {
            report.unreadable(entry.place, &path, message);
        }
    }
}

/// The settings of an endpoint; what it does not say, the service does.
pub(super) fn endpoint(service: &Extras<'_>, endpoint: &Extras<'_>) -> EndpointOwn {
    let chain = [endpoint.get(NAMESPACE), service.get(NAMESPACE)];
    EndpointOwn {
        merges_by_arrival: find(&chain, "merge_order").and_then(|entry| entry.node.text()) == Some("arrival"),
        debug_header: find(&chain, "debug_header").and_then(|entry| entry.node.text()).map(str::to_owned),
    }
}

/// The settings of a backend; what it does not say, its endpoint or the service does.
pub(super) fn backend(service: &Extras<'_>, endpoint: &Extras<'_>, backend: &Extras<'_>) -> BackendOwn {
    let chain = [backend.get(NAMESPACE), endpoint.get(NAMESPACE), service.get(NAMESPACE)];
    let is = |name| find(&chain, name).is_some_and(|entry| entry.node.is_true());
    BackendOwn {
        policy: find(&chain, "policy").and_then(|entry| entry.node.text()).map(str::to_owned),
        required: is("required"),
        list_targets: is("list_targets"),
        pass_status: is("pass_status"),
    }
}

fn find<'d>(chain: &[Option<Extra<'d>>], name: &str) -> Option<&'d Entry> {
    chain.iter().flatten().find_map(|extra| extra.node.get(name))
}
