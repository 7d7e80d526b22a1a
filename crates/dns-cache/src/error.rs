//! Why a request gets no address, in the words Envoy answers with.

use std::borrow::Cow;
use std::sync::Arc;

use backstay_destination::AuthorityError;

/// Why a request gets no address.
///
/// [`status`](Self::status), [`body`](Self::body), [`details`](Self::details) and [`flag`](Self::flag) are what Envoy's dynamic
/// forward proxy answers and logs in the same case, so that dashboards and alerts carry over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LookupError {
    /// The request's authority leads nowhere.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The cache holds as many hosts as it may.
    #[error("the DNS cache holds as many hosts as it may")]
    Overflow,
    /// As many requests as may wait for a lookup do so already.
    #[error("as many requests as may wait for a DNS lookup do so already")]
    PendingOverflow,
    /// The name has no address. The reason has no blanks.
    #[error("the name could not be resolved: {0}")]
    Failed(Arc<str>),
}

impl LookupError {
    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Authority(AuthorityError::Empty) => 400,
            _ => 503,
        }
    }

    /// The body to answer with, as `text/plain`.
    #[must_use]
    pub fn body(&self) -> &'static str {
        match self {
            Self::Authority(AuthorityError::Empty) => "Empty host header",
            Self::Authority(AuthorityError::Malformed) | Self::Failed(_) => "DNS resolution failure",
            Self::Overflow => "DNS cache overflow",
            Self::PendingOverflow => "Dynamic forward proxy pending request overflow",
        }
    }

    /// The response code details to log.
    #[must_use]
    pub fn details(&self) -> Cow<'static, str> {
        match self {
            Self::Authority(AuthorityError::Empty) => "empty_host_header".into(),
            Self::Authority(AuthorityError::Malformed) => "dns_resolution_failure{misformatted_domain_name}".into(),
            Self::Overflow => "dns_cache_overflow".into(),
            Self::PendingOverflow => "dynamic_forward_proxy_pending_request_overflow".into(),
            Self::Failed(reason) => format!("dns_resolution_failure{{{reason}}}").into(),
        }
    }

    /// The response flag to log. Only failed resolution has one.
    #[must_use]
    pub fn flag(&self) -> Option<&'static str> {
        matches!(self, Self::Authority(AuthorityError::Malformed) | Self::Failed(_)).then_some("DF")
    }
}
