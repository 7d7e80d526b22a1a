//! JSON documents, checked against a schema: drafts 4, 6 and 7 of JSON Schema, and what they have in common where a schema names none.
//!
//! Verdicts and the texts of what is wrong are those of `gojsonschema` 1.2, which the gateways that this stands in for have: their
//! clients compare bytes. Numbers are compared as the decimals that they are written as.
//!
//! Nothing is ever fetched: a `$ref` leads to a part of the schema, or the schema is refused. What a schema may take is bounded when it
//! is compiled ([`Schema::MAX_BYTES`], [`Schema::MAX_NODES`], [`Schema::MAX_PATTERNS`]), and what a check may take by the steps that it
//! is given, since a schema of a few lines can ask for more than a year of work (each of two choices has two choices, and so on).
//!
//! # Layout
//!
//! - `value`: a document. `read`: bytes to a document. `decimal`: numbers. `canonical`: documents as texts that are compared.
//! - `schema`: a schema, compiled. `compile`: a document to a schema. `reference`: where a `$ref` leads.
//! - `validate`: a document against a schema. `violation`: what is wrong with it. `format`: the texts that `format` names.

mod canonical;
mod compile;
mod decimal;
mod format;
mod read;
mod reference;
mod schema;
mod validate;
mod value;
mod violation;

pub use compile::SchemaError;
pub use read::ReadError;
pub use schema::{Ignored, Schema};
pub use validate::Invalid;
pub use value::Value;
pub use violation::Violation;
