//! What users write: the kinds of objects, their defaults, validation, JSON schema and table columns. No I/O.
//!
//! # Layout
//!
//! - [`kind`]: what is known of a kind of object without its Rust type; [`Registry`] lists those that are served.
//! - [`object`]: any object, as API machinery handles it; [`meta`]: the metadata that all have.
//! - [`apoxy`], [`gateway`], [`backstay`], [`core`]: the kinds of each API group, as Rust types.
//! - [`event`]: what happened to objects, which is kept in memory and is no part of the registry.
//! - [`decode`]: from bytes to JSON values; [`check`]: from any JSON value to a checked object.
//! - [`table`], [`age`]: cells of `kubectl get`. [`duration`]: Go duration strings; [`name`]: the syntax of names; [`field`]: errors that name a field.

pub mod age;
pub mod apoxy;
pub mod backstay;
mod body;
pub mod check;
pub mod coordination;
pub mod core;
pub mod decode;
pub mod duration;
pub mod event;
pub mod field;
pub mod gateway;
pub mod kind;
mod members;
pub mod meta;
pub mod name;
pub mod object;
mod registry;
pub mod schema;
pub mod table;

pub use self::check::{Admitted, admit};
pub use self::duration::GoDuration;
pub use self::field::{FieldError, FieldPath, Surplus};
pub use self::kind::{Kind, Scope, Verb};
pub use self::meta::{Condition, ConditionStatus, ManagedFields, ObjectMeta, Timestamp};
pub use self::object::{Changed, Object, Resource};
pub use self::registry::{Registry, RegistryError};
