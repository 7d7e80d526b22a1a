//! What is computed from a request: a truth, a whole number, or a text. Pure: no I/O, no configuration format.
//!
//! The three types are three Rust types ([`Truth`], [`Number`], [`Text`]), so that what has the wrong type cannot be built, and
//! evaluation has no errors. Texts are bytes: headers need not be UTF-8. A text can be absent, which is not the same as empty;
//! compared, it is as empty.
//!
//! An expression names nothing: tables, address sets and destinations are indices into lists that belong to whoever evaluates it
//! ([`Request`]). So the same expression serves every version of what it looks things up in.
//!
//! # What an evaluation can cost
//!
//! There are no loops. A [`Budget`] bounds the number of parts, their depth and the regular expressions of everything that is
//! evaluated for one request; regular expressions take time that is linear in the subject; a text that would become longer
//! than [`MAX_TEXT`] is absent. Comparisons, matches and tests for presence allocate nothing, unless a header has several lines,
//! a query parameter has to be decoded, or letters have to change their case.
//!
//! # Layout
//!
//! - `truth`, `number`, `text`: the three types. `expression`: any of them, and how one is taken for another.
//! - `request`: what is asked of a request. `variable`: its parts; `path`, `query`, `cookie` take them apart. `value`: a text that
//!   has been computed.
//! - `regex`: regular expressions and replacements. `budget`: the limits.
//! - `table`, `address_set`: what things are looked up in.

mod address_set;
mod budget;
mod cookie;
mod expression;
mod number;
mod path;
pub mod query;
mod regex;
mod request;
mod table;
mod text;
mod truth;
mod value;
mod variable;

pub use address_set::{AddressSet, Conflict};
pub use budget::{Budget, Exceeded, MAX_DEPTH, MAX_PARTS, MAX_REGEXES};
pub use expression::{Expression, Type, WrongType};
pub use number::Number;
pub use regex::{InvalidRegex, InvalidReplacement, MAX_PATTERN, Regex, Replacement};
pub use request::{DestinationIndex, Request, SetIndex, TableIndex};
pub use table::Table;
pub use text::{MAX_TEXT, Text};
pub use truth::{Order, Share, Truth};
pub use value::Value;
pub use variable::{Part, Variable};

#[cfg(test)]
mod tests;
