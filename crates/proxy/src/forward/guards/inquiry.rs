//! A request as guards see it.

use backstay_model::ClientAddress;
use backstay_model::route::PathTemplate;
use http::HeaderValue;
use http::request::Parts;

use crate::exchange::Exchange;

/// A request as guards see it.
#[derive(Clone, Copy)]
pub(in crate::forward) struct Inquiry<'a> {
    pub(in crate::forward) exchange: &'a Exchange,
    pub(in crate::forward) parts: &'a Parts,
    /// Its authority, as the client wrote it.
    pub(in crate::forward) authority: &'a HeaderValue,
    /// Whom it is from, where others say so.
    pub(in crate::forward) client_address: Option<&'a ClientAddress>,
    /// What its path matched, if that was one with variables.
    pub(in crate::forward) template: Option<&'a PathTemplate>,
}
