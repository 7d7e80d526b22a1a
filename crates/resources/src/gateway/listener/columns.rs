use serde_json::Value;

use crate::kind::Column;
use crate::object::Object;
use crate::table;

/// Columns between NAME and AGE.
pub(in crate::gateway) static COLUMNS: &[Column] = &[
    table::text("Class", "Name of its GatewayClass."),
    table::text("Address", "Where it is served."),
    table::text("Programmed", "Whether every proxy of its fleet serves it."),
];

/// One row.
pub(in crate::gateway) fn cells(object: &Object) -> Vec<Value> {
    let addresses = table::list_at(object, "/status/addresses").iter().filter_map(|address| address["value"].as_str());
    vec![
        table::text_at(object, "/spec/gatewayClassName").into(),
        table::few(addresses).into(),
        table::condition(object, "Programmed"),
    ]
}
