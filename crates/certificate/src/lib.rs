//! Certificates of the project's own ports: those of the control plane, and of whoever connects to it. What Gateways show to clients of
//! theirs is configuration, and is checked in `model`.
//!
//! No message and no debug output quotes a key.
//!
//! # Layout
//!
//! - [`statement`]: what a certificate says of whom. [`material`]: PEM, read: a certificate with its key, and authorities.
//! - [`follow`]: files that are read again when they change; what was good last stays.
//! - [`authority`]: whoever signs: a certificate of its own, and those of others.
//! - [`tls`]: what both sides of TLS are built with. [`client`]: what a client shows and trusts, from files that may change.

pub mod authority;
pub mod client;
pub mod follow;
pub mod material;
pub mod statement;
pub mod tls;

pub use self::authority::{Authority, AuthorityError};
pub use self::client::{Client, ClientError, ClientFiles};
pub use self::follow::{FileError, Followed, Stamp};
pub use self::material::{MaterialError, Pair, Trust};
pub use self::statement::Statement;
pub use self::tls::{ServerProtocols, TlsError};
