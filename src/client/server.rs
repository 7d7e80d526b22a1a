//! Where the control plane is.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// Address of an API: `https://HOST:PORT`, or `http://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server(String);

/// Why a text is no address of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServerError {
    /// Not a URL.
    #[error("it must be a URL such as http://127.0.0.1:7080")]
    Malformed,
    /// A path or query after the address.
    #[error("it must end after the port: the API has no path before its own")]
    Path,
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        // As curl has it, an address without a scheme is http.
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| ServerError::Malformed)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return Err(ServerError::Malformed),
        }
        let scheme = uri.scheme_str().unwrap_or("http");
        if !matches!(uri.path_and_query().map(http::uri::PathAndQuery::as_str), None | Some("/" | "")) {
            return Err(ServerError::Path);
        }
        let authority =
            uri.authority().filter(|authority| !authority.host().is_empty()).ok_or(ServerError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(ServerError::Malformed);
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

impl Server {
    /// The API that is bound to `address` in this process or on this machine.
    pub(crate) fn at(address: std::net::SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }

    /// The same, over TLS.
    pub(crate) fn secure_at(address: std::net::SocketAddr) -> Self {
        Self(format!("https://{address}"))
    }

    /// `http://HOST:PORT` and `path`.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
