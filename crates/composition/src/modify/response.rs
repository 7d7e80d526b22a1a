//! Changes of what is answered.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::condition::ResponseCondition;
use super::outgoing::Outgoing;
use super::{ModifyError, run};

/// The answer of a call, as changes see it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body that takes the place of the one that there is.
    pub body: Option<Bytes>,
}

/// A change of what is answered.
#[derive(Clone, Debug)]
pub enum ResponseChange {
    /// Takes the place of a header's values.
    SetHeader(HeaderName, HeaderValue),
    /// One more value of a header.
    AppendHeader(HeaderName, HeaderValue),
    /// Removes a header.
    RemoveHeader(HeaderName),
    /// Sets a header to the first value of another; to an empty one, if there is none.
    CopyHeader {
        /// The other.
        from: HeaderName,
        /// What is set.
        to: HeaderName,
    },
    /// Sets the status.
    Status(StatusCode),
    /// Sets the body, whatever part of it was asked for.
    Body {
        /// Its type.
        content_type: HeaderValue,
        /// What it is.
        body: Bytes,
    },
    /// Sets a header to what the request has in it.
    Unstash(HeaderName),
    /// Several, one after another.
    Group(ResponseChanges),
    /// Some if a condition holds, others if it does not.
    When {
        /// The condition.
        condition: ResponseCondition,
        /// If it holds.
        holds: ResponseChanges,
        /// If it does not.
        fails: ResponseChanges,
    },
}

/// Changes, one after another.
#[derive(Clone, Debug, Default)]
pub struct ResponseChanges {
    /// The changes.
    pub changes: Vec<ResponseChange>,
    /// Whether those after one that fails are done. All fail together then.
    pub aggregate: bool,
}

impl ResponseChanges {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Changes the answer to `request`, which is the last of several if redirects were followed.
    ///
    /// # Errors
    /// When a change fails. What was done before stays done.
    pub fn apply(&self, request: &Outgoing, response: &mut Incoming) -> Result<(), ModifyError> {
        run(&self.changes, self.aggregate, |change| change.apply(request, response))
    }
}

impl ResponseChange {
    fn apply(&self, request: &Outgoing, response: &mut Incoming) -> Result<(), ModifyError> {
        match self {
            // Answers have no Host.
            Self::SetHeader(name, _) | Self::AppendHeader(name, _) if *name == HOST => {}
            Self::CopyHeader { to, .. } if *to == HOST => {}
            Self::SetHeader(name, value) => {
                response.headers.insert(name.clone(), value.clone());
            }
            Self::AppendHeader(name, value) => {
                response.headers.append(name.clone(), value.clone());
            }
            Self::RemoveHeader(name) => {
                response.headers.remove(name);
            }
            Self::CopyHeader { from, to } => {
                let there = response.headers.get(from).filter(|_| *from != HOST);
                let value = there.cloned().unwrap_or_else(|| HeaderValue::from_static(""));
                response.headers.insert(to.clone(), value);
            }
            Self::Status(status) => response.status = *status,
            Self::Body { content_type, body } => {
                response.headers.insert(CONTENT_TYPE, content_type.clone());
                response.headers.remove(CONTENT_ENCODING);
                response.body = Some(body.clone());
            }
            Self::Unstash(name) => {
                let value = request.headers.get(name).cloned().unwrap_or_else(|| HeaderValue::from_static(""));
                response.headers.insert(name.clone(), value);
            }
            Self::Group(group) => return group.apply(request, response),
            Self::When { condition, holds, fails } => {
                let changes = if condition.holds(request, response)? { holds } else { fails };
                return changes.apply(request, response);
            }
        }
        Ok(())
    }
}
