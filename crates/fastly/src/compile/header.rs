//! What a header object does: to headers, to the target, to the backend.

use backstay_proto::config;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::function::Name;
use backstay_proto::config::operation::Kind;
use backstay_proto::config::set_header::Mode;
use http::HeaderName;

use super::verdict::{Named, Verdict};
use crate::condition::{Scope, compile_replacement, compile_text};
use crate::object::{Header, HeaderAction, HeaderType};

/// What a header object changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<'a> {
    Header(&'a str),
    Url,
    Backend,
}

/// What a header object does to requests or responses. `None` where it does nothing, which is said.
pub(super) fn operation(header: &Header, scope: &Scope, verdict: &mut Verdict) -> Option<config::Operation> {
    match compiled(header, scope) {
        Ok(kind) => Some(config::Operation { kind: Some(kind) }),
        Err(message) => {
            let object = Named("Header", &header.name);
            // What a response looks like decides on nothing else.
            match header.kind {
                HeaderType::Response => verdict.warning(object, format!("is not applied: {message}")),
                _ => verdict.error(object, message),
            }
            None
        }
    }
}

fn compiled(header: &Header, scope: &Scope) -> Result<Kind, String> {
    let of_response = header.kind == HeaderType::Response;
    let target = target(&header.dst, of_response)?;
    match target {
        Target::Header(name) => of_header(header, name, of_response, scope),
        Target::Url if header.ignore_if_set => {
            Err("ignore_if_set has no effect on url, which is always set".to_owned())
        }
        Target::Url => match header.action {
            HeaderAction::Set => Ok(Kind::SetTarget(source(header, scope)?)),
            HeaderAction::Append => {
                let operands =
                    vec![compile_text("req.url", scope).map_err(|it| it.to_string())?, source(header, scope)?];
                let kind = Some(Expression::Concatenation(config::Expressions { operands }));
                Ok(Kind::SetTarget(config::Expression { kind }))
            }
            HeaderAction::Delete => Err("url cannot be deleted".to_owned()),
            HeaderAction::Regex => Ok(Kind::SetTarget(replaced(header, Name::Replace, scope)?)),
            HeaderAction::RegexRepeat => Ok(Kind::SetTarget(replaced(header, Name::ReplaceAll, scope)?)),
        },
        Target::Backend if header.ignore_if_set => Err("ignore_if_set is not supported with backend".to_owned()),
        Target::Backend if header.action != HeaderAction::Set => Err("backend can only be set".to_owned()),
        Target::Backend => {
            let name = header.src.as_deref().unwrap_or_default().trim();
            match scope.destinations.contains(name) {
                true => Ok(Kind::Select(name.to_owned())),
                false => Err(format!("src {name:?} is no backend: VCL calls a backend F_ and its name")),
            }
        }
    }
}

fn target(dst: &str, of_response: bool) -> Result<Target<'_>, String> {
    let name = |name: &'_ str| {
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("dst {dst:?} names no header")).map(|_| ())
    };
    match dst.strip_prefix("http.") {
        Some(header) => {
            name(header)?;
            Ok(Target::Header(header))
        }
        None if of_response => Err(format!("dst {dst:?} is not supported on responses; http.NAME is")),
        None if dst == "url" => Ok(Target::Url),
        None if dst == "backend" => Ok(Target::Backend),
        None => Err(format!("dst {dst:?} is not supported; http.NAME, url and backend are")),
    }
}

fn of_header(header: &Header, name: &str, of_response: bool, scope: &Scope) -> Result<Kind, String> {
    let name = name.to_ascii_lowercase();
    let (value, mode) = match header.action {
        HeaderAction::Delete if of_response => return Ok(Kind::RemoveResponseHeader(name)),
        HeaderAction::Delete if name == "host" => return Err("a request cannot be without Host".to_owned()),
        HeaderAction::Delete => return Ok(Kind::RemoveRequestHeader(name)),
        HeaderAction::Append if name == "host" => return Err("Host can be set, not appended to".to_owned()),
        HeaderAction::Append => (source(header, scope)?, Mode::Append),
        HeaderAction::Set => (source(header, scope)?, Mode::Replace),
        HeaderAction::Regex => (replaced(header, Name::Replace, scope)?, Mode::Replace),
        HeaderAction::RegexRepeat => (replaced(header, Name::ReplaceAll, scope)?, Mode::Replace),
    };
    let mode = if header.ignore_if_set { Mode::IfAbsent } else { mode };
    let set = config::SetHeader { name, value: Some(value), mode: mode.into() };
    Ok(if of_response { Kind::SetResponseHeader(set) } else { Kind::SetRequestHeader(set) })
}

/// What `src` says.
fn source(header: &Header, scope: &Scope) -> Result<config::Expression, String> {
    match header.src.as_deref().map(str::trim).filter(|source| !source.is_empty()) {
        Some(source) => compile_text(source, scope).map_err(|fault| format!("src: {fault}")),
        None => Err("src is empty".to_owned()),
    }
}

/// What `regex` and `substitution` make of `src`, or of what is there already.
fn replaced(header: &Header, name: Name, scope: &Scope) -> Result<config::Expression, String> {
    let own = format!("req.{}", header.dst);
    let of_response = header.kind == HeaderType::Response;
    let subject = match header.src.as_deref().map(str::trim).filter(|source| !source.is_empty()) {
        Some(source) => source,
        None if of_response => return Err("what the response has is not known when it is computed".to_owned()),
        None => own.as_str(),
    };
    let subject = compile_text(subject, scope).map_err(|fault| format!("src: {fault}"))?;
    let regex = header.regex.as_deref().unwrap_or_default();
    let substitution = header.substitution.as_deref().unwrap_or_default();
    let arguments = compile_replacement(regex, substitution).map_err(|fault| fault.to_string())?;
    let function =
        config::Function { name: name.into(), arguments: std::iter::once(subject).chain(arguments).collect() };
    Ok(config::Expression { kind: Some(Expression::Function(function)) })
}
