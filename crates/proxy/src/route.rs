//! Which rule serves a request.
//!
//! A [`Table`] belongs to one listening socket. The listener is chosen by host name, most specific first; within it
//! routes are tried from the most specific host name; within those, of all matches that hold, the one with the highest
//! precedence wins. Precedence is a number that arrives with the configuration: the table only honours it.
//!
//! The cost of a lookup follows the shape of the request, not the number of routes: exact paths are one hash lookup,
//! prefixes one per distinct prefix length that ends at an element of the path. Only regular expressions are tried one by
//! one, and only while they could still win.

mod hosts;
mod matches;
mod paths;
mod query;
mod table;

pub use matches::{HeaderMatch, InvalidRegex, Matcher, PathMatch, QueryMatch, ValueMatch};
pub use table::{Candidate, Matched, Order, Table, TableBuilder};
