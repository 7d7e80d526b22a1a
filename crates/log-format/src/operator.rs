//! What a piece of a format string stands for.

use http::HeaderName;

use crate::TimeFormat;

/// What a piece of a format string stands for. The names are Envoy's, and so is what they mean unless it is said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `START_TIME(FORMAT)`: when the request's head had come.
    StartTime(TimeFormat),
    /// `REQ(NAME?ALTERNATIVE)`: a header of the request as it came, but for those that tell of the client, which are as they go on.
    Request(Header, Option<Header>),
    /// `RESP(NAME?ALTERNATIVE)`: a header of the answer as the client gets it.
    Response(HeaderName, Option<HeaderName>),
    /// `TRAILER(NAME?ALTERNATIVE)`: a trailer of the answer.
    Trailer(HeaderName, Option<HeaderName>),
    /// A number of milliseconds since the request's head had come.
    Milliseconds(Moment),
    /// `PROTOCOL`.
    Protocol,
    /// `RESPONSE_CODE`: 0 where the client left before there was one.
    Status,
    /// `RESPONSE_CODE_DETAILS`.
    Details,
    /// `CONNECTION_TERMINATION_DETAILS`: no connection is ended by a filter here, so that there never are any.
    TerminationDetails,
    /// `RESPONSE_FLAGS`.
    Flags,
    /// `UPSTREAM_TRANSPORT_FAILURE_REASON`: what a connection failed with.
    TransportFailure,
    /// `BYTES_RECEIVED`.
    BytesReceived,
    /// `BYTES_SENT`.
    BytesSent,
    /// `UPSTREAM_HOST`, `UPSTREAM_REMOTE_ADDRESS`.
    UpstreamAddress,
    /// `UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT`.
    UpstreamIp,
    /// `UPSTREAM_REMOTE_PORT`.
    UpstreamPort,
    /// `UPSTREAM_LOCAL_ADDRESS`: this end of the connection to the endpoint.
    UpstreamLocalAddress,
    /// `UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT`.
    UpstreamLocalIp,
    /// `UPSTREAM_LOCAL_PORT`.
    UpstreamLocalPort,
    /// `UPSTREAM_CLUSTER`, `UPSTREAM_CLUSTER_RAW`: the backend.
    Backend,
    /// `UPSTREAM_REQUEST_ATTEMPT_COUNT`.
    Attempts,
    /// `ROUTE_NAME`: the route's resource.
    Route,
    /// `DOWNSTREAM_REMOTE_ADDRESS`, `DOWNSTREAM_DIRECT_REMOTE_ADDRESS`: of the connection, since that is the only one believed.
    ClientAddress,
    /// The same `_WITHOUT_PORT`.
    ClientIp,
    /// `DOWNSTREAM_REMOTE_PORT` and `DOWNSTREAM_DIRECT_REMOTE_PORT`.
    ClientPort,
    /// `DOWNSTREAM_LOCAL_ADDRESS`.
    LocalAddress,
    /// `DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT`.
    LocalIp,
    /// `DOWNSTREAM_LOCAL_PORT`.
    LocalPort,
    /// `DOWNSTREAM_TLS_VERSION`.
    TlsVersion,
    /// `DOWNSTREAM_TLS_CIPHER`.
    TlsCipher,
    /// `REQUESTED_SERVER_NAME`.
    ServerName,
    /// `TRACE_ID`.
    TraceId,
    /// `SPAN_ID`.
    SpanId,
    /// `HOSTNAME`: of the machine that the proxy runs on.
    Hostname,
}

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// One that is none.
    Pseudo(Pseudo),
    /// One of this name.
    Named(HeaderName),
}

/// What HTTP/2 has among the headers, and HTTP/1.1 before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pseudo {
    /// `:method`.
    Method,
    /// `:path`: path and query as they came, whatever was rewritten.
    Path,
    /// `:authority`.
    Authority,
    /// `:scheme`.
    Scheme,
}

/// What the time of is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `DURATION`: the end of the answer.
    End,
    /// `RESPONSE_DURATION`: the answer's head.
    ResponseHead,
    /// `RESPONSE_TX_DURATION`: from there to the end.
    ResponseBody,
}

impl Operator {
    /// The operators that take no argument, by their names.
    pub(crate) const PLAIN: &[(&'static str, Self)] = &[
        ("DURATION", Self::Milliseconds(Moment::End)),
        ("RESPONSE_DURATION", Self::Milliseconds(Moment::ResponseHead)),
        ("RESPONSE_TX_DURATION", Self::Milliseconds(Moment::ResponseBody)),
        ("PROTOCOL", Self::Protocol),
        ("RESPONSE_CODE", Self::Status),
        ("RESPONSE_CODE_DETAILS", Self::Details),
        ("CONNECTION_TERMINATION_DETAILS", Self::TerminationDetails),
        ("RESPONSE_FLAGS", Self::Flags),
        ("UPSTREAM_TRANSPORT_FAILURE_REASON", Self::TransportFailure),
        ("BYTES_RECEIVED", Self::BytesReceived),
        ("BYTES_SENT", Self::BytesSent),
        ("UPSTREAM_HOST", Self::UpstreamAddress),
        ("UPSTREAM_REMOTE_ADDRESS", Self::UpstreamAddress),
        ("UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Self::UpstreamIp),
        ("UPSTREAM_REMOTE_PORT", Self::UpstreamPort),
        ("UPSTREAM_LOCAL_ADDRESS", Self::UpstreamLocalAddress),
        ("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", Self::UpstreamLocalIp),
        ("UPSTREAM_LOCAL_PORT", Self::UpstreamLocalPort),
        ("UPSTREAM_CLUSTER", Self::Backend),
        ("UPSTREAM_CLUSTER_RAW", Self::Backend),
        ("UPSTREAM_REQUEST_ATTEMPT_COUNT", Self::Attempts),
        ("ROUTE_NAME", Self::Route),
        ("DOWNSTREAM_REMOTE_ADDRESS", Self::ClientAddress),
        ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS", Self::ClientAddress),
        ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Self::ClientIp),
        ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", Self::ClientIp),
        ("DOWNSTREAM_REMOTE_PORT", Self::ClientPort),
        ("DOWNSTREAM_DIRECT_REMOTE_PORT", Self::ClientPort),
        ("DOWNSTREAM_LOCAL_ADDRESS", Self::LocalAddress),
        ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", Self::LocalIp),
        ("DOWNSTREAM_LOCAL_PORT", Self::LocalPort),
        ("DOWNSTREAM_TLS_VERSION", Self::TlsVersion),
        ("DOWNSTREAM_TLS_CIPHER", Self::TlsCipher),
        ("REQUESTED_SERVER_NAME", Self::ServerName),
        ("TRACE_ID", Self::TraceId),
        ("SPAN_ID", Self::SpanId),
        ("HOSTNAME", Self::Hostname),
    ];

    /// The names of all operators, as a sentence lists them.
    #[must_use]
    pub fn list() -> String {
        let plain = Self::PLAIN.iter().map(|(name, _)| *name);
        ["START_TIME", "REQ", "RESP", "TRAILER"].into_iter().chain(plain).collect::<Vec<_>>().join(", ")
    }

    /// Header names that it needs of the request.
    pub fn request_headers(&self) -> impl Iterator<Item = &HeaderName> {
        let both = match self {
            Self::Request(first, second) => [Some(first), second.as_ref()],
            _ => [None, None],
        };
        both.into_iter().flatten().filter_map(|header| match header {
            Header::Named(name) => Some(name),
            Header::Pseudo(_) => None,
        })
    }

    /// Header names that it needs of the answer.
    pub fn response_headers(&self) -> impl Iterator<Item = &HeaderName> {
        let both = match self {
            Self::Response(first, second) => [Some(first), second.as_ref()],
            _ => [None, None],
        };
        both.into_iter().flatten()
    }

    /// Names of trailers that it needs of the answer.
    pub fn trailers(&self) -> impl Iterator<Item = &HeaderName> {
        let both = match self {
            Self::Trailer(first, second) => [Some(first), second.as_ref()],
            _ => [None, None],
        };
        both.into_iter().flatten()
    }
}
