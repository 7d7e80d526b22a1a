//! Between the JSON that is stored and the messages of the typed services, both ways, by the description of the messages.
//!
//! What is stored is never made a message in memory: the one encoding is written as the other is read.
//!
//! - [`shape`]: the messages as tables. [`encode`]: JSON to protobuf, [`decode`]: protobuf to JSON.
//! - [`json`]: what is stored, read. [`wire`]: varints, keys and lengths. [`structs`]: `google.protobuf.Struct`, which may hold anything.
//! - [`mask`]: which fields to answer or to change.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod json;
pub(crate) mod mask;
pub(crate) mod shape;
pub(crate) mod structs;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
