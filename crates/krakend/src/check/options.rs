//! The options of a component: names and types.

use crate::config::Extra;
use crate::document::Value;
use crate::hint;
use crate::object::is_comment;
use crate::place::Path;
use crate::problem::{Report, Severity};

/// Tells of options that do not count.
pub(super) fn check(extra: &Extra<'_>, path: &Path<'_>, report: &Report) {
    let namespace = extra.namespace;
    if namespace.options.is_empty() {
        return;
    }
    for entry in extra.node.entries().iter().filter(|entry| !is_comment(&entry.key)) {
        let path = path.key(&entry.key);
        if report.is_full(Severity::Warning) {
            report.dropped(entry.place, &path, "");
            continue;
        }
        let Some(option) = namespace.options.iter().find(|option| option.name == entry.key) else {
            let close = hint::closest(&entry.key, namespace.options.iter().map(|option| option.name));
            let hint = close.map(|name| format!(": did you mean {name}?{}", consequence(namespace.name, name)));
            let message = format!("KrakenD ignores an option that it does not know{}", hint.unwrap_or_default());
            report.dropped(entry.place, &path, message);
            continue;
        };
        if entry.node.value == Value::Null {
            continue;
        }
        if let Some(fault) = option.shape.fault(&entry.node) {
            let whole = match namespace.name {
                "router" => "all of router is ignored",
                _ => "it does not count",
            };
            report.dropped(entry.place, &path, format!("{whole}: {fault}"));
        }
    }
}

/// What follows where an option is missing because it is spelt differently.
fn consequence(namespace: &str, option: &str) -> &'static str {
    match (namespace, option) {
        ("qos/ratelimit/router" | "qos/ratelimit/proxy", "max_rate" | "client_max_rate") => {
            " As it is there is no limit"
        }
        ("qos/circuit-breaker", "max_errors") => " As it is the breaker opens after 1 failure",
        ("auth/validator", "jwk_url" | "jwk_local_path") => {
            " As it is there is no key, and every request is answered with 401"
        }
        _ => "",
    }
}
