mod defaults;
mod material;
mod rules;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use self::defaults::fill;
pub(super) use self::material::warn;
pub use self::material::{KeyPair, MaterialFault};
pub(super) use self::rules::find;
use crate::kind::Column;
use crate::object::Object;
use crate::table;

pub(super) static COLUMNS: &[Column] =
    &[table::text("Type", "What it is for."), table::integer("Data", "How many values it has.")];

pub(super) fn cells(object: &Object) -> Vec<Value> {
    let data = table::part(object, "/data").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    vec![table::text_at(object, "/type").into(), data.into()]
}
