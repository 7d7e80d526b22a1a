use backstay_destination::HostPattern;
use backstay_proto::config;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use super::{InsteadOf, Redirect, Respond};
use crate::fault::{Checked, Together, Within, all, refuse};
use crate::route::filter::{header_name, path_edit};
use crate::route::reference::port;

/// Where a client is sent.
pub(in crate::route) fn redirect(message: &config::Redirect) -> Checked<Redirect> {
    let scheme = match message.scheme.as_str() {
        "" => Ok(None),
        scheme @ ("http" | "https") => Ok(Some(scheme.into())),
        other => refuse("scheme", format!("must be http or https, not {other:?}")),
    };
    let hostname = match HostPattern::parse(&message.hostname) {
        Ok(HostPattern::Any) if message.hostname.is_empty() => Ok(None),
        Ok(HostPattern::Exact(name)) => Ok(Some(name)),
        _ => refuse("hostname", format!("{:?} is not a host name", message.hostname)),
    };
    let status = match message.status {
        301 | 302 | 303 | 307 | 308 => status(message.status),
        _ => refuse("status", "must be 301, 302, 303, 307 or 308"),
    };
    let path = message.path.as_ref().map(path_edit).transpose().within("path");
    let (scheme, hostname, path, port, status) = (scheme, hostname, path, port(message.port), status).together()?;
    Ok(Redirect { scheme, hostname, path, port, status })
}

/// An answer. What computes its body is for the caller to read.
pub(in crate::route) fn respond(message: &config::Respond) -> Checked<Respond> {
    let status = match message.status {
        200..=599 => status(message.status),
        _ => refuse("status", "must be from 200 to 599"),
    };
    let content_type = match message.content_type.as_str() {
        "" => Ok(HeaderValue::from_static("text/plain")),
        text => HeaderValue::from_str(text).or_else(|_| refuse("content_type", "cannot be sent")),
    };
    // RFC 9112, 4: blanks, visible characters, and what is beyond ASCII.
    let sendable = message.reason.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    let reason = match message.reason.as_str() {
        "" => Ok(None),
        reason if sendable => Ok(Some(Bytes::copy_from_slice(reason.as_bytes()))),
        _ => refuse("reason", "must not hold control characters"),
    };
    let instead_of = match config::respond::InsteadOf::try_from(message.instead_of) {
        Ok(config::respond::InsteadOf::Nothing) => Ok(None),
        Ok(config::respond::InsteadOf::UnresolvedBackend) => Ok(Some(InsteadOf::UnresolvedBackend)),
        Ok(config::respond::InsteadOf::RefusedRule) => Ok(Some(InsteadOf::RefusedRule)),
        Ok(config::respond::InsteadOf::NoBackend) => Ok(Some(InsteadOf::NoBackend)),
        Err(_) => refuse("instead_of", format!("{} is unknown", message.instead_of)),
    };
    let (status, content_type, reason, headers, instead_of) =
        (status, content_type, reason, fields("headers", &message.headers), instead_of).together()?;
    let body = message.body.clone().into();
    Ok(Respond { status, body, content_type, reason, headers: headers.into(), instead_of })
}

/// Headers of a response.
pub(in crate::route) fn fields(
    field: &str,
    messages: &[config::ResponseField],
) -> Checked<Vec<(HeaderName, HeaderValue)>> {
    let one = |(index, message): (usize, &config::ResponseField)| {
        let value = HeaderValue::from_str(&message.value).or_else(|_| refuse("value", "cannot be sent"));
        (header_name(&message.name).within("name"), value).together().within_element(field, index)
    };
    all(messages.iter().enumerate().map(one))
}

fn status(code: u32) -> Checked<StatusCode> {
    let code = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    code.map_or_else(|| refuse("status", "is not an HTTP status"), Ok)
}
