//! The texts that `format` names, as Go's standard library reads them: what it takes is taken.

mod mail;
mod pattern;
mod time;
mod url;

use std::net::IpAddr;

/// A format that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Date,
    Time,
    DateTime,
    Hostname,
    Email,
    Ipv4,
    Ipv6,
    Uri,
    UriReference,
    UriTemplate,
    Uuid,
    Regex,
    JsonPointer,
    RelativeJsonPointer,
}

/// The format of that name. Every text is one of a format that is not known.
pub(crate) fn named(name: &str) -> Option<Format> {
    Some(match name {
        "date" => Format::Date,
        "time" => Format::Time,
        "date-time" => Format::DateTime,
        "hostname" => Format::Hostname,
        "email" | "idn-email" => Format::Email,
        "ipv4" => Format::Ipv4,
        "ipv6" => Format::Ipv6,
        "uri" | "iri" => Format::Uri,
        "uri-reference" | "iri-reference" => Format::UriReference,
        "uri-template" => Format::UriTemplate,
        "uuid" => Format::Uuid,
        "regex" => Format::Regex,
        "json-pointer" => Format::JsonPointer,
        "relative-json-pointer" => Format::RelativeJsonPointer,
        _ => return None,
    })
}

/// Whether a text is of that format.
pub(crate) fn is(format: Format, text: &str) -> bool {
    match format {
        Format::Date => time::is_date(text),
        Format::Time => time::is_time(text),
        Format::DateTime => time::is_date_time(text),
        Format::Hostname => is_hostname(text),
        Format::Email => mail::is_address(text),
        Format::Ipv4 => text.contains('.') && text.parse::<IpAddr>().is_ok(),
        Format::Ipv6 => text.contains(':') && text.parse::<IpAddr>().is_ok(),
        Format::Uri => url::parse(text).is_some_and(|parsed| parsed.has_scheme) && !text.contains('\\'),
        Format::UriReference => url::parse(text).is_some() && !text.contains('\\'),
        Format::UriTemplate => {
            !text.contains('\\') && url::parse(text).is_some_and(|parsed| has_closed_braces(&parsed.path))
        }
        Format::Uuid => is_uuid(text),
        Format::Regex => pattern::is_regex(text),
        Format::JsonPointer => is_pointer(text),
        Format::RelativeJsonPointer => is_relative_pointer(text),
    }
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        let ends = label.bytes().next().zip(label.bytes().next_back());
        label.len() <= 63
            && ends.is_some_and(|(first, last)| first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() < 256 && text.split('.').all(is_label)
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let groups: Vec<_> = text.split('-').collect();
    groups.len() == lengths.len()
        && groups
            .iter()
            .zip(lengths)
            .all(|(group, length)| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_pointer(text: &str) -> bool {
    let is_escaped = |text: &str| text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    text.is_empty() || text.starts_with('/') && is_escaped(text)
}

fn is_relative_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let is_number = number == "0" || digits > 0 && !number.starts_with('0');
    is_number && (rest == "#" || is_pointer(rest))
}

/// Whether each brace that opens is closed.
fn has_closed_braces(mut text: &str) -> bool {
    while let Some((_, after)) = text.split_once('{') {
        match after.split_once('}') {
            Some((_, rest)) => text = rest,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
