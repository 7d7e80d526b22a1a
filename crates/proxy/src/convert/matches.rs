use backstay_proto::config::{Match, NamedMatch, PathMatch as PathMatchMessage, named_match, path_match};
use http::{HeaderName, Method};

use super::fault::{Checked, Fault, Within};
use crate::route::{HeaderMatch, InvalidRegex, Matcher, PathMatch, QueryMatch, ValueMatch};

/// One match of a rule.
pub(super) fn matcher(message: &Match) -> Checked<Matcher> {
    let path = match &message.path {
        None => PathMatch::Prefix("/".into()),
        Some(path) => path_match(path).within("path")?,
    };
    let method = match message.method.as_str() {
        "" => None,
        text => Some(
            Method::from_bytes(text.as_bytes())
                .map_err(|_| Fault::new("method", format!("{text:?} is not a method")))?,
        ),
    };
    let headers = message.headers.iter().enumerate().map(|(index, header)| {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| Fault::new("name", format!("{:?} is not a header name", header.name)));
        name.and_then(|name| Ok(HeaderMatch { name, value: value_match(header)? })).within_element("headers", index)
    });
    let headers = headers.collect::<Checked<_>>()?;
    let query = message.query.iter().enumerate().map(|(index, parameter)| {
        let named = if parameter.name.is_empty() { Err(Fault::new("name", "must not be empty")) } else { Ok(()) };
        named
            .and_then(|()| Ok(QueryMatch { name: parameter.name.as_str().into(), value: value_match(parameter)? }))
            .within_element("query", index)
    });
    Ok(Matcher { path, method, headers, query: query.collect::<Checked<_>>()? })
}

fn path_match(path: &PathMatchMessage) -> Checked<PathMatch> {
    let absolute = |field: &str, text: &str| {
        if text.starts_with('/') { Ok(()) } else { Err(Fault::new(field, "must begin with \"/\"")) }
    };
    match &path.kind {
        None => Err(Fault::unknown("")),
        Some(path_match::Kind::Exact(text)) => {
            absolute("exact", text)?;
            Ok(PathMatch::Exact(text.as_str().into()))
        }
        Some(path_match::Kind::Prefix(text)) => {
            absolute("prefix", text)?;
            Ok(PathMatch::Prefix(text.as_str().into()))
        }
        Some(path_match::Kind::Regex(text)) => PathMatch::regex(text).map_err(invalid_regex),
    }
}

fn value_match(named: &NamedMatch) -> Checked<ValueMatch> {
    match &named.kind {
        None => Err(Fault::unknown("")),
        Some(named_match::Kind::Exact(text)) => Ok(ValueMatch::exact(text)),
        Some(named_match::Kind::Regex(text)) => ValueMatch::regex(text).map_err(invalid_regex),
    }
}

fn invalid_regex(error: InvalidRegex) -> Fault {
    Fault::new("regex", error.to_string())
}
