use serde_json::Value;

use crate::kind::Column;
use crate::object::Object;
use crate::table;

/// Columns between NAME and AGE.
pub(in crate::gateway) static COLUMNS: &[Column] = &[
    table::text("Hostnames", "Hosts it is for; * is all that its listeners serve."),
    table::text("Accepted", "Whether every Gateway that it names, and that is ours, has taken it whole."),
    table::text("Resolved", "Whether everything it refers to is there."),
    table::text("Programmed", "Whether every proxy that serves it has it as it is."),
];

/// One row.
pub(in crate::gateway) fn cells(object: &Object) -> Vec<Value> {
    let hostnames = table::few(table::list_at(object, "/spec/hostnames").iter().filter_map(Value::as_str));
    vec![
        if hostnames.is_empty() { "*".into() } else { hostnames.into() },
        of_parents(object, "Accepted").into(),
        of_parents(object, "ResolvedRefs").into(),
        table::condition(object, "Programmed"),
    ]
}

/// The status of a condition that each parent has: that of the worst. Where only some rules are honoured, `Partly`.
fn of_parents<'a>(object: &'a Object, kind: &str) -> &'a str {
    let parents = table::list_at(object, "/status/parents");
    let conditions = |parent: &'a Value| parent["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let statuses: Vec<_> = parents.iter().map(|parent| table::status_of(conditions(parent), kind)).collect();
    let worst =
        ["False", "Unknown", "", "True"].into_iter().find(|status| statuses.contains(status)).unwrap_or_default();
    let partly = parents.iter().any(|parent| table::status_of(conditions(parent), "PartiallyInvalid") == "True");
    if kind == "Accepted" && worst == "True" && partly { "Partly" } else { worst }
}
