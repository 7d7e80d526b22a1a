use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tonic::Status;
use tonic::transport::Uri;

use super::session::WrongType;

/// Why a stream ended, or did not come about. All of them are retried.
#[derive(Debug, thiserror::Error)]
pub enum Disconnect {
    /// No connection.
    #[error("cannot connect to the control plane at {endpoint}{}: {}", at(*address), chain(source))]
    Connect {
        /// Which one.
        endpoint: Uri,
        /// The address that was dialled, if its name has one.
        address: Option<SocketAddr>,
        /// What the system said.
        source: io::Error,
    },
    /// What is shown to the control plane cannot be read.
    #[error("cannot read what is to be shown to the control plane: {0}")]
    Credential(#[source] std::io::Error),
    /// The control plane refused or ended the stream, the connection broke, or a message could not be decoded.
    #[error("the control plane ended the stream: {} ({:?})", .0.message(), .0.code())]
    Status(Box<Status>),
    /// The control plane ended the stream without saying why.
    #[error("the control plane ended the stream")]
    Ended,
    /// See [`Options::first_response_timeout`](super::Options::first_response_timeout).
    #[error("the control plane sent nothing within {0:?}")]
    Silent(Duration),
    /// See [`WrongType`].
    #[error(transparent)]
    WrongType(#[from] WrongType),
    /// Answers pile up.
    #[error("the control plane does not read our answers")]
    Congested,
}

impl Disconnect {
    /// How long the control plane asks to be left alone, in gRPC's words: `grpc-retry-pushback-ms`.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let Self::Status(status) = self else { return None };
        let pushback = status.metadata().get("grpc-retry-pushback-ms")?.to_str().ok()?;
        pushback.parse().ok().map(Duration::from_millis)
    }
}

/// The address, where it says more than the endpoint does.
fn at(address: Option<SocketAddr>) -> String {
    address.map_or_else(String::new, |address| format!(" ({address})"))
}

/// The error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
