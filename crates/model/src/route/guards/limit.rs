//! How many requests may pass.

mod read;

use std::sync::Arc;

use backstay_limiter::Rate;
use http::{HeaderName, StatusCode};

/// How many requests may pass, of everyone together or of each client apart.
#[derive(Clone, Debug)]
pub struct RequestLimit {
    /// What its state is kept by.
    pub key: Arc<str>,
    /// How fast tokens gather, and how many there can be.
    pub rate: Rate,
    /// Who shares a bucket.
    pub sharing: Sharing,
    /// Of the answer when there is no token.
    pub status: StatusCode,
}

/// Who shares a bucket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sharing {
    /// All.
    Everyone,
    /// Those of one client address: the first value of the header if there is one that is an address, else the client's.
    Address(Option<HeaderName>),
    /// Those that send one value of the header. Without one there is no token.
    Header(HeaderName),
    /// Those with one value of this variable of the path. Without one there is no token.
    Parameter(Box<str>),
}
