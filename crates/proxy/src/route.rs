//! Which rule serves a request: the tables of [`backstay_model::route`], with rules that are joined with their backends.

use std::sync::Arc;

pub use backstay_model::route::{HeaderMatch, InvalidRegex, Matcher, Order, PathMatch, QueryMatch, ValueMatch};

use crate::config::{Rule, Unmatched};

/// Which rule serves a request on one socket.
pub type Table = backstay_model::route::Table<Arc<Rule>, Arc<Unmatched>>;
/// Collects what a [`Table`] is made of, in any order.
pub type TableBuilder = backstay_model::route::TableBuilder<Arc<Rule>, Arc<Unmatched>>;
/// One match of one rule for one host name of one listener.
pub type Candidate = backstay_model::route::Candidate<Arc<Rule>>;
/// The rule that serves a request.
pub type Matched<'a> = backstay_model::route::Matched<'a, Arc<Rule>>;
