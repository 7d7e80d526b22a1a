//! What request settings do, beside redirecting requests without TLS.

use backstay_proto::config;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::function::Name;
use backstay_proto::config::operation::Kind;
use backstay_proto::config::set_header::Mode;
use backstay_proto::config::variable::{Kind as Variable, Part};

use super::verdict::{Named, Verdict};
use crate::object::{RequestSettings, Xff};

/// Where the addresses of clients are told.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// What is done to a request.
pub(super) fn operations(settings: &RequestSettings) -> Vec<Kind> {
    let set = |name: &str, value| {
        Kind::SetRequestHeader(config::SetHeader {
            name: name.to_owned(),
            value: Some(config::Expression { kind: Some(value) }),
            mode: Mode::Replace.into(),
        })
    };
    let mut operations = Vec::new();
    if let Some(host) = settings.default_host.as_deref().filter(|host| !host.is_empty()) {
        operations.push(set("host", Expression::Text(host.to_owned())));
    }
    match settings.xff {
        // A proxy has added the client's address before any step.
        Xff::Append | Xff::AppendAll | Xff::Leave => {}
        Xff::Clear => operations.push(Kind::RemoveRequestHeader(FORWARDED_FOR.to_owned())),
        Xff::Overwrite => {
            let kind = Some(Variable::Part(Part::ClientAddress.into()));
            operations.push(set(FORWARDED_FOR, Expression::Variable(config::Variable { kind })));
        }
    }
    operations
}

/// What is done only where something more holds: to leave `X-Forwarded-For` as it came, what the proxy has added goes
/// again. Where that is all there is, the header does.
pub(super) fn conditional(settings: &RequestSettings) -> Vec<(config::Expression, Kind)> {
    if settings.xff != Xff::Leave {
        return Vec::new();
    }
    let of = |kind| config::Expression { kind: Some(kind) };
    let text = |text: &str| of(Expression::Text(text.to_owned()));
    let header = || {
        let kind = Some(Variable::RequestHeader(FORWARDED_FOR.to_owned()));
        of(Expression::Variable(config::Variable { kind }))
    };
    let several = || {
        let (subject, regex) = (Some(Box::new(header())), ",".to_owned());
        of(Expression::RegexMatch(Box::new(config::RegexMatch { subject, regex })))
    };
    let arguments = vec![header(), text(", *[^,]*$"), text("")];
    let before = of(Expression::Function(config::Function { name: Name::Replace.into(), arguments }));
    let name = FORWARDED_FOR.to_owned();
    let set = config::SetHeader { name: name.clone(), value: Some(before), mode: Mode::Replace.into() };
    vec![
        (of(Expression::Not(Box::new(several()))), Kind::RemoveRequestHeader(name)),
        (several(), Kind::SetRequestHeader(set)),
    ]
}

/// What they ask for that is not done.
pub(super) fn unapplied(settings: &RequestSettings, verdict: &mut Verdict) {
    let object = Named("Request settings", &settings.name);
    let RequestSettings { action, bypass_busy_wait, force_miss, geo_headers, hash_keys, .. } = settings;
    let set = |flag: &Option<bool>| *flag == Some(true);
    let unapplied: Vec<&str> = [
        ("action", action.as_deref().is_some_and(|action| !action.is_empty())),
        ("bypass_busy_wait", set(bypass_busy_wait)),
        ("force_miss", set(force_miss)),
        ("geo_headers", set(geo_headers)),
        ("hash_keys", hash_keys.as_deref().is_some_and(|keys| !keys.is_empty())),
        ("max_stale_age", settings.max_stale_age.is_some_and(|age| age > 0)),
        ("timer_support", set(&settings.timer_support)),
    ]
    .into_iter()
    .filter_map(|(name, given)| given.then_some(name))
    .collect();
    if !unapplied.is_empty() {
        let message = format!("{} not applied: nothing is cached, and clients are not located", list(&unapplied));
        verdict.warning(object, message);
    }
}

fn list(names: &[&str]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}
