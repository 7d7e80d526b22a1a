//! What can go wrong with a request.

use std::error::Error as StdError;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::Server;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No connection, or it broke.
    #[error("cannot reach the control plane at {server}: {reason}")]
    Unreachable {
        /// The control plane that was asked.
        server: Server,
        /// The causes, outermost first.
        reason: String,
    },
    /// No answer in time.
    #[error("the control plane at {server} gave no answer within {} s", after.as_secs())]
    Timeout {
        /// The control plane that was asked.
        server: Server,
        /// How long was waited.
        after: Duration,
    },
    /// The answer has more bytes than are read.
    #[error("the answer of the control plane at {server} has more than {} MiB", limit >> 20)]
    TooLarge {
        /// The control plane that was asked.
        server: Server,
        /// In bytes.
        limit: usize,
    },
    /// The answer is not what was asked for.
    #[error("{server}{path} did not answer as a Backstay control plane does: {reason}")]
    Malformed {
        /// The control plane that was asked.
        server: Server,
        /// The path that was asked for.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be asked as was said: a credential, an authority or a certificate cannot be used.
    #[error(transparent)]
    Access(#[from] backstay_api_client::Error),
    /// The control plane said no.
    #[error("{0}")]
    Refused(Status),
}

impl Error {
    /// An error of the connection, with its causes.
    pub(crate) fn unreachable(server: &Server, error: &(dyn StdError + 'static)) -> Self {
        let mut reasons: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if reasons.last().is_none_or(|last| !last.contains(&text)) {
                reasons.push(text);
            }
            next = error.source();
        }
        Self::Unreachable { server: server.clone(), reason: reasons.join(": ") }
    }

    /// The control plane's answer, where there was one.
    pub(crate) fn status(&self) -> Option<&Status> {
        if let Self::Refused(status) = self { Some(status) } else { None }
    }

    /// Whether the object or path does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| status.code == 404)
    }

    /// Whether the watch or page began at a revision that is no longer kept.
    pub(crate) fn is_expired(&self) -> bool {
        self.status().is_some_and(|status| status.code == 410)
    }
}

/// A refusal, as Kubernetes words it (`meta/v1` `Status`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(default)]
pub(crate) struct Status {
    /// HTTP status code.
    pub(crate) code: u16,
    /// One CamelCase word, such as `NotFound`.
    pub(crate) reason: String,
    /// For a person.
    pub(crate) message: String,
    /// What exactly was refused.
    pub(crate) details: Details,
}

/// What exactly was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    /// One for each field at fault.
    pub(crate) causes: Vec<Cause>,
}

/// A field at fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    /// Its path.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// A refusal, as the Fastly API words it.
#[derive(Deserialize)]
struct FastlyStatus {
    msg: String,
    #[serde(default)]
    detail: String,
}

impl Status {
    /// The refusal in an answer's body; where that is no `Status`, one made of the code.
    pub(crate) fn of(code: StatusCode, body: &[u8]) -> Self {
        let code = code.as_u16();
        match serde_json::from_slice::<Self>(body) {
            Ok(status) if !status.message.is_empty() => Self { code, ..status },
            _ => {
                let message = match serde_json::from_slice(body) {
                    Ok(FastlyStatus { detail, .. }) if !detail.is_empty() => detail,
                    Ok(FastlyStatus { msg, .. }) => msg,
                    Err(_) => format!("the server answered {code}"),
                };
                Self { code, message, ..Self::default() }
            }
        }
    }
}
