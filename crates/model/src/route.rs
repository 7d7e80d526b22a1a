//! Routes: which rule serves a request, and what the rule does with it.
//!
//! A [`Route`] names backends; what serves requests [joins](Action::join) it to the backends there are. A [`Table`] belongs to one listening socket. The listener is chosen by host name, most specific first; within it
//! routes are tried from the most specific host name; within those, of all matches that hold, the one with the highest
//! precedence wins. Precedence is a number that arrives with the configuration: the table only honours it.
//!
//! The cost of a lookup follows the shape of the request, not the number of routes: exact paths are one hash lookup,
//! prefixes one per distinct prefix length that ends at an element of the path. Only regular expressions are tried one by
//! one, and only while they could still win.

//!
//! # Layout
//!
//! - `definition`: a [`Route`], and the [`Candidate`]s it has on a listener. `rule`, `filter`, `matches`: its parts, each with
//!   its `read` from the wire format. [`guards`]: what requests have to pass before the action. `reply`: answers that an operator
//!   wrote. `reference`: backends by name.
//! - [`composition`]: one response out of the answers of several backends, as `backstay-composition` makes it.
//! - [`sequence`]: steps, an action whose expressions are evaluated by `backstay-expression`.
//! - `unmatched`: how requests are answered that no rule matches. `client_address`: whom a request is from, where others say so.
//! - `table`: the order of matches, and the search. `hosts`, `paths`, `templates`: what it looks at. `template`: paths with variables.

mod client_address;
pub mod composition;
mod definition;
mod expressions;
mod filter;
pub mod guards;
mod hosts;
mod matches;
mod paths;
mod reference;
mod reply;
mod rule;
pub mod sequence;
mod table;
mod template;
mod templates;
mod unmatched;

pub use client_address::ClientAddress;
pub use composition::Composition;
pub use definition::{Attachment, Route, Rule, RuleMatch};
pub use filter::{Edits, Filters, HeaderEdit, Mirror, PathEdit};
pub use matches::{HeaderMatch, InvalidRegex, Matcher, PathMatch, QueryMatch, ValueMatch};
pub use reply::{InsteadOf, Redirect, Respond};
pub use rule::{Action, Echo, Forward, Target, WeightedTarget, WeightedTargets};
pub use table::{Candidate, Matched, Order, Table, TableBuilder, Unmatched};
pub use template::{DecodedPath, Element, InvalidVariable, PathTemplate};
pub use unmatched::{Manners, cleaned, encoded_path};
