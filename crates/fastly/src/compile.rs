//! What proxies are given for services: checks of a version, and the front end of the compiler.
//!
//! # Layout
//!
//! - [`Verdict`]: what is wrong with a version, and what it says that is not done.
//! - `version`: a version as a whole. `backend`, `destinations`, `conditions`, `header`, `request_settings`, `reply`: its parts.
//!   `steps`: what is done to a request, in order. `unapplied`, `vcl`: what is not done. `uses`: what is looked up.
//!   `unknown_host`: what others get.
//! - `name`: what discovery resources are called.
//! - [`FastlyFrontEnd`]: services, as they change.

mod backend;
mod conditions;
mod destinations;
mod front_end;
mod header;
mod name;
mod reply;
mod request_settings;
mod steps;
mod unapplied;
mod unknown_host;
mod uses;
mod vcl;
mod verdict;
mod version;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use self::destinations::is_member;
pub use self::front_end::{FastlyFrontEnd, Options};
pub use self::name::backend_of;
pub use self::verdict::{Problem, Verdict};

use crate::object::{DynamicSnippet, ServiceType, VersionSpec};

/// What a version depends on beside what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the logic of its service is written in.
    pub kind: ServiceType,
    /// What dynamic snippets say, by their identifiers.
    pub dynamic_snippets: &'a BTreeMap<String, DynamicSnippet>,
    /// Names of backends that get nothing by the pool and by directors.
    pub drained: &'a BTreeSet<String>,
    /// Header that tells clients which backend a response came from. Empty: none.
    pub backend_header: &'a str,
}

/// Checks a version: whether it can be activated, and what will not be done as it says. Pure.
#[must_use]
pub fn check(version: &VersionSpec, context: &Context<'_>) -> Verdict {
    version::compile(version, context).1
}

/// The discovery resource of a backend.
#[must_use]
pub fn backend_resource(service: &str, backend: &str) -> String {
    name::backend(service, backend).to_string()
}

#[cfg(test)]
mod tests;
