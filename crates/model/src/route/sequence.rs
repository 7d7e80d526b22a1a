//! Sequences: steps that decide on a request one after another.
//!
//! # Layout
//!
//! - `definition`: a [`Sequence`] and its join with what a program has of the names in it. `operation`: what steps do.
//! - `destination`: where requests can go. `reply`: how failures are worded.
//! - `expression`: from the wire format to `backstay_expression`. `scope`: the names that expressions of one sequence can use.

mod definition;
mod destination;
mod expression;
mod operation;
mod reply;
mod scope;

pub use definition::{Linked, Resolver, Sequence, Step};
pub use destination::{Destination, DestinationKind, Member, Pool, Selection};
pub use operation::{HeaderMode, Operation, SetHeader};
pub use reply::{Cause, LocalReplies, LocalReply};

pub(super) use definition::sequence;
