//! Documents: what an answer says, kept as positions in the bytes that were received for as long as nobody looks inside.
//!
//! # Layout
//!
//! - `value`: values and objects, as far as they have been opened.
//! - `tape`: a scanned JSON document: a flat list of positions, no tree. `slice`: a value within one.
//! - `read`: a document to an object. `scan`: JSON to a tape, leaving out what a `selection` does not keep.
//! - `syntax`: what is wrong with a document that does not scan.

mod read;
mod scan;
mod selection;
mod slice;
mod syntax;
mod tape;
mod value;

pub use selection::{Allow, Deny};

pub(crate) use read::{Top, read};
pub(crate) use scan::{Reading, Shape, Uncovered};
pub(crate) use selection::{Keep, Member};
pub(crate) use value::{Object, Parts, Value};

#[cfg(test)]
mod tests;
