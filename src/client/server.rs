//! Where the control plane is.

use std::fmt;
use std::str::FromStr;

use backstay_api_client::Address;
use http::Uri;

/// Address of an API: `https://HOST:PORT` or `http://HOST:PORT`. One from a kubeconfig may have a path before the API's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server(String);

/// Why a text is no address of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServerError {
    /// Not a URL.
    #[error("it must be a URL such as https://backstay.example:7080 or http://127.0.0.1:7080")]
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
        let address: Address = full.parse().map_err(|_| match uri.query() {
            Some(_) => ServerError::Path,
            None => ServerError::Malformed,
        })?;
        if !matches!(uri.path_and_query().map(http::uri::PathAndQuery::as_str), None | Some("/" | "")) {
            return Err(ServerError::Path);
        }
        Ok(Self(address.to_string()))
    }
}

impl Server {
    /// The API at an address that was read elsewhere.
    pub(crate) fn of(address: &Address) -> Self {
        Self(address.to_string())
    }

    /// The address with `path` after it.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether connections to it have TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
