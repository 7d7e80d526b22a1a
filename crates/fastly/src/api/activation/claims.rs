//! Which service serves a domain. There is a record for each domain that is served; the commit that activates a version makes
//! those of its domains, which only succeeds where no other service has them: two activations at once cannot both.

use std::collections::BTreeSet;

use backstay_auth::User;
use backstay_store::{Expect, Key, Operation, Snapshot, Write};
use serde_json::Value;

use crate::api::failure::Failure;
use crate::api::record::{self, Record, VersionMap};

/// Where the records are. They are of no kind that is served: the service and its active version say the same.
const RESOURCE: &str = "fastlydomains.backstay.dev";

fn key(domain: &str) -> Key {
    Key::new(RESOURCE, "", domain)
}

/// The service that serves a domain.
pub(crate) fn owner(snapshot: &Snapshot, domain: &str) -> Option<String> {
    let entry = snapshot.get(&key(domain))?;
    String::from_utf8(entry.value.bytes().into_owned()).ok()
}

/// The refusal of a domain that another service serves. Whose it is is told to those who see that service.
pub(crate) fn taken(snapshot: &Snapshot, identity: &User, domain: &str, owner: &str) -> Failure {
    let whose = match record::service(snapshot, identity, owner) {
        Ok(service) => format!("another service: {owner} ({})", service.spec.name),
        Err(_) => "another customer".to_owned(),
    };
    Failure::bad_request(format!("Domain '{domain}' is already taken by {whose}"))
}

fn domains(version: &Record<VersionMap>) -> BTreeSet<&str> {
    version.parts("domains").iter().filter_map(|domain| domain.get("name").and_then(Value::as_str)).collect()
}

/// Takes the domains of a version for a service.
pub(crate) fn take(
    snapshot: &Snapshot,
    identity: &User,
    service: &str,
    version: &Record<VersionMap>,
) -> Result<Vec<Write>, Failure> {
    let mut writes = Vec::new();
    for domain in domains(version) {
        match owner(snapshot, domain) {
            None => {
                let operation = Operation::Put(service.to_owned().into());
                writes.push(Write { key: key(domain), expect: Expect::Absent, operation });
            }
            Some(owner) if owner != service => return Err(taken(snapshot, identity, domain, &owner)),
            Some(_) => {}
        }
    }
    Ok(writes)
}

/// Gives back the domains of the version that a service has served, save those that the next one has as well.
pub(crate) fn release(
    snapshot: &Snapshot,
    service: &str,
    before: &Record<VersionMap>,
    next: Option<&Record<VersionMap>>,
) -> Vec<Write> {
    let kept = next.map(domains).unwrap_or_default();
    let given_back = domains(before).into_iter().filter(|domain| !kept.contains(domain));
    let owned = given_back.filter(|domain| owner(snapshot, domain).is_some_and(|owner| owner == service));
    owned.map(|domain| Write { key: key(domain), expect: Expect::Present, operation: Operation::Delete }).collect()
}
