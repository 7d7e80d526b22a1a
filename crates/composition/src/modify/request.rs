//! Changes of what is sent.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderName, HeaderValue};

use super::condition::RequestCondition;
use super::outgoing::Outgoing;
use super::{ModifyError, run};
use crate::url::Query;

/// A change of what is sent.
#[derive(Clone, Debug)]
pub enum RequestChange {
    /// Takes the place of a header's values.
    SetHeader(HeaderName, HeaderValue),
    /// One more value of a header. To `Host` it fails.
    AppendHeader(HeaderName, HeaderValue),
    /// Removes a header. Of `Host`, what was set to it.
    RemoveHeader(HeaderName),
    /// Sets a header to the first value of another; to an empty one, if there is none.
    CopyHeader {
        /// The other.
        from: HeaderName,
        /// What is set.
        to: HeaderName,
    },
    /// Sets the path. It begins with a slash, and is not percent-encoded.
    SetPath(String),
    /// Sets the query, as it is written.
    SetQuery(String),
    /// Sets a parameter of the query, which is written anew in the order of its names.
    SetParameter(String, String),
    /// Sets the body.
    Body {
        /// Its type.
        content_type: HeaderValue,
        /// What it is.
        body: Bytes,
    },
    /// Appends `name=value` to `Cookie`.
    AddCookie(HeaderValue),
    /// Sets a header to the whole URL.
    StashUrl(HeaderName),
    /// Sets a header to a random UUID, unless it has a value.
    Identify(HeaderName),
    /// Several, one after another.
    Group(RequestChanges),
    /// Some if a condition holds, others if it does not.
    When {
        /// The condition.
        condition: RequestCondition,
        /// If it holds.
        holds: RequestChanges,
        /// If it does not.
        fails: RequestChanges,
    },
}

/// Changes, one after another.
#[derive(Clone, Debug, Default)]
pub struct RequestChanges {
    /// The changes.
    pub changes: Vec<RequestChange>,
    /// Whether those after one that fails are done. All fail together then.
    pub aggregate: bool,
}

impl RequestChanges {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Changes a request. `identity` makes a random UUID, where one is needed.
    ///
    /// # Errors
    /// When a change fails. What was done before stays done.
    pub fn apply(&self, request: &mut Outgoing, identity: &mut impl FnMut() -> String) -> Result<(), ModifyError> {
        run(&self.changes, self.aggregate, |change| change.apply(request, identity))
    }
}

impl RequestChange {
    fn apply(&self, request: &mut Outgoing, identity: &mut impl FnMut() -> String) -> Result<(), ModifyError> {
        match self {
            Self::SetHeader(name, value) => set(request, name, value.clone()),
            Self::AppendHeader(name, value) if *name == HOST => match &request.host {
                Some(host) if host.is_empty() => request.host = Some(value.clone()),
                _ => return Err(ModifyError::SecondHost),
            },
            Self::AppendHeader(name, value) => {
                request.headers.append(name.clone(), value.clone());
            }
            // No request is without Host: what is left is that of the URL.
            Self::RemoveHeader(name) if *name == HOST => request.host = Some(HeaderValue::from_static("")),
            Self::RemoveHeader(name) => {
                request.headers.remove(name);
            }
            Self::CopyHeader { from, to } => {
                let value = if *from == HOST {
                    HeaderValue::from_bytes(request.host()).map_err(|_| ModifyError::Value(to.to_string()))?
                } else {
                    request.headers.get(from).cloned().unwrap_or_else(|| HeaderValue::from_static(""))
                };
                set(request, to, value);
            }
            Self::SetPath(path) => request.set_path(path),
            Self::SetQuery(query) => request.set_query(query),
            Self::SetParameter(name, value) => {
                let mut query = Query::parse(request.query());
                query.set(name.as_bytes(), value.as_bytes());
                request.set_query(&query.encode());
            }
            Self::Body { content_type, body } => {
                request.headers.insert(CONTENT_TYPE, content_type.clone());
                request.headers.remove(CONTENT_ENCODING);
                request.body = Some(body.clone());
            }
            Self::AddCookie(cookie) => {
                let mut value = match request.headers.get(COOKIE) {
                    Some(there) if !there.is_empty() => [there.as_bytes(), b"; "].concat(),
                    _ => Vec::new(),
                };
                value.extend_from_slice(cookie.as_bytes());
                let value = HeaderValue::from_bytes(&value).map_err(|_| ModifyError::Value("Cookie".to_owned()))?;
                request.headers.insert(COOKIE, value);
            }
            Self::StashUrl(name) => {
                let url = HeaderValue::from_str(&request.url()).map_err(|_| ModifyError::Value(name.to_string()))?;
                set(request, name, url);
            }
            Self::Identify(name) => {
                if request.headers.get(name).is_none_or(HeaderValue::is_empty)
                    && let Ok(value) = HeaderValue::from_str(&identity())
                {
                    request.headers.insert(name.clone(), value);
                }
            }
            Self::Group(group) => return group.apply(request, identity),
            Self::When { condition, holds, fails } => {
                let changes = if condition.holds(request) { holds } else { fails };
                return changes.apply(request, identity);
            }
        }
        Ok(())
    }
}

fn set(request: &mut Outgoing, name: &HeaderName, value: HeaderValue) {
    if *name == HOST {
        request.host = Some(value);
    } else {
        request.headers.insert(name.clone(), value);
    }
}
