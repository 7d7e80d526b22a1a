//! The Fastly dialect: services whose versions are edited as drafts and served once they are activated, over the REST API of
//! Fastly's own clients.
//!
//! # Layout
//!
//! - [`object`]: what is stored. [`FastlyService`] and its [`FastlyVersion`]s, and what needs no new version to change: the
//!   entries of access control lists and the items of dictionaries.
//! - [`api`]: the REST API that writes them.

pub mod api;
pub mod object;

pub use self::object::{FastlyAcl, FastlyDictionary, FastlyService, FastlyVersion};
