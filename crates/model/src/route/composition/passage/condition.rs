//! What modifiers depend on.

use backstay_composition::{Cookie, HeaderMatch, RequestCondition, ResponseCondition, Scheme, UrlMatch};
use backstay_proto::config::{self, modifier_condition::Kind};
use regex::bytes::{Regex, RegexBuilder};

use super::changes::{field_of, header};
use crate::fault::{Checked, Together, Within, refuse, unknown};

/// How large a regex may become, in bytes.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A condition, as it is for requests and for answers.
pub(super) fn conditions(message: &config::ModifierCondition) -> Checked<(RequestCondition, ResponseCondition)> {
    let of_request = |url: UrlMatch| (RequestCondition::Request(url.clone()), ResponseCondition::Request(url));
    Ok(match &message.kind {
        None => return unknown(""),
        Some(Kind::Header(field)) => {
            let (name, value) = field_of(field).within("header")?;
            (RequestCondition::Header(name.clone(), value.clone()), ResponseCondition::Header(name, value))
        }
        Some(Kind::HeaderRegex(message)) => {
            let (name, regex) = (header(&message.name).within("name"), regex(&message.regex).within("regex"))
                .together()
                .within("header_regex")?;
            of_request(UrlMatch::Header(HeaderMatch { name, regex }))
        }
        Some(Kind::Query(field)) => of_request(UrlMatch::Parameter(field.name.clone(), field.value.clone())),
        Some(Kind::Url(parts)) => of_request(url(parts).within("url")?),
        Some(Kind::UrlRegex(text)) => of_request(UrlMatch::Regex(regex(text).within("url_regex")?)),
        Some(Kind::Port(port)) => match u16::try_from(*port) {
            Ok(port) => of_request(UrlMatch::Port(port)),
            Err(_) => return refuse("port", "must not be more than 65535"),
        },
        Some(Kind::Cookie(field)) => {
            let cookie = Cookie { name: field.name.clone(), value: field.value.clone() };
            (RequestCondition::Cookie(cookie.clone()), ResponseCondition::Cookie(cookie))
        }
    })
}

fn regex(text: &str) -> Checked<Regex> {
    RegexBuilder::new(text).size_limit(MAX_REGEX_BYTES).build().or_else(|error| refuse("", error.to_string()))
}

fn url(parts: &config::UrlParts) -> Checked<UrlMatch> {
    let scheme = match parts.scheme.as_str() {
        "" => None,
        "http" => Some(Scheme::Http),
        "https" => Some(Scheme::Https),
        _ => return refuse("scheme", "must be http, https or empty"),
    };
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(UrlMatch::Parts { scheme, host: given(&parts.host), path: given(&parts.path), query: given(&parts.query) })
}
