use std::num::NonZeroU32;

use backstay_proto::config::{self, filter, path_modifier};
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue};

use super::{Filters, HeaderEdit, Mirror, PathEdit};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::reference::backend_ref;

/// Headers that say where a message ends or what its connection does. An edit would make two parties disagree about that.
const FRAMING: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// What one filter asks for.
enum FilterEffect {
    Request(Vec<HeaderEdit>),
    Response(Vec<HeaderEdit>),
    Rewrite(Option<HeaderValue>, Option<PathEdit>),
    Mirror(Mirror),
}

/// The filters of a rule or of one of its backends.
pub(in crate::route) fn filters(messages: &[config::Filter]) -> Checked<Filters> {
    let effects = messages.iter().enumerate();
    let effects: Vec<_> = all(effects.map(|(index, message)| effect(message).within_element("filters", index)))?;
    let mut filters = Filters::default();
    let (mut request, mut response, mut mirrors) = (Vec::new(), Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            FilterEffect::Request(edits) => request.extend(edits),
            FilterEffect::Response(edits) => response.extend(edits),
            FilterEffect::Mirror(mirror) => mirrors.push(mirror),
            FilterEffect::Rewrite(host, path) => {
                filters.rewrite_host = host.or(filters.rewrite_host);
                filters.rewrite_path = path.or(filters.rewrite_path);
            }
        }
    }
    filters.request_headers = request;
    filters.response_headers = response;
    filters.mirrors = mirrors;
    Ok(filters)
}

fn effect(message: &config::Filter) -> Checked<FilterEffect> {
    match &message.kind {
        None => unknown(""),
        Some(filter::Kind::RequestHeaders(edits)) => {
            header_edits(edits).map(FilterEffect::Request).within("request_headers")
        }
        Some(filter::Kind::ResponseHeaders(edits)) => {
            header_edits(edits).map(FilterEffect::Response).within("response_headers")
        }
        Some(filter::Kind::UrlRewrite(rewrite)) => {
            url_rewrite(rewrite).map(|(host, path)| FilterEffect::Rewrite(host, path)).within("url_rewrite")
        }
        Some(filter::Kind::Mirror(message)) => mirror(message).map(FilterEffect::Mirror).within("mirror"),
    }
}

fn header_edits(message: &config::HeaderModifier) -> Checked<Vec<HeaderEdit>> {
    let header = |header: &config::Header| {
        (header_name(&header.name).within("name"), header_value(&header.value).within("value")).together()
    };
    let set = message.set.iter().enumerate().map(|(index, message)| {
        header(message).map(|(name, value)| HeaderEdit::Set(name, value)).within_element("set", index)
    });
    let add = message.add.iter().enumerate().map(|(index, message)| {
        header(message).map(|(name, value)| HeaderEdit::Add(name, value)).within_element("add", index)
    });
    let remove = message.remove.iter().enumerate();
    let remove = remove.map(|(index, name)| header_name(name).map(HeaderEdit::Remove).within_element("remove", index));
    all(set.chain(add).chain(remove))
}

/// A header that can be changed.
pub(in crate::route) fn header_name(text: &str) -> Checked<HeaderName> {
    let name =
        HeaderName::from_bytes(text.as_bytes()).or_else(|_| refuse("", format!("{text:?} is not a header name")))?;
    if FRAMING.contains(&name) || name == "keep-alive" || name == "proxy-connection" {
        return refuse("", format!("{name} belongs to the connection, a filter cannot change it"));
    }
    if name == "cdn-loop" {
        return refuse("", format!("{name} ends circles of requests (RFC 8586), a filter cannot change it"));
    }
    Ok(name)
}

fn header_value(text: &str) -> Checked<HeaderValue> {
    // Blanks at either end are no part of a value (RFC 9110, 5.5), and HTTP/2 has no place for them.
    HeaderValue::from_str(text.trim_matches([' ', '\t']))
        .or_else(|_| refuse("", "holds characters that a header value cannot carry"))
}

fn url_rewrite(rewrite: &config::UrlRewrite) -> Checked<(Option<HeaderValue>, Option<PathEdit>)> {
    let path = rewrite.path.as_ref().map(path_edit).transpose().within("path");
    (rewritten_host(&rewrite.hostname), path).together()
}

fn rewritten_host(text: &str) -> Checked<Option<HeaderValue>> {
    if text.is_empty() {
        return Ok(None);
    }
    let valid = text.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@'));
    match HeaderValue::from_str(text) {
        Ok(value) if valid => Ok(Some(value)),
        _ => refuse("hostname", format!("{text:?} is not a host name")),
    }
}

/// A new path.
pub(in crate::route) fn path_edit(message: &config::PathModifier) -> Checked<PathEdit> {
    match &message.kind {
        None => unknown(""),
        Some(path_modifier::Kind::ReplaceFull(text)) => {
            valid_path("replace_full", text).map(|()| PathEdit::Full(text.as_str().into()))
        }
        Some(path_modifier::Kind::ReplacePrefix(text)) => {
            let valid = if text.is_empty() { Ok(()) } else { valid_path("replace_prefix", text) };
            valid.map(|()| PathEdit::Prefix(text.as_str().into()))
        }
    }
}

fn valid_path(field: &str, text: &str) -> Checked<()> {
    let parsed = text.parse::<PathAndQuery>().is_ok();
    if text.starts_with('/') && !text.contains(['?', '#']) && parsed {
        Ok(())
    } else {
        refuse(field, "must begin with \"/\" and hold only characters of a URL's path")
    }
}

fn mirror(message: &config::Mirror) -> Checked<Mirror> {
    let share = match NonZeroU32::new(message.denominator) {
        None => refuse("denominator", "must be at least 1"),
        Some(denominator) if message.numerator <= denominator.get() => Ok((message.numerator, denominator)),
        Some(_) => refuse("numerator", "must not be more than the denominator"),
    };
    let backend = match &message.backend {
        None => refuse("backend", "must be set"),
        Some(reference) => backend_ref(reference).within("backend"),
    };
    let ((numerator, denominator), (backend, port)) = (share, backend).together()?;
    Ok(Mirror { backend, port, numerator, denominator })
}

#[cfg(test)]
mod tests;
