//! What is passed through without a state machine: the only call of a plan, whose answer is the response as it is. What is sent and what
//! the client gets is what [`Composition`](super::Composition) would make of it; here it is made of the heads that are there.

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, Entry, HOST, HeaderName, HeaderValue, RANGE, USER_AGENT};
use http::{HeaderMap, Method};

use super::failure::CallError;
use super::outbound::{CallBody, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_VIA, OF_THE_CONNECTION, RequestBody};
use crate::encode::Encoder;
use crate::plan::{Admission, CallPlan, Plan, RequestRules, Role, Segment};
use crate::url::{Query, target};

/// A request as the only call of a plan is made of it.
#[derive(Debug)]
pub struct DirectRequest<'a> {
    /// Parameters of the path, decoded.
    pub parameters: &'a [(&'a str, &'a str)],
    /// The query, without its question mark, as it was received.
    pub query: &'a str,
    /// The client's address, for `X-Forwarded-For`.
    pub client: HeaderValue,
    /// The host that the client asked for, for `X-Forwarded-Host`.
    pub host: HeaderValue,
    /// Whether there is a body.
    pub body: RequestBody,
}

/// What the only call of a plan sends beside its header fields.
#[derive(Debug)]
pub struct Direct {
    /// Path and query; `None` where that is the text of the pattern.
    pub target: Option<String>,
    /// How the body is sent.
    pub body: CallBody,
    /// Its length, if the backend is told.
    pub length: Option<HeaderValue>,
    /// Whether a compressed answer has to be decompressed, because the client has not asked for one.
    pub undo_gzip: bool,
}

impl Plan {
    /// The only call, if its answer is the response as it is, whatever that is.
    pub fn direct(&self) -> Option<&CallPlan> {
        let settings = self.settings();
        let [call] = settings.calls.as_slice() else { return None };
        let plain = settings.output.encoder == Encoder::Opaque
            && call.role == Role::Regular
            && call.copies.get() == 1
            && settings.fixed.is_none()
            && call.expressions.is_none()
            && self.expressions().is_none()
            && !self.checks_body();
        plain.then_some(call)
    }

    /// Makes of the client's header fields those of the only call, and tells what goes with them. What is about the client's connection
    /// alone may be gone from them already.
    ///
    /// # Errors
    /// When what the pattern comes to is no path.
    pub fn admit(
        &self,
        call: &CallPlan,
        headers: &mut HeaderMap,
        request: DirectRequest<'_>,
    ) -> Result<Direct, CallError> {
        let rules = &self.settings().request;
        let target = target_of(rules, call, request.parameters, request.query)?;
        let has_agent = rules.headers.admits(&USER_AGENT) && headers.contains_key(USER_AGENT);
        admit(rules, call, headers);
        // While there are few: most of the time none, of which nothing has to be looked for.
        let length = headers.remove(CONTENT_LENGTH);
        let undo_gzip =
            !headers.contains_key(ACCEPT_ENCODING) && !headers.contains_key(RANGE) && call.method != Method::HEAD;
        let mut add = |name: HeaderName, value: HeaderValue| {
            // One that does not go on is not there either.
            if call.headers.admits(&name) {
                headers.insert(name, value);
            }
        };
        add(FORWARDED_FOR, request.client);
        add(FORWARDED_HOST, request.host);
        add(if has_agent { FORWARDED_VIA } else { USER_AGENT }, rules.product.clone());
        let body = match (request.body, &length) {
            (RequestBody::Empty, _) => CallBody::Empty,
            (RequestBody::Present, Some(_)) => CallBody::Sized,
            (RequestBody::Present, None) => CallBody::Chunked,
        };
        if undo_gzip {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Direct { target, body, length, undo_gzip })
    }

    /// Adds the header fields of every response to those of an answer that is passed on.
    pub fn add_fields(&self, headers: &mut HeaderMap) {
        let output = &self.settings().output;
        for (name, value) in &output.headers {
            put_first(headers, name, value);
        }
        if let Some(completed) = &output.completed {
            put_first(headers, completed, &HeaderValue::from_static("false"));
        }
    }
}

/// Adds a line before those of that name.
fn put_first(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    if let Entry::Vacant(free) = headers.entry(name) {
        free.insert(value.clone());
        return;
    }
    let others: Vec<_> = headers.get_all(name).iter().cloned().collect();
    headers.insert(name, value.clone());
    for other in others {
        headers.append(name, other);
    }
}

/// Leaves those of the client's fields that go on to the call.
fn admit(rules: &RequestRules, call: &CallPlan, headers: &mut HeaderMap) {
    let listed = match (&rules.headers, &call.headers) {
        (Admission::Listed(listed), _) => listed,
        (Admission::All, Admission::Listed(listed)) => listed,
        (Admission::All, Admission::All) => {
            headers.remove(HOST);
            OF_THE_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
            return;
        }
    };
    // What is added later has room as well.
    let mut kept = HeaderMap::with_capacity(listed.len() + 5);
    for name in listed {
        let goes_on = call.headers.admits(name) && *name != HOST && !OF_THE_CONNECTION.contains(name);
        if goes_on && !kept.contains_key(name) {
            for value in headers.get_all(name) {
                kept.append(name, value.clone());
            }
        }
    }
    *headers = kept;
}

fn target_of(
    rules: &RequestRules,
    call: &CallPlan,
    parameters: &[(&str, &str)],
    query: &str,
) -> Result<Option<String>, CallError> {
    let query = if query.is_empty() || admits_none(&rules.query) || admits_none(&call.query) {
        String::new()
    } else {
        let mut query = Query::parse(query);
        rules.query.apply(&mut query);
        call.query.apply(&mut query);
        query.encode()
    };
    if query.is_empty() && call.pattern.literal().is_some() {
        return Ok(None);
    }
    let find = |wanted: &str| parameters.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let text = call.pattern.render(|segment| match segment {
        Segment::Literal(_) => None,
        Segment::Parameter(name) => find(name),
        Segment::Reference(reference) => find(&reference.name()),
    });
    target(&text, &query).map(Some).map_err(|reason| CallError::Target { target: text, reason })
}

fn admits_none<T>(admission: &Admission<T>) -> bool {
    matches!(admission, Admission::Listed(listed) if listed.is_empty())
}

/// The path, and maybe the query, that a pattern without parameters comes to.
impl crate::Pattern {
    /// The target, if nothing in it depends on the request.
    pub fn fixed_target(&self) -> Option<String> {
        target(self.literal()?, "").ok()
    }
}

#[cfg(test)]
mod tests;
