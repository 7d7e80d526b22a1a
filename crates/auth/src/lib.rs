//! Who sends a request, and what they may do. It knows no dialect: each finds the token where its clients put it, and words
//! refusals as they expect.
//!
//! # Layout
//!
//! - [`identity`]: who it is, and what they may do.
//! - [`peer`]: the other end of a connection, and the certificate it has shown.
//! - [`proxies`]: which fleets a proxy may join, by what it shows.
//! - [`digest`]: tokens as they are stored: their hash alone.
//! - [`file`](mod@file): a file of tokens. [`tokens`]: following that file, and looking tokens up.

pub mod digest;
pub mod file;
pub mod identity;
pub mod peer;
pub mod proxies;
pub mod tokens;

pub use self::digest::{Digest, new_token};
pub use self::file::{FileError, TokenEntry};
pub use self::identity::{Access, Identity, Scope};
pub use self::peer::{ClientCertificate, Peer};
pub use self::proxies::{NotProved, Proxies, Proxy, TrustDomain, TrustDomainError};
pub use self::tokens::{Denied, Tokens};
