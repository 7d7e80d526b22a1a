//! What users write, turned into what proxies receive: resources to `backstay.config.v1`. Pure: no I/O, no clock, no
//! threads, and the same objects give the same bytes on every replica.
//!
//! [`Compiler::apply`] takes changes of objects and returns what changed because of them: resources per fleet, and the
//! conditions of objects. A change recompiles what depends on it, not the world. What cannot be compiled keeps its last
//! good compilation, says why in its own status, and touches nothing else.
//!
//! # Layout
//!
//! - [`change`](ObjectKey), [`output`](Output): what goes in and what comes out.
//! - `compiler`: the tables of objects, the links between them, and the steps of one `apply`.
//! - `backend`, `policy`, `secret`, `gateway`, `route`: what one object of a kind compiles to, given what it refers to.
//! - `source`: the last good version of an object. `fleet`: what the
//!   proxies of each fleet hold. `kept`: Secrets as they last could serve. `index`: links that can be followed backwards. `usage`: which fleets need a resource.
//!   `features`: what of the Gateway API is done.

mod backend;
mod change;
mod compiler;
mod features;
mod fleet;
mod gateway;
mod index;
mod kept;
mod output;
mod policy;
mod route;
mod secret;
mod source;
mod usage;

use backstay_destination::hostname;

pub use self::change::{Change, ObjectKey};
pub use self::compiler::{Compiler, Options};
pub use self::features::SUPPORTED_FEATURES;
pub use self::kept::{Kept, KeptName};
pub use self::output::{CONDITION_TYPES, Finding, ListenerReport, ObjectStatus, Output, ParentReport, Program, Report};
pub use self::secret::Role;
