//! What a request asks for.

use backstay_destination::Authority;
use http::HeaderValue;

use super::headers::HeaderPresence;
use crate::route::Matched;

/// What a request asks for, and the rule that it is for.
pub(super) struct Asked<'a> {
    /// Its authority, as the client wrote it.
    pub(super) raw: &'a HeaderValue,
    pub(super) authority: &'a Authority<'a>,
    /// What is among its headers.
    pub(super) present: &'a HeaderPresence,
    pub(super) matched: &'a Matched<'a>,
}
