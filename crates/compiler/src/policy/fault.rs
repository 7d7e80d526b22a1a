use std::sync::Arc;

use backstay_resources::GoDuration;

/// Why a BackendPolicy cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyFault {
    #[error("it does not have the shape of a BackendPolicy: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("{0}")]
    Invalid(String),
}

/// Why a section of a BackendPolicy cannot apply to a Backend. The other sections do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    #[error("spec.tls cannot apply to Backend {0}, which does not use TLS: give it protocol tls or h2")]
    TlsOnPlaintext(Arc<str>),
    #[error("spec.tls.alpn cannot apply to Backend {0}: {1}")]
    Alpn(Arc<str>, &'static str),
    #[error(
        "spec.{1} cannot apply to Backend {0}, which has dynamicProxy: its requests say where they go, so there are no \
         endpoints to choose from"
    )]
    NeedsEndpoints(Arc<str>, &'static str),
    #[error("spec.dynamicProxy cannot apply to Backend {0}, which does not have dynamicProxy")]
    NeedsDynamicProxy(Arc<str>),
    #[error("spec.endpoints[{1}] names {2:?}, which is no endpoint of Backend {0}")]
    NoSuchEndpoint(Arc<str>, usize, String),
    #[error("spec.discovery.{1} cannot apply to Backend {0}, none of whose endpoints has an fqdn")]
    NothingToDiscover(Arc<str>, &'static str),
    #[error("spec.discovery.srv cannot apply to Backend {0}: the name {1:?} is longer than the 253 bytes of DNS")]
    LongName(Arc<str>, String),
    #[error("spec.host.automatic cannot apply to Backend {0}, which has dynamicProxy: the request's own host is sent")]
    AutomaticAlready(Arc<str>),
    #[error("spec.host.automatic cannot apply to Backend {0}, none of whose endpoints has an fqdn to send")]
    NoNameToSend(Arc<str>),
    #[error("spec.{1} cannot apply to Backend {0}, which does not speak HTTP/2: give it protocol h2 or h2c")]
    NeedsHttp2(Arc<str>, String),
    #[error("spec.{1} cannot apply to Backend {0}, which speaks HTTP/2: give it another protocol than h2 or h2c")]
    NeedsHttp1(Arc<str>, String),
    #[error("spec.discovery.dnsLookupFamily cannot apply to Backend {0}, none of whose endpoints has an fqdn")]
    NoNames(Arc<str>),
    #[error("spec.dynamicProxy.dns.strictAuto cannot apply to Backend {0}, whose dnsLookupFamily is not auto")]
    NotAuto(Arc<str>),
    #[error(
        "spec.dynamicProxy.dns.failureMax cannot apply to Backend {0}: it is shorter than the first wait, which is {1}, \
         its dnsRefreshRate; set failureBase"
    )]
    ShortFailureMax(Arc<str>, GoDuration),
}

impl Misfit {
    /// The reason that the condition `Accepted` gives.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Misfit::NoSuchEndpoint(..) => "EndpointNotFound",
            _ => "Invalid",
        }
    }
}
