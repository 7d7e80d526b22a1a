//! Modifiers, as changes of requests and of answers.

use std::cell::Cell;

use backstay_composition::{RequestChange, RequestChanges, ResponseChange, ResponseChanges};
use backstay_proto::config::{self, modifier::Kind};
use http::{HeaderName, HeaderValue, StatusCode};

use super::condition;
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::filter::header_name;

/// Modifiers of a call, those in groups included. Each runs for each call.
const MOST: usize = 512;
/// How deeply groups and conditions may be nested.
const DEEPEST: usize = 32;

/// What one modifier does to requests and to answers.
type Sides = (Option<RequestChange>, Option<ResponseChange>);

/// The modifiers of a call: one after another, up to one that fails.
pub(super) fn changes(messages: &[config::Modifier]) -> Checked<(RequestChanges, ResponseChanges)> {
    let reader = Reader { left: Cell::new(MOST) };
    reader.several("modifiers", messages, false, 0)
}

struct Reader {
    /// Modifiers that there may still be.
    left: Cell<usize>,
}

impl Reader {
    fn several(
        &self,
        field: &str,
        messages: &[config::Modifier],
        aggregate: bool,
        depth: usize,
    ) -> Checked<(RequestChanges, ResponseChanges)> {
        let one = |(index, message)| self.modifier(message, depth).within_element(field, index);
        let sides: Vec<Sides> = all(messages.iter().enumerate().map(one))?;
        let (requests, responses): (Vec<_>, Vec<_>) = sides.into_iter().unzip();
        let requests = RequestChanges { changes: requests.into_iter().flatten().collect(), aggregate };
        Ok((requests, ResponseChanges { changes: responses.into_iter().flatten().collect(), aggregate }))
    }

    /// What a modifier does. Either side is left out that it is not on.
    fn modifier(&self, message: &config::Modifier, depth: usize) -> Checked<Sides> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return refuse("", format!("a call can have {MOST} modifiers"));
        };
        self.left.set(left);
        if depth > DEEPEST {
            return refuse("", format!("modifiers can be nested {DEEPEST} times"));
        }
        let Some(kind) = &message.kind else { return unknown("") };
        let (request, response) = self.kind(kind, depth)?;
        if message.on_request && request.is_none() && !is_of_several(kind) {
            return refuse("on_request", "changes nothing of a request");
        }
        if message.on_response && response.is_none() && !is_of_several(kind) {
            return refuse("on_response", "changes nothing of an answer");
        }
        Ok((request.filter(|_| message.on_request), response.filter(|_| message.on_response)))
    }

    fn kind(&self, kind: &Kind, depth: usize) -> Checked<Sides> {
        Ok(match kind {
            Kind::SetHeader(field) => {
                let (name, value) = field_of(field).within("set_header")?;
                let request = RequestChange::SetHeader(name.clone(), value.clone());
                (Some(request), Some(ResponseChange::SetHeader(name, value)))
            }
            Kind::AppendHeader(field) => {
                let (name, value) = field_of(field).within("append_header")?;
                let request = RequestChange::AppendHeader(name.clone(), value.clone());
                (Some(request), Some(ResponseChange::AppendHeader(name, value)))
            }
            Kind::RemoveHeader(name) => {
                let name = header(name).within("remove_header")?;
                (Some(RequestChange::RemoveHeader(name.clone())), Some(ResponseChange::RemoveHeader(name)))
            }
            Kind::CopyHeader(copy) => {
                let (from, to) = (header(&copy.from).within("from"), header(&copy.to).within("to"))
                    .together()
                    .within("copy_header")?;
                let request = RequestChange::CopyHeader { from: from.clone(), to: to.clone() };
                (Some(request), Some(ResponseChange::CopyHeader { from, to }))
            }
            Kind::Url(parts) => (Some(url(parts).within("url")?), None),
            Kind::SetQuery(parameter) => {
                (Some(RequestChange::SetParameter(parameter.name.clone(), parameter.value.clone())), None)
            }
            Kind::Body(message) => {
                let content_type = value(&message.content_type).within("body.content_type")?;
                let body = message.body.clone();
                let request = RequestChange::Body { content_type: content_type.clone(), body: body.clone() };
                (Some(request), Some(ResponseChange::Body { content_type, body }))
            }
            Kind::Group(group) => {
                let (requests, responses) =
                    self.several("modifiers", &group.modifiers, group.aggregate_errors, depth + 1).within("group")?;
                (Some(RequestChange::Group(requests)), Some(ResponseChange::Group(responses)))
            }
            Kind::Conditional(conditional) => self.conditional(conditional, depth).within("conditional")?,
            Kind::Status(status) => {
                let sound = u16::try_from(*status).ok().filter(|status| (200..600).contains(status));
                match sound.and_then(|status| StatusCode::from_u16(status).ok()) {
                    Some(status) => (None, Some(ResponseChange::Status(status))),
                    None => return refuse("status", "must be 200 to 599"),
                }
            }
            Kind::AddCookie(cookie) => (Some(RequestChange::AddCookie(value(cookie).within("add_cookie")?)), None),
            Kind::StashUrl(name) => {
                let name = header(name).within("stash_url")?;
                (Some(RequestChange::StashUrl(name.clone())), Some(ResponseChange::Unstash(name)))
            }
            Kind::RequestId(name) => (Some(RequestChange::Identify(header(name).within("request_id")?)), None),
        })
    }

    fn conditional(&self, message: &config::ConditionalModifier, depth: usize) -> Checked<Sides> {
        let when = match &message.when {
            Some(when) => condition::conditions(when).within("when"),
            None => refuse("when", "must be set"),
        };
        let inner = |field: &str, inner: Option<&config::Modifier>| match inner {
            Some(inner) => self.modifier(inner, depth + 1).within(field),
            None => Ok((None, None)),
        };
        let holds = match message.modifier.as_deref() {
            Some(holds) => inner("modifier", Some(holds)),
            None => refuse("modifier", "must be set"),
        };
        let (when, holds, fails) = (when, holds, inner("otherwise", message.otherwise.as_deref())).together()?;
        let request = RequestChange::When {
            condition: when.0,
            holds: RequestChanges { changes: holds.0.into_iter().collect(), aggregate: false },
            fails: RequestChanges { changes: fails.0.into_iter().collect(), aggregate: false },
        };
        let response = ResponseChange::When {
            condition: when.1,
            holds: ResponseChanges { changes: holds.1.into_iter().collect(), aggregate: false },
            fails: ResponseChanges { changes: fails.1.into_iter().collect(), aggregate: false },
        };
        Ok((Some(request), Some(response)))
    }
}

/// What has no side of its own.
fn is_of_several(kind: &Kind) -> bool {
    matches!(kind, Kind::Group(_) | Kind::Conditional(_))
}

/// A header that may be changed. `Host` is one, though it is the endpoint's choice elsewhere.
pub(super) fn header(text: &str) -> Checked<HeaderName> {
    if text.eq_ignore_ascii_case("host") { Ok(http::header::HOST) } else { header_name(text) }
}

pub(super) fn value(text: &str) -> Checked<HeaderValue> {
    HeaderValue::from_str(text.trim_matches([' ', '\t']))
        .or_else(|_| HeaderValue::from_bytes(text.trim_matches([' ', '\t']).as_bytes()))
        .or_else(|_| refuse("", "holds characters that a header value cannot carry"))
}

pub(super) fn field_of(field: &config::ResponseField) -> Checked<(HeaderName, HeaderValue)> {
    (header(&field.name).within("name"), value(&field.value).within("value")).together()
}

fn url(parts: &config::UrlParts) -> Checked<RequestChange> {
    let config::UrlParts { scheme, host, path, query } = parts;
    if !scheme.is_empty() || !host.is_empty() {
        return refuse(if scheme.is_empty() { "host" } else { "scheme" }, "can be compared, but not be set");
    }
    if !path.is_empty() && !path.starts_with('/') {
        return refuse("path", "must begin with a slash");
    }
    let path = (!path.is_empty()).then(|| RequestChange::SetPath(path.clone()));
    let query = (!query.is_empty()).then(|| RequestChange::SetQuery(query.clone()));
    let changes = path.into_iter().chain(query).collect();
    Ok(RequestChange::Group(RequestChanges { changes, aggregate: false }))
}
