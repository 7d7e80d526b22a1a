use backstay_destination::HostPattern;
use backstay_proto::config::{self, rule, weighted_backend};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::{Action, Forward, Redirect, Respond, Target, WeightedTarget, WeightedTargets};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::filter::{filters, path_edit};
use crate::route::reference::{backend_ref, port};
use crate::scalar::limit;
use crate::sequence;

/// The action of a rule.
pub(in crate::route) fn action(message: Option<&rule::Action>) -> Checked<Action> {
    Ok(match message {
        None => return unknown("action"),
        Some(rule::Action::Forward(message)) => Action::Forward(forward(message).within("forward")?),
        Some(rule::Action::Redirect(message)) => Action::Redirect(redirect(message).within("redirect")?),
        Some(rule::Action::Respond(message)) => Action::Respond(fixed(message).within("respond")?),
        Some(rule::Action::Sequence(message)) => {
            Action::Sequence(Box::new(sequence::sequence(message).within("sequence")?))
        }
    })
}

fn forward(message: &config::Forward) -> Checked<Forward> {
    let targets = message.backends.iter().enumerate();
    let targets = targets.map(|(index, weighted)| target(weighted).within_element("backends", index));
    let (targets, request_timeout, backend_request_timeout) = (
        all(targets),
        limit("request_timeout", message.request_timeout),
        limit("backend_request_timeout", message.backend_request_timeout),
    )
        .together()?;
    Ok(Forward { targets: WeightedTargets::new(targets), request_timeout, backend_request_timeout })
}

fn target(message: &config::WeightedBackend) -> Checked<WeightedTarget> {
    let target = match &message.target {
        None => unknown("target"),
        Some(weighted_backend::Target::Respond(message)) => fixed(message).map(Target::Respond).within("respond"),
        Some(weighted_backend::Target::Backend(reference)) => {
            backend_ref(reference).map(|(backend, port)| Target::Backend { backend, port }).within("backend")
        }
    };
    let (filters, target) = (filters(&message.filters), target).together()?;
    Ok(WeightedTarget { weight: message.weight, target, filters })
}

/// Where a client is sent.
pub(crate) fn redirect(message: &config::Redirect) -> Checked<Redirect> {
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

/// An answer that does not depend on the request.
fn fixed(message: &config::Respond) -> Checked<Respond> {
    if message.computed_body.is_some() {
        return refuse("computed_body", "can be set in the steps of a sequence only");
    }
    respond(message)
}

/// An answer. What computes its body is for the caller to read.
pub(crate) fn respond(message: &config::Respond) -> Checked<Respond> {
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
    let (status, content_type, reason) = (status, content_type, reason).together()?;
    Ok(Respond { status, body: message.body.clone().into(), content_type, reason })
}

fn status(code: u32) -> Checked<StatusCode> {
    let code = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    code.map_or_else(|| refuse("status", "is not an HTTP status"), Ok)
}
