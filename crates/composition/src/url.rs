//! URLs of calls: their paths and queries, as Go reads and writes them.

pub mod percent;
mod query;
mod target;

pub use query::Query;
pub(crate) use target::{encode_path, target, write_query};
