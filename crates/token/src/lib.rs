//! JSON Web Tokens (RFC 7519): read, verified, judged and signed. Pure: no I/O, no clock of its own, no dialect.
//!
//! What is accepted is the smallest that real identity providers send, as RFC 8725 advises: the compact form alone, one algorithm
//! that the configuration names, keys of the type that belongs to it, no extensions that must be understood, no member of an
//! object twice. Keys come from the configuration and never from the token: `jwk`, `jku`, `x5c` and `x5u` in a token's header are
//! not looked at.
//!
//! # Layout
//!
//! - `algorithm`: how tokens are signed. `jwk`: keys (RFC 7517). `jws`: tokens in their compact form (RFC 7515).
//! - `claims`: what a token says, and when it counts. `access`: whether that is enough.
//! - `text`: what a claim is where text is wanted.
//! - `sign`: tokens that are made here. `revocation`: tokens that do not count any more.
//! - `json`: JSON in which no member is there twice.

mod access;
mod algorithm;
mod claims;
mod json;
mod jwk;
mod jws;
mod refusal;
mod revocation;
mod sign;
mod text;

pub use access::{Roles, Scopes};
pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claims::{Claims, Expected};
pub use jwk::{KeyIdentity, KeySet, KeySetError, MAX_KEY_SET, MAX_KEYS};
pub use jws::{MAX_TOKEN, Unverified, fingerprint};
pub use refusal::Refusal;
pub use revocation::{Filter, FilterError};
pub use sign::{Form, Signer, SignerError};
pub use text::{claim_path, claim_text};
