//! Who sends a request, and what they may do. It knows no dialect: each says what its requests are about, and words refusals as its
//! clients expect.
//!
//! # Layout
//!
//! - [`identity`]: who it is. [`peer`]: the other end of a connection, and the certificate it has shown. [`proxies`]: which fleets a proxy
//!   may join, by what it shows.
//! - [`digest`]: tokens as they are stored: their hash alone. [`file`](mod@file): a file of them. [`tokens`]: following that file, and
//!   looking tokens up. [`jwt`]: signed tokens of an issuer.
//! - [`authenticator`]: everything that tells who sends a request, asked in order. [`failures`]: addresses that have failed too often.
//! - [`attributes`]: what a request is about. [`roles`]: who may do what. [`authorizer`]: deciding it, and following the file of
//!   roles. [`caller`]: both, for whatever answers a request.
//! - [`shares`]: what is in flight, shared fairly between users. [`audit`]: who has done what.

pub mod attributes;
pub mod audit;
pub mod authenticator;
pub mod authorizer;
pub mod caller;
pub mod digest;
pub mod failures;
pub mod file;
pub mod identity;
pub mod jwt;
pub mod peer;
pub mod proxies;
pub mod roles;
pub mod shares;
pub mod tokens;

pub use self::attributes::Attributes;
pub use self::audit::{Audit, AuditCounts, AuditOptions};
pub use self::authenticator::{Authenticator, AuthenticatorOptions};
pub use self::authorizer::Authorizer;
pub use self::caller::Caller;
pub use self::digest::{Digest, new_token};
pub use self::file::{FileError, TokenEntry};
pub use self::identity::{Credential, Scope, User};
pub use self::peer::{CertificateAuthority, ClientCertificate, Peer};
pub use self::proxies::{Account, AccountError, Accounts, NotProved, Proxies, Proxy, TrustDomain, TrustDomainError};
pub use self::roles::{Decision, Policy, PolicyError};
pub use self::tokens::{Denied, Tokens};
