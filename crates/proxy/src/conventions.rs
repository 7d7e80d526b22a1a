//! What OpenTelemetry's semantic conventions call parts of a request: of few values, whatever clients send.
//!
//! Source: OpenTelemetry semantic conventions 1.x, "HTTP spans" and "HTTP metrics", which are stable.

use http::{Method, Version};

/// The methods that are told by name, and what stands for all others, of which clients can think of any number.
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", OTHER_METHOD];

/// What stands for methods that are not told by name.
pub(crate) const OTHER_METHOD: &str = "_OTHER";

/// A method, as one of few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KnownMethod(u8);

impl KnownMethod {
    /// Which of them `method` is.
    #[inline]
    pub(crate) fn of(method: &Method) -> Self {
        Self(match *method {
            Method::GET => 0,
            Method::HEAD => 1,
            Method::POST => 2,
            Method::PUT => 3,
            Method::DELETE => 4,
            Method::CONNECT => 5,
            Method::OPTIONS => 6,
            Method::TRACE => 7,
            Method::PATCH => 8,
            _ => 9,
        })
    }

    /// Its number among them.
    #[inline]
    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// The one of that number.
    pub(crate) const fn numbered(number: u8) -> Self {
        Self(number)
    }

    /// What it is called: `http.request.method`.
    pub(crate) fn name(self) -> &'static str {
        METHODS.get(usize::from(self.0)).copied().unwrap_or(OTHER_METHOD)
    }
}

/// What a version of HTTP is called: `network.protocol.version`.
pub(crate) const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

/// What a scheme is called: `url.scheme`.
pub(crate) const fn scheme(secure: bool) -> &'static str {
    if secure { "https" } else { "http" }
}
