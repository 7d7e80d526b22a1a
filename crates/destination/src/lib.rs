//! Where requests may go: host names and patterns, authorities, addresses, and how names are looked up. Pure, and without
//! dependencies: everything that reads a host reads it here, from the API's validation to the request path.
//!
//! It is a crate of its own, not a part of the checked configuration (`backstay-model`), because that knows the wire format, and
//! what a DNS cache or the validation of an API object has to know about a name does not include the wire format. Crates point
//! down: the cache, the resources, the compiler, the model and the proxy all depend on this one, and it on none of them.
//!
//! # Layout
//!
//! - [`kubernetes`]: what an API object may say, with the sentences of Kubernetes.
//! - [`hostname`]: which names can be served or asked for, and which of them a listener and a route share.
//! - [`HostPattern`]: the names that a listener, a route or an allow-list covers.
//! - [`Authority`]: the host that a request names. [`Target`]: the one it is sent to.
//! - [`AddressRules`], [`Network`]: which addresses may be dialled. [`lookup`]: how a cache of names is told to ask.
//!
//! # How strict
//!
//! A host is read at five places, and what each takes differs on purpose. From the strictest to the most lenient:
//!
//! | function | takes | beyond the one before it |
//! |---|---|---|
//! | [`kubernetes::precise_hostname`] | what a user may write in an API object | |
//! | [`hostname::is_name`] | what is compiled | upper case, `_`, IPv4 addresses |
//! | [`hostname::is_dns_name`] | what a DNS server is asked for | hyphens at either end of a label; but no last label that some program takes for a number, so no addresses |
//! | [`HostPattern::parse`] | what a proxy serves | IP addresses, any last label, a trailing dot |
//! | [`Authority::parse`] | what a client may send | every mark that RFC 3986 has for a host |
//!
//! A name is refused where an operator can mend it. A request that names a host which nobody serves has no route, which is
//! a clearer answer than that its host is malformed.

mod authority;
mod dial;
pub mod hostname;
pub mod kubernetes;
pub mod lookup;
mod pattern;
mod rules;

pub use authority::Authority;
pub use dial::{AuthorityError, Target, TargetName};
pub use pattern::{HostPattern, InvalidHost};
pub use rules::{AddressRules, Network, NetworkError};

/// Longest domain name in bytes, without the root label (RFC 1035, 2.3.4).
pub const MAX_NAME: usize = 253;
/// Longest label of a domain name in bytes (RFC 1035, 2.3.4).
pub const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests;
