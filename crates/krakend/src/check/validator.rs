//! `auth/validator`: validators that let everybody in, or nobody.

use std::collections::HashSet;

use crate::config::{Endpoint, Extra};
use crate::object::is_comment;
use crate::place::Path;
use crate::problem::Report;
use crate::quote::quoted;

/// What a validator of the service may say: what all validators share.
const SHARED: &[&str] = &["shared_cache_duration"];

/// A validator at the service, which guards nothing.
pub(super) fn of_service(extra: Extra<'_>, above: &Path<'_>, report: &Report) {
    let guards =
        extra.node.entries().iter().any(|entry| !SHARED.contains(&entry.key.as_str()) && !is_comment(&entry.key));
    if guards {
        let above = above.key("extra_config");
        let message = "it guards nothing in the service: requests come in without a token; it belongs to each endpoint";
        report.dropped(extra.place, &above.key(extra.key), message);
    }
}

/// A validator of an endpoint.
pub(super) fn of_endpoint(extra: Extra<'_>, endpoint: &Endpoint<'_>, above: &Path<'_>, report: &Report) {
    let above = above.key("extra_config");
    let path = above.key(extra.key);
    keys(extra, &path, report);
    claims(extra, endpoint, &path, report);
    for name in SHARED {
        if let Some(entry) = extra.node.get(name) {
            report.dropped(
                entry.place,
                &path.key(name),
                "it has no effect in an endpoint; it belongs to \"auth/validator\" of the service",
            );
        }
    }
}

/// Where its keys come from.
fn keys(extra: Extra<'_>, path: &Path<'_>, report: &Report) {
    let node = extra.node;
    let written = |name: &str| node.get(name).filter(|entry| entry.node.text().is_some_and(|text| !text.is_empty()));
    let is_insecure_allowed = node.get("disable_jwk_security").is_some_and(|entry| entry.node.is_true());
    let (url, file) = (written("jwk_url"), written("jwk_local_path"));
    if let (Some(cache), Some(_)) = (node.get("cache").filter(|entry| entry.node.is_true()), file) {
        let message = "KrakenD ends at start with cache and jwk_local_path: a file is not fetched, so it is not cached";
        report.refused(cache.place, &path.key("cache"), message);
    }
    let is_plain = url.filter(|entry| entry.node.text().is_some_and(|text| !text.starts_with("https://")));
    if let Some(entry) = is_plain.or(file).filter(|_| !is_insecure_allowed) {
        let message = "without disable_jwk_security keys come over https alone: every request is answered with 401";
        report.surprising(entry.place, &path.key(&entry.key), message);
    } else if url.is_none() && file.is_none() && written("secret_url").is_none() {
        let message =
            "there is no key, since neither jwk_url nor jwk_local_path says where: every request is answered with 401";
        report.surprising(extra.place, path, message);
    }
}

/// Claims that become headers, which only go on where the endpoint lets them pass.
fn claims(extra: Extra<'_>, endpoint: &Endpoint<'_>, path: &Path<'_>, report: &Report) {
    let Some(entry) = extra.node.get("propagate_claims") else { return };
    let path = path.key("propagate_claims");
    let admitted = endpoint.input_headers.as_ref().map(|list| list.value.as_slice()).unwrap_or_default();
    let admitted: HashSet<String> = admitted.iter().map(|name| name.value.to_ascii_lowercase()).collect();
    for (index, pair) in entry.node.members().iter().enumerate() {
        let path = path.index(index);
        let header = match pair.members() {
            [claim, header] => claim.text().and_then(|_| header.text()),
            _ => None,
        };
        match header {
            None => {
                report.dropped(
                    pair.place,
                    &path,
                    "a claim and a header are wanted here, such as [\"sub\", \"X-User\"]",
                );
            }
            Some(name) if !admitted.contains("*") && !admitted.contains(&name.to_ascii_lowercase()) => {
                let message = format!(
                    "{} never reaches the backend: input_headers of the endpoint does not let it pass",
                    quoted(name)
                );
                report.dropped(pair.place, &path, message);
            }
            Some(_) => {}
        }
    }
}
