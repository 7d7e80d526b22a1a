//! Formats that have a name.

use crate::Text;

/// A format that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// What Envoy writes when it is told nothing else.
    Envoy,
    /// The Common Log Format of NCSA httpd, Apache and nginx.
    Common,
    /// The same with referrer and user agent.
    Combined,
}

const ENVOY: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% \
    %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \
    \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";
const COMMON: &str = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% - - [%START_TIME(%d/%b/%Y:%H:%M:%S %z)%] \"%REQ(:METHOD)% %REQ(:PATH)% \
    %PROTOCOL%\" %RESPONSE_CODE% %BYTES_SENT%\n";
const COMBINED: &str = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% - - [%START_TIME(%d/%b/%Y:%H:%M:%S %z)%] \"%REQ(:METHOD)% %REQ(:PATH)% \
    %PROTOCOL%\" %RESPONSE_CODE% %BYTES_SENT% \"%REQ(REFERER)%\" \"%REQ(USER-AGENT)%\"\n";

impl Named {
    /// The format of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Envoy, Self::Common, Self::Combined].into_iter().find(|named| named.as_str() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Common => "common",
            Self::Combined => "combined",
        }
    }

    /// It as a format string.
    #[must_use]
    pub const fn format(self) -> &'static str {
        match self {
            Self::Envoy => ENVOY,
            Self::Common => COMMON,
            Self::Combined => COMBINED,
        }
    }

    /// It, parsed.
    #[must_use]
    pub fn text(self) -> Text {
        // These are parsed by a test; one that could not be would write empty lines.
        Text::parse(self.format()).unwrap_or_default()
    }
}
