//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

use crate::error::Error;

/// Address of an API: `https://HOST:PORT` or `http://HOST:PORT`, with a path before the API's own where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    is_tls: bool,
    host: String,
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Address(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(malformed()),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(malformed)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(malformed());
        }
        let scheme = if is_tls { "https" } else { "http" };
        let text = format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'));
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { text, is_tls, host })
    }
}

impl Address {
    /// A server without TLS.
    #[must_use]
    pub fn of_socket(address: std::net::SocketAddr) -> Self {
        Self { text: format!("http://{address}"), is_tls: false, host: address.ip().to_string() }
    }

    /// Whether connections to it have TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether what is sent there stays between its ends: with TLS, or on this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let is_loopback = self.host.parse::<IpAddr>().map_or(self.host == "localhost", |address| address.is_loopback());
        self.is_tls || is_loopback
    }

    /// The address with a path after it.
    #[must_use]
    pub fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
