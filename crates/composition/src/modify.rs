//! Changes of a call's request and of its answer, by a list: what KrakenD has from `google/martian`, whose rules these are.
//!
//! What is modified is what the backend is sent, after all else has been decided about it, and what it answers, before anything is
//! read of it. A change that fails, fails the call.
//!
//! # Layout
//!
//! - `request`, `response`: the changes of either. `condition`: what they depend on.
//! - `outgoing`: a request as changes see it. `cookie`: cookies as Go reads them.

mod condition;
mod cookie;
mod outgoing;
mod request;
mod response;

pub use condition::{Cookie, HeaderMatch, RequestCondition, ResponseCondition, UrlMatch};
pub use outgoing::{Outgoing, Scheme};
pub use request::{RequestChange, RequestChanges};
pub use response::{Incoming, ResponseChange, ResponseChanges};

/// Why a change failed. The texts are part of what clients see when failures say what went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModifyError {
    /// Host was to be appended to a request that has one.
    #[error("proxyutil: illegal header multiple: Host")]
    SecondHost,
    /// The port of the URL was asked for, on an answer, and the URL has none but that of its scheme.
    #[error("address {0}: missing port in address")]
    NoPort(String),
    /// A header was to become what no header can be.
    #[error("net/http: invalid header field value for {0:?}")]
    Value(String),
    /// Several, each of which would have been the only one.
    #[error("{}", texts(.0))]
    Several(Vec<ModifyError>),
}

fn texts(errors: &[ModifyError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Runs changes one after another. The first that fails ends it, or with `aggregate` all fail together at the end.
fn run<T>(
    changes: &[T],
    aggregate: bool,
    mut one: impl FnMut(&T) -> Result<(), ModifyError>,
) -> Result<(), ModifyError> {
    let mut failed = Vec::new();
    for change in changes {
        match one(change) {
            Err(error) if aggregate => failed.push(error),
            result => result?,
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(ModifyError::Several(failed)) }
}

#[cfg(test)]
mod tests;
