use backstay_proto::config::{self, named_match, path_match};
use http::{HeaderName, Method};

use super::{HeaderMatch, InvalidRegex, Matcher, PathMatch, QueryMatch, ValueMatch};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::template;

/// One match of a rule.
pub(in crate::route) fn matcher(message: &config::Match) -> Checked<Matcher> {
    let path = match &message.path {
        None => Ok(PathMatch::Prefix("/".into())),
        Some(path) => path_match(path).within("path"),
    };
    let method = match message.method.as_str() {
        "" => Ok(None),
        text => Method::from_bytes(text.as_bytes())
            .map(Some)
            .or_else(|_| refuse("method", format!("{text:?} is not a method"))),
    };
    let headers = message.headers.iter().enumerate().map(|(index, header)| {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .or_else(|_| refuse("name", format!("{:?} is not a header name", header.name)));
        let parts = (name, value_match(header)).together();
        parts.map(|(name, value)| HeaderMatch { name, value }).within_element("headers", index)
    });
    let query = message.query.iter().enumerate().map(|(index, parameter)| {
        let name =
            if parameter.name.is_empty() { refuse("name", "must not be empty") } else { Ok(parameter.name.as_str()) };
        let parts = (name, value_match(parameter)).together();
        parts.map(|(name, value)| QueryMatch { name: name.into(), value }).within_element("query", index)
    });
    let (path, method, headers, query) = (path, method, all(headers), all(query)).together()?;
    Ok(Matcher { path, method, headers, query })
}

fn path_match(path: &config::PathMatch) -> Checked<PathMatch> {
    let absolute = |field: &str, text: &str| {
        if text.starts_with('/') { Ok(text.into()) } else { refuse(field, "must begin with \"/\"") }
    };
    match &path.kind {
        None => unknown(""),
        Some(path_match::Kind::Exact(text)) => absolute("exact", text).map(PathMatch::Exact),
        Some(path_match::Kind::Prefix(text)) => absolute("prefix", text).map(PathMatch::Prefix),
        Some(path_match::Kind::Regex(text)) => PathMatch::regex(text).or_else(invalid_regex),
        Some(path_match::Kind::Template(message)) => {
            template::template(message).map(|template| PathMatch::Template(template.into())).within("template")
        }
    }
}

fn value_match(named: &config::NamedMatch) -> Checked<ValueMatch> {
    match &named.kind {
        None => unknown(""),
        Some(named_match::Kind::Exact(text)) => Ok(ValueMatch::exact(text)),
        Some(named_match::Kind::Regex(text)) => ValueMatch::regex(text).or_else(invalid_regex),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as or_else hands it over")]
fn invalid_regex<T>(error: InvalidRegex) -> Checked<T> {
    refuse("regex", error.to_string())
}
