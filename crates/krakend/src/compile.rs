//! What proxies are given for a configuration.
//!
//! # Layout
//!
//! - [`Scope`]: what compiling has at hand, and where it puts what proxies need beside the route. [`Files`]: what a configuration
//!   names by path.
//! - `hosts`: backends of the model, one for each host that is called. `name`: what discovery resources are called.
//! - `component`: components of `extra_config`, a file each.

mod component;
mod files;
mod hosts;
mod name;
mod scope;

pub use self::files::{File, Files};
pub(crate) use self::hosts::Remote;
pub use self::scope::ConfigName;
pub(crate) use self::scope::Scope;
