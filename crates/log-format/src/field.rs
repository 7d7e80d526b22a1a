//! Fields of the project's own JSON.

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A field of the project's own JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field {
            $($(#[$doc])* $variant,)*
        }

        impl Field {
            /// All of them, in the order in which lines have them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its key.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fields! {
    /// When the request's head had come.
    StartTime = "start_time",
    /// The method.
    Method = "method",
    /// The host asked for.
    Authority = "authority",
    /// Path and query as they came.
    Path = "path",
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    Protocol = "protocol",
    /// The status that the client got; 0 where it left before.
    Status = "status",
    /// What went wrong, in Envoy's letters.
    Flags = "flags",
    /// What went wrong, in a word.
    Details = "details",
    /// Bytes of the request's body.
    BytesReceived = "bytes_received",
    /// Bytes of the answer's body.
    BytesSent = "bytes_sent",
    /// From the request's head to the end of its answer.
    DurationMs = "duration_ms",
    /// The endpoint that answered, or was tried last.
    Upstream = "upstream",
    /// How often the request was tried.
    Attempts = "attempts",
    /// How long the endpoint had the request that was answered, or tried last; left out where none had it.
    UpstreamMs = "upstream_ms",
    /// The route that served it.
    Route = "route",
    /// The backend that it went to.
    Backend = "backend",
    /// The destination that a sequence has selected; left out where there is none.
    Destination = "destination",
    /// Why there is no answer from it; left out with `destination`.
    Cause = "cause",
    /// The calls of a composition; left out where there are none.
    Calls = "calls",
    /// Its name in everyone's logs.
    RequestId = "request_id",
    /// The client's address and port.
    Client = "client",
    /// What the client says that it is.
    UserAgent = "user_agent",
    /// The trace that it is part of; left out where there is none.
    TraceId = "trace_id",
    /// The proxy's own span in it; left out where none is recorded.
    SpanId = "span_id",
    /// From the request's head to the end of the answer's head; null where there is none. Only where it is asked for by name.
    ResponseDurationMs = "response_duration_ms",
    /// The port that the client connected to. Only by name.
    Port = "port",
    /// The name by which the client asked for a certificate. Only by name.
    ServerName = "server_name",
    /// `TLSv1.2` or `TLSv1.3`. Only by name.
    TlsVersion = "tls_version",
    /// The cipher suite. Only by name.
    TlsCipher = "tls_cipher",
    /// The host that the proxy runs on. Only by name.
    Hostname = "hostname",
}

impl Field {
    /// The field of this key.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Whether a line has it without a word.
    #[must_use]
    pub const fn is_usual(self) -> bool {
        !matches!(
            self,
            Self::ResponseDurationMs
                | Self::Port
                | Self::ServerName
                | Self::TlsVersion
                | Self::TlsCipher
                | Self::Hostname
        )
    }

    /// The keys of all fields, as a sentence lists them.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
    }
}
