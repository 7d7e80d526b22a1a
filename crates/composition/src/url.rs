//! URLs of calls: their paths and queries, as Go reads and writes them.

mod query;
mod target;

pub(crate) use query::Query;
pub(crate) use target::{decode_path, encode_path, target, write_query};
