//! What request settings do, beside redirecting requests without TLS.

use backstay_proto::config;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::operation::Kind;
use backstay_proto::config::set_header::Mode;

use super::verdict::{Named, Verdict};
use crate::object::{RequestSettings, Xff};

/// Where the addresses of clients are told.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// What is done to a request.
pub(super) fn operations(settings: &RequestSettings) -> Vec<Kind> {
    let mut operations = Vec::new();
    if let Some(host) = settings.default_host.as_deref().filter(|host| !host.is_empty()) {
        let value = config::Expression { kind: Some(Expression::Text(host.to_owned())) };
        let name = "host".to_owned();
        let set = config::SetHeader { name, value: Some(value), mode: Mode::Replace.into() };
        operations.push(Kind::SetRequestHeader(set));
    }
    match settings.xff {
        // A proxy adds the client's address to what is there.
        Xff::Append | Xff::AppendAll | Xff::Leave => {}
        Xff::Overwrite | Xff::Clear => operations.push(Kind::RemoveRequestHeader(FORWARDED_FOR.to_owned())),
    }
    operations
}

/// What they ask for that is not done.
pub(super) fn unapplied(settings: &RequestSettings, verdict: &mut Verdict) {
    let object = Named("Request settings", &settings.name);
    match settings.xff {
        Xff::Leave | Xff::Clear => {
            verdict.warning(object, "xff: the client's address is added to X-Forwarded-For all the same");
        }
        Xff::Append | Xff::AppendAll | Xff::Overwrite => {}
    }
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
