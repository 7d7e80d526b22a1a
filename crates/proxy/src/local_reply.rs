//! Answers the proxy gives itself instead of an upstream's.

use std::borrow::Cow;

use backstay_upstream::Unresolved;
use http::StatusCode;

/// Why the proxy answered itself, in the letters operators know from Envoy's `%RESPONSE_FLAGS%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// `-`: nothing to report.
    None,
    /// `NR`: no route for the request.
    NoRoute,
    /// `NC`: the backend that the route names does not exist.
    NoCluster,
    /// `UH`: no endpoint to send to.
    NoHealthyUpstream,
    /// `UF`: no connection to the endpoint.
    UpstreamConnectionFailure,
    /// `UC`: the endpoint closed the connection.
    UpstreamConnectionTermination,
    /// `UR`: the endpoint reset the stream.
    UpstreamRemoteReset,
    /// `UPE`: the endpoint's answer is not HTTP.
    UpstreamProtocolError,
    /// `UT`: a timeout of the route.
    UpstreamRequestTimeout,
    /// `SI`: nothing moved for too long in either direction.
    StreamIdleTimeout,
    /// `DT`: a request took longer than its listener allows.
    DownstreamMaxDuration,
    /// `UO`: a limit on the backend.
    UpstreamOverflow,
    /// `URX`: all retries used up.
    UpstreamRetryLimitExceeded,
    /// `DF`: the name could not be resolved.
    DnsFailure,
    /// `LD`: the request has come back too often. Envoy has no flag for it.
    LoopDetected,
    /// `RL`: more requests than a rate limit lets pass.
    RateLimited,
    /// `DC`: the client went away.
    DownstreamConnectionTermination,
    /// `DPE`: the request is not valid HTTP.
    DownstreamProtocolError,
}

impl Flag {
    /// The letters that go in the access log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::NoRoute => "NR",
            Self::NoCluster => "NC",
            Self::NoHealthyUpstream => "UH",
            Self::UpstreamConnectionFailure => "UF",
            Self::UpstreamConnectionTermination => "UC",
            Self::UpstreamRemoteReset => "UR",
            Self::UpstreamProtocolError => "UPE",
            Self::UpstreamRequestTimeout => "UT",
            Self::StreamIdleTimeout => "SI",
            Self::DownstreamMaxDuration => "DT",
            Self::UpstreamOverflow => "UO",
            Self::UpstreamRetryLimitExceeded => "URX",
            Self::DnsFailure => "DF",
            Self::LoopDetected => "LD",
            Self::RateLimited => "RL",
            Self::DownstreamConnectionTermination => "DC",
            Self::DownstreamProtocolError => "DPE",
        }
    }
}

/// An answer of the proxy's own: what the client sees, and what the access log says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// Status sent to the client.
    pub status: StatusCode,
    /// Body sent as `text/plain`, exactly so; empty sends none.
    pub body: Cow<'static, str>,
    /// Reason for the access log.
    pub flag: Flag,
    /// Details for the access log, one word, as Envoy's `%RESPONSE_CODE_DETAILS%`.
    pub details: Cow<'static, str>,
}

impl LocalReply {
    /// A reply whose texts are known at compile time.
    pub const fn fixed(status: StatusCode, body: &'static str, flag: Flag, details: &'static str) -> Self {
        Self { status, body: Cow::Borrowed(body), flag, details: Cow::Borrowed(details) }
    }
}

impl From<Unresolved> for LocalReply {
    fn from(Unresolved { status, body, details, of_dns }: Unresolved) -> Self {
        Self { status, body, flag: if of_dns { Flag::DnsFailure } else { Flag::None }, details }
    }
}
