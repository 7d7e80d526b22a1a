//! The destination that a sequence has selected for a request.
//!
//! # Layout
//!
//! - `choice`: which member of a destination gets a request.
//! - `selected`: what is known of that while the request is under way, and which member is next when there is no connection to be had.
//! - `edits`: what the response gets, whoever it comes from.

mod choice;
mod edits;
mod selected;

pub(super) use choice::{Choice, choose, is_healthy};
pub(super) use edits::{ResponseEdits, set};
pub(super) use selected::Selected;
