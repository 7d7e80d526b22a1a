//! What is kept beside a version because of its parts: entries of lists, items of dictionaries, dynamic snippets; and what
//! other services have to say about a domain.

use backstay_resources::Timestamp;
use backstay_store::{Snapshot, Write};
use serde_json::{Map, Value};

use crate::api::activation::claims;
use crate::api::failure::Failure;
use crate::api::record::{self, Record, VersionMap};
use crate::api::request::Call;
use crate::api::versions::Place;
use crate::object::shape::Shape;
use crate::object::{AclSpec, DictionarySpec, DynamicSnippet, FASTLY_ACL, FASTLY_DICTIONARY, ServiceSpec};

/// Refuses a domain that another service serves.
pub(super) fn check_domain(
    snapshot: &Snapshot,
    call: &Call,
    place: Place<'_>,
    shape: &Shape,
    name: &str,
) -> Result<(), Failure> {
    if shape.segment != "domain" {
        return Ok(());
    }
    match claims::owner(snapshot, name) {
        Some(owner) if owner != place.service => Err(claims::taken(snapshot, &call.identity, name, &owner)),
        _ => Ok(()),
    }
}

/// Stores what a new part needs beside the version.
pub(super) fn made(
    shape: &Shape,
    mut service: Record<ServiceSpec>,
    part: &mut Map<String, Value>,
    id: &str,
) -> Result<(Vec<Write>, Record<ServiceSpec>), Failure> {
    let owner = service.name().to_owned();
    let write = match shape.segment {
        "acl" => Record::new(&FASTLY_ACL, id, AclSpec { service: owner, entries: Vec::new() }).put()?,
        "dictionary" => {
            let write_only = part.get("write_only") == Some(&Value::Bool(true));
            let spec = DictionarySpec { service: owner, write_only, items: Default::default() };
            Record::new(&FASTLY_DICTIONARY, id, spec).put()?
        }
        "snippet" if part.get("dynamic") == Some(&Value::Bool(true)) => {
            let content = part.insert("content".to_owned(), "".into());
            let content = content.and_then(|content| content.as_str().map(str::to_owned)).unwrap_or_default();
            let at = Some(Timestamp::now());
            let snippet = DynamicSnippet { content, created_at: at, updated_at: at };
            service.spec.dynamic_snippets.insert(id.to_owned(), snippet);
            service.clone().put()?
        }
        _ => return Ok((Vec::new(), service)),
    };
    Ok((vec![write], service))
}

/// Refuses what a part cannot change into because of what is kept beside the version.
pub(super) fn changed(
    shape: &Shape,
    service: Record<ServiceSpec>,
    old: &Map<String, Value>,
    part: &mut Map<String, Value>,
) -> Result<(Vec<Write>, Record<ServiceSpec>), Failure> {
    for (segment, field) in [("dictionary", "write_only"), ("snippet", "dynamic")] {
        if shape.segment == segment && old.get(field) != part.get(field) {
            return Err(Failure::bad_request(format!("Cannot change {field}")));
        }
    }
    let is_dynamic = shape.segment == "snippet" && part.get("dynamic") == Some(&Value::Bool(true));
    if is_dynamic && old.get("content") != part.get("content") {
        let detail = "Content of a dynamic snippet is changed at /service/{service_id}/snippet/{snippet_id}";
        return Err(Failure::bad_request(detail));
    }
    Ok((Vec::new(), service))
}

/// Takes away what was kept for a part, unless another version has the part as well.
pub(super) fn gone(
    snapshot: &Snapshot,
    shape: &Shape,
    mut service: Record<ServiceSpec>,
    version: &Record<VersionMap>,
    part: &Value,
) -> Result<Vec<Write>, Failure> {
    if !matches!(shape.segment, "acl" | "dictionary" | "snippet") {
        return Ok(Vec::new());
    }
    let Some(id) = part["id"].as_str() else { return Ok(Vec::new()) };
    let others = record::versions(snapshot, service.name())?;
    let others = others.iter().filter(|other| other.number() != version.number());
    if others.flat_map(|other| other.parts(shape.list)).any(|other| other["id"] == id) {
        return Ok(Vec::new());
    }
    match shape.segment {
        // No version may come to have it meanwhile: that would change the service.
        "acl" => Ok(vec![record::acl(snapshot, service.name(), id)?.delete(), service.guard()]),
        "dictionary" => Ok(vec![record::dictionary(snapshot, service.name(), id)?.delete(), service.guard()]),
        _ if service.spec.dynamic_snippets.remove(id).is_some() => Ok(vec![service.put()?]),
        _ => Ok(Vec::new()),
    }
}

/// Of VCL files, one at most is the main one: the one that was last said to be.
pub(super) fn settle_main(shape: &Shape, version: &mut Record<VersionMap>, part: &Map<String, Value>) {
    if shape.segment == "vcl" && part.get("main") == Some(&Value::Bool(true)) {
        version.change(shape.list, |files| files.iter_mut().for_each(|file| file["main"] = false.into()));
    }
}

/// What a dynamic snippet says is not told where the version is.
pub(super) fn write_snippet(part: &Map<String, Value>, out: &mut Map<String, Value>) {
    if part.get("dynamic") == Some(&Value::Bool(true)) {
        out.insert("content".to_owned(), Value::Null);
    }
}
