use serde_json::Value;

use crate::kind::{Column, Selectable};
use crate::object::Object;
use crate::table;

/// Columns between NAME and AGE.
pub(super) static COLUMNS: &[Column] = &[
    table::text("Endpoints", "Where to connect to, or with dynamicProxy the names that are allowed."),
    table::text("Protocol", "What the endpoints speak; http is HTTP/1.1 without TLS."),
    table::text("Dynamic", "Whether requests go where their own authority says."),
    table::text("Programmed", "Whether every proxy that uses it has acknowledged it."),
];

/// Fields for selectors.
pub(super) static SELECTABLE: &[Selectable] =
    &[Selectable { path: "spec.protocol", value: |object| table::text_at(object, "/spec/protocol").to_owned() }];

/// One row.
pub(super) fn cells(object: &Object) -> Vec<Value> {
    let dynamic = table::part(object, "/spec/dynamicProxy").is_some();
    let endpoints = table::list_at(object, "/spec/endpoints");
    let addresses =
        endpoints.iter().filter_map(|endpoint| endpoint["fqdn"].as_str().or_else(|| endpoint["ip"].as_str()));
    let endpoints = match table::few(addresses) {
        none if none.is_empty() && dynamic => "*".to_owned(),
        none if none.is_empty() => "None".to_owned(),
        some => some,
    };
    let protocol = match table::text_at(object, "/spec/protocol") {
        "" => "http",
        other => other,
    };
    vec![
        endpoints.into(),
        protocol.into(),
        if dynamic { "true" } else { "false" }.into(),
        table::condition(object, "Programmed"),
    ]
}
