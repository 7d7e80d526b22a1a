use std::num::NonZeroU32;

use backstay_proto::config::{
    Filter, HeaderModifier, Mirror as MirrorMessage, PathModifier, UrlRewrite, filter, path_modifier,
};
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue};

use super::fault::{Checked, Fault, Within};
use super::rule::{Backends, Reached};
use crate::config::{Filters, HeaderEdit, Mirror, PathEdit};

/// Headers that say where a message ends or what its connection does. An edit would make two parties disagree about that.
const FRAMING: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// The filters of a rule or of one of its backends.
pub(super) fn filters(messages: &[Filter], backends: &mut Backends<'_>) -> Checked<Filters> {
    let mut filters = Filters::default();
    let (mut request, mut response, mut mirrors) = (Vec::new(), Vec::new(), Vec::new());
    for (index, message) in messages.iter().enumerate() {
        let checked = match &message.kind {
            None => Err(Fault::unknown("")),
            Some(filter::Kind::RequestHeaders(edits)) => header_edits(edits, &mut request).within("request_headers"),
            Some(filter::Kind::ResponseHeaders(edits)) => header_edits(edits, &mut response).within("response_headers"),
            Some(filter::Kind::UrlRewrite(rewrite)) => url_rewrite(rewrite, &mut filters).within("url_rewrite"),
            Some(filter::Kind::Mirror(message)) => {
                mirror(message, backends).within("mirror").map(|mirror| mirrors.extend(mirror))
            }
        };
        checked.within_element("filters", index)?;
    }
    filters.request_headers = request.into();
    filters.response_headers = response.into();
    filters.mirrors = mirrors.into();
    Ok(filters)
}

fn header_edits(message: &HeaderModifier, edits: &mut Vec<HeaderEdit>) -> Checked<()> {
    for (index, header) in message.set.iter().enumerate() {
        let name = header_name(&header.name).within("name").within_element("set", index)?;
        edits.push(HeaderEdit::Set(name, header_value(&header.value).within("value").within_element("set", index)?));
    }
    for (index, header) in message.add.iter().enumerate() {
        let name = header_name(&header.name).within("name").within_element("add", index)?;
        edits.push(HeaderEdit::Add(name, header_value(&header.value).within("value").within_element("add", index)?));
    }
    for (index, name) in message.remove.iter().enumerate() {
        edits.push(HeaderEdit::Remove(header_name(name).within_element("remove", index)?));
    }
    Ok(())
}

fn header_name(text: &str) -> Checked<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| Fault::new("", format!("{text:?} is not a header name")))?;
    if FRAMING.contains(&name) || name == "keep-alive" || name == "proxy-connection" {
        return Err(Fault::new("", format!("{name} belongs to the connection, a filter cannot change it")));
    }
    if name == "cdn-loop" {
        return Err(Fault::new("", format!("{name} ends circles of requests (RFC 8586), a filter cannot change it")));
    }
    Ok(name)
}

fn header_value(text: &str) -> Checked<HeaderValue> {
    // Blanks at either end are no part of a value (RFC 9110, 5.5), and HTTP/2 has no place for them.
    HeaderValue::from_str(text.trim_matches([' ', '\t']))
        .map_err(|_| Fault::new("", "holds characters that a header value cannot carry"))
}

fn url_rewrite(rewrite: &UrlRewrite, filters: &mut Filters) -> Checked<()> {
    if !rewrite.hostname.is_empty() {
        let authority: Result<Authority, _> = rewrite.hostname.parse();
        let valid = authority.is_ok_and(|authority| !authority.as_str().contains('@'));
        let value = HeaderValue::from_str(&rewrite.hostname).ok().filter(|_| valid);
        filters.rewrite_host =
            Some(value.ok_or_else(|| Fault::new("hostname", format!("{:?} is not a host name", rewrite.hostname)))?);
    }
    if let Some(path) = &rewrite.path {
        filters.rewrite_path = Some(path_edit(path).within("path")?);
    }
    Ok(())
}

pub(super) fn path_edit(message: &PathModifier) -> Checked<PathEdit> {
    match &message.kind {
        None => Err(Fault::unknown("")),
        Some(path_modifier::Kind::ReplaceFull(text)) => {
            valid_path("replace_full", text)?;
            Ok(PathEdit::Full(text.as_str().into()))
        }
        Some(path_modifier::Kind::ReplacePrefix(text)) => {
            if !text.is_empty() {
                valid_path("replace_prefix", text)?;
            }
            Ok(PathEdit::Prefix(text.as_str().into()))
        }
    }
}

fn valid_path(field: &str, text: &str) -> Checked<()> {
    let parsed = text.parse::<PathAndQuery>().is_ok();
    if text.starts_with('/') && !text.contains(['?', '#']) && parsed {
        Ok(())
    } else {
        Err(Fault::new(field, "must begin with \"/\" and hold only characters of a URL's path"))
    }
}

fn mirror(message: &MirrorMessage, backends: &mut Backends<'_>) -> Checked<Option<Mirror>> {
    let Some(denominator) = NonZeroU32::new(message.denominator) else {
        return Err(Fault::new("denominator", "must be at least 1"));
    };
    if message.numerator > message.denominator {
        return Err(Fault::new("numerator", "must not be more than the denominator"));
    }
    let reference = message.backend.as_ref().ok_or_else(|| Fault::new("backend", "must be set"))?;
    // A copy that has nowhere to go is no reason to refuse the original.
    Ok(match backends.reach(reference).within("backend")? {
        Reached::Backend(backend, port) => Some(Mirror { backend, port, numerator: message.numerator, denominator }),
        Reached::Nowhere => None,
    })
}

#[cfg(test)]
mod tests;
