/// What came back from an attempt.
#[derive(Clone, Copy)]
pub struct AttemptResponse<'a> {
    /// HTTP status.
    pub status: u16,
    /// `grpc-status` in the head of the answer; not that of trailers, which come too late.
    pub grpc_status: Option<u16>,
    /// Whether the head has a header of this name, in lower case.
    pub has_header: &'a dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for AttemptResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttemptResponse").field("status", &self.status).field("grpc_status", &self.grpc_status).finish()
    }
}

/// How an attempt ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The connection could not be established, time-outs included.
    Connect,
    /// Lost or reset before any of the request had been written.
    BeforeRequest,
    /// The endpoint refused the stream, unprocessed (HTTP/2 `REFUSED_STREAM`, or beyond the last stream of a `GOAWAY`).
    Refused,
    /// Lost or reset before the answer.
    Reset,
    /// The timeout of one attempt passed.
    PerTryTimeout,
    /// A limit was reached. Never sent again: that would be more of what is too much already.
    Overflow,
}

/// Conditions under which a request is sent again, by Envoy's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetryOn(u16);

const NAMES: [(&str, RetryOn); 14] = [
    ("5xx", RetryOn::SERVER_ERROR),
    ("gateway-error", RetryOn::GATEWAY_ERROR),
    ("reset", RetryOn::RESET),
    ("reset-before-request", RetryOn::RESET_BEFORE_REQUEST),
    ("connect-failure", RetryOn::CONNECT_FAILURE),
    ("refused-stream", RetryOn::REFUSED_STREAM),
    ("retriable-4xx", RetryOn::RETRIABLE_4XX),
    ("retriable-status-codes", RetryOn::RETRIABLE_STATUSES),
    ("retriable-headers", RetryOn::RETRIABLE_HEADERS),
    ("cancelled", RetryOn::CANCELLED),
    ("deadline-exceeded", RetryOn::DEADLINE_EXCEEDED),
    ("internal", RetryOn::INTERNAL),
    ("resource-exhausted", RetryOn::RESOURCE_EXHAUSTED),
    ("unavailable", RetryOn::UNAVAILABLE),
];

impl RetryOn {
    /// `5xx`: an answer of 500 to 599, or none.
    pub const SERVER_ERROR: Self = Self(1);
    /// `gateway-error`: an answer of 502, 503 or 504, or none.
    pub const GATEWAY_ERROR: Self = Self(1 << 1);
    /// `reset`: no answer.
    pub const RESET: Self = Self(1 << 2);
    /// `reset-before-request`: no answer, and none of the request was written.
    pub const RESET_BEFORE_REQUEST: Self = Self(1 << 3);
    /// `connect-failure`: no connection.
    pub const CONNECT_FAILURE: Self = Self(1 << 4);
    /// `refused-stream`.
    pub const REFUSED_STREAM: Self = Self(1 << 5);
    /// `retriable-4xx`: an answer of 409.
    pub const RETRIABLE_4XX: Self = Self(1 << 6);
    /// `retriable-status-codes`: a status in a list of the policy.
    pub const RETRIABLE_STATUSES: Self = Self(1 << 7);
    /// `retriable-headers`: a header in a list of the policy.
    pub const RETRIABLE_HEADERS: Self = Self(1 << 8);
    /// gRPC status 1.
    pub const CANCELLED: Self = Self(1 << 9);
    /// gRPC status 4.
    pub const DEADLINE_EXCEEDED: Self = Self(1 << 10);
    /// gRPC status 13.
    pub const INTERNAL: Self = Self(1 << 11);
    /// gRPC status 8.
    pub const RESOURCE_EXHAUSTED: Self = Self(1 << 12);
    /// gRPC status 14.
    pub const UNAVAILABLE: Self = Self(1 << 13);

    /// The condition of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, condition)| *condition)
    }

    /// The names of all conditions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Either condition.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `others` is among them.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub(super) fn covers_failure(self, failure: Failure) -> bool {
        if failure == Failure::Overflow {
            return false;
        }
        // The client would have seen a 503 or 504.
        self.has(Self::RESET.or(Self::SERVER_ERROR).or(Self::GATEWAY_ERROR))
            || match failure {
                Failure::Connect => self.has(Self::CONNECT_FAILURE.or(Self::RESET_BEFORE_REQUEST)),
                Failure::BeforeRequest => self.has(Self::RESET_BEFORE_REQUEST),
                Failure::Refused => self.has(Self::REFUSED_STREAM),
                Failure::Reset | Failure::PerTryTimeout | Failure::Overflow => false,
            }
    }

    pub(super) fn covers_status(self, status: u16) -> bool {
        match status {
            502..=504 => self.has(Self::SERVER_ERROR.or(Self::GATEWAY_ERROR)),
            // Loop Detected (RFC 5842): sent again, it would go round again.
            508 => false,
            500..600 => self.has(Self::SERVER_ERROR),
            409 => self.has(Self::RETRIABLE_4XX),
            _ => false,
        }
    }

    pub(super) fn covers_grpc_status(self, status: u16) -> bool {
        match status {
            1 => self.has(Self::CANCELLED),
            4 => self.has(Self::DEADLINE_EXCEEDED),
            8 => self.has(Self::RESOURCE_EXHAUSTED),
            13 => self.has(Self::INTERNAL),
            14 => self.has(Self::UNAVAILABLE),
            _ => false,
        }
    }
}
