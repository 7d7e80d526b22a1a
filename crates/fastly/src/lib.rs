//! The Fastly dialect: services whose versions are edited as drafts and served once they are activated, over the REST API of
//! Fastly's own clients.
//!
//! # Layout
//!
//! - [`object`]: what is stored. [`FastlyService`] and its [`FastlyVersion`]s, and what needs no new version to change: the
//!   entries of access control lists and the items of dictionaries.
//! - [`api`]: the REST API that writes them.
//! - [`compile`]: whether a version can be served, and what proxies are given for services.
//! - [`condition`]: VCL conditions.

pub mod api;
pub mod compile;
pub mod condition;
pub mod object;

pub use self::compile::{FastlyFrontEnd, check};
pub use self::object::{FastlyAcl, FastlyDictionary, FastlyService, FastlyVersion};
