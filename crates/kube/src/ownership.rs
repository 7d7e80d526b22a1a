//! Who set which field: `metadata.managedFields`, and server-side apply, which goes by it.
//!
//! Source: Kubernetes, `structured-merge-diff` and `apimachinery/pkg/util/managedfields`, as they treat custom resources that
//! have a structural schema. Everything here is pure.
//!
//! # Layout
//!
//! - `shape`: how objects are put together, from their schema. `element`, `set`, `fields_v1`: sets of fields.
//! - `items`: the items of lists. `of_value`, `compare`, `merge`, `remove`: what is done with values of a shape.
//! - `managers`: who owns which set. `record`: after a create, an update or a patch. `apply`: server-side apply, `conflict`:
//!   what stands in its way, `client_side`: what `kubectl apply` left behind when it was done by the client, `written`: what
//!   may be applied, and how it is spelt when it is stored.

mod apply;
mod client_side;
mod compare;
mod conflict;
mod element;
mod fields_v1;
mod items;
mod managers;
mod merge;
mod of_value;
mod record;
mod remove;
mod set;
mod shape;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use self::apply::{Applied, Applier, ApplyError, apply};
pub(crate) use self::conflict::{Conflict, MAX_TOLD};
pub use self::managers::{CONTROLLER, MAX_MANAGER_BYTES, Writer};
pub(crate) use self::managers::{Claim, claim_of};
pub(crate) use self::record::record_from;
pub use self::record::{record, record_status};
