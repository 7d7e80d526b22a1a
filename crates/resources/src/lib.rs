//! What users write: the kinds of objects, their defaults, validation, JSON schema and table columns. No I/O.
//!
//! # Layout
//!
//! - [`kind`]: what is known of a kind of object without its Rust type; [`kind::KINDS`] lists them all.
//! - [`object`]: any object, as API machinery handles it; [`meta`]: the metadata that all have.
//! - [`apoxy`], [`gateway`], [`backstay`], [`core`]: the kinds of each API group, as Rust types.
//! - [`duration`]: Go duration strings; [`field`]: errors that name a field.

pub mod apoxy;
pub mod backstay;
pub mod core;
pub mod duration;
pub mod field;
pub mod gateway;
pub mod kind;
pub mod meta;
pub mod object;
pub mod schema;

pub use self::duration::GoDuration;
pub use self::field::{FieldError, FieldPath};
pub use self::kind::{KINDS, Kind, Scope};
pub use self::meta::{Condition, ConditionStatus, ObjectMeta, Timestamp};
pub use self::object::{Object, Resource};
