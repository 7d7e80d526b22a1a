use serde_json::Value;

use crate::kind::Column;
use crate::object::Object;
use crate::table;

/// Columns between NAME and AGE.
pub(in crate::gateway) static COLUMNS: &[Column] =
    &[table::text("Hostnames", "Hosts it is for; * is all that its listeners serve.")];

/// One row.
pub(in crate::gateway) fn cells(object: &Object) -> Vec<Value> {
    let hostnames = table::few(table::list_at(object, "/spec/hostnames").iter().filter_map(Value::as_str));
    vec![if hostnames.is_empty() { "*".into() } else { hostnames.into() }]
}
