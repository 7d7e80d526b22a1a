//! Where a collector is, and how it is told.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

/// How requests are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC over HTTP/2; usually on port 4317.
    #[default]
    Grpc,
    /// Protobuf over HTTP/1.1; usually on port 4318.
    Http,
}

/// Where a collector is, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// `http://` or `https://`, host and port; over HTTP with a path, below which each signal has its own.
    pub endpoint: Uri,
    /// The path is the signal's already.
    pub is_whole: bool,
    /// How requests are made.
    pub protocol: Protocol,
    /// What is sent beside, such as a token. Values are not shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether what is sent is compressed.
    pub gzip: bool,
    /// How long one request may take.
    pub timeout: Duration,
    /// Authorities that its certificate must come from, as PEM; the system's where there are none.
    pub authorities: Option<PathBuf>,
    /// A certificate to show, and its key, as PEM.
    pub pair: Option<(PathBuf, PathBuf)>,
}

/// Why there is no such collector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectorError {
    /// It is not `http` or `https`, or has no host.
    #[error("{0:?} is not the address of a collector; write it as http://HOST:PORT or https://HOST:PORT")]
    Endpoint(String),
    /// The protocol is not one of ours.
    #[error("there is no protocol {0:?}; there are grpc and http/protobuf")]
    Protocol(String),
    /// A path, where gRPC has its own.
    #[error("{0:?} has a path, which gRPC has no use for; is http/protobuf meant?")]
    Path(String),
    /// A header that is none.
    #[error("{0:?} is not the name of a header that can be sent, or its value cannot be")]
    Header(String),
}

/// As long as the standard has it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Headers that are the protocol's own.
const RESERVED: [&str; 7] =
    ["host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "te"];

impl Protocol {
    /// The protocol of this name.
    ///
    /// # Errors
    /// Where there is none; `http/json` is none of them.
    pub fn parse(name: &str) -> Result<Self, CollectorError> {
        match name {
            "grpc" => Ok(Self::Grpc),
            "http/protobuf" => Ok(Self::Http),
            _ => Err(CollectorError::Protocol(name.to_owned())),
        }
    }
}

impl Collector {
    /// A collector at `endpoint`, with gzip, the standard's timeout, and nothing beside.
    ///
    /// # Errors
    /// Where it is not an address.
    pub fn new(endpoint: &str, protocol: Protocol) -> Result<Self, CollectorError> {
        let malformed = || CollectorError::Endpoint(endpoint.to_owned());
        let uri: Uri = endpoint.parse().map_err(|_| malformed())?;
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !matches!(uri.scheme_str(), Some("http" | "https")) || !has_host || has_user || uri.query().is_some() {
            return Err(malformed());
        }
        if protocol == Protocol::Grpc && !matches!(uri.path(), "" | "/") {
            return Err(CollectorError::Path(endpoint.to_owned()));
        }
        Ok(Self {
            endpoint: uri,
            is_whole: false,
            protocol,
            headers: Vec::new(),
            gzip: true,
            timeout: TIMEOUT,
            authorities: None,
            pair: None,
        })
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.endpoint.scheme_str() == Some("https")
    }

    /// Has a header sent with each request.
    ///
    /// # Errors
    /// Where none can be called so, it is the protocol's own, or has no such value.
    pub fn header(&mut self, name: &str, value: &str) -> Result<(), CollectorError> {
        let malformed = || CollectorError::Header(name.to_owned());
        let header: HeaderName = name.parse().map_err(|_| malformed())?;
        if RESERVED.contains(&header.as_str()) || header.as_str().starts_with("grpc-") {
            return Err(malformed());
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| malformed())?;
        value.set_sensitive(true);
        self.headers.push((header, value));
        Ok(())
    }
}
