//! What of a client's request goes on to the backends.

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::url::Query;

/// What of a client's request goes on to the backends.
#[derive(Clone, Debug)]
pub struct RequestRules {
    /// Which header fields go on. `Host` and what is about the client's connection alone (RFC 9110, 7.6.1) never do.
    pub headers: Admission<HeaderName>,
    /// Which parameters of the query go on. Names are compared byte by byte.
    pub query: Admission<String>,
    /// The product: `User-Agent` of the calls if the client's does not go on, and `X-Forwarded-Via` if it does.
    pub product: HeaderValue,
}

/// Which of several go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission<T> {
    /// All.
    All,
    /// Those that are listed.
    Listed(Vec<T>),
}

impl Admission<String> {
    /// Leaves out of a query what does not go on.
    pub(crate) fn apply(&self, query: &mut Query) {
        if let Self::Listed(listed) = self {
            query.retain(listed);
        }
    }
}

/// Which of the header fields that go on go to one backend.
pub type Filter = Admission<HeaderName>;

/// Which of the query's parameters that go on go to one backend.
pub type QueryFilter = Admission<String>;

impl RequestRules {
    /// The content type goes on, and nothing else.
    pub fn new(product: HeaderValue) -> Self {
        Self { headers: Admission::Listed(vec![CONTENT_TYPE]), query: Admission::Listed(Vec::new()), product }
    }
}

impl<T> Admission<T> {
    /// Whether `value` goes on.
    pub(crate) fn admits<Q>(&self, value: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
        Q: PartialEq + ?Sized,
    {
        match self {
            Self::All => true,
            Self::Listed(listed) => listed.iter().any(|known| known.borrow() == value),
        }
    }
}
