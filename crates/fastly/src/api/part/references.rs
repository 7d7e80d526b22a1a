//! What parts of a version say of each other.
//!
//! A name that is not there yet is taken: scripts write all parts of a version at once, in any order, and whether they fit
//! together is found out when the version is validated. What is there and cannot be meant is refused.

use serde_json::{Map, Value};

use crate::api::failure::Failure;
use crate::api::record::{Record, VersionMap};
use crate::object::shape::Shape;

/// Refuses conditions of the wrong type.
pub(super) fn check(version: &Record<VersionMap>, part: &Map<String, Value>) -> Result<(), Failure> {
    for kind in ["request", "cache", "response"] {
        let name = part.get(&format!("{kind}_condition")).and_then(Value::as_str).filter(|name| !name.is_empty());
        if let Some(name) = name
            && let Some(found) = condition_type(version, name)
            && !found.eq_ignore_ascii_case(kind)
        {
            return Err(Failure::bad_request(format!("Condition '{name}' is not a {kind} condition")));
        }
    }
    Ok(())
}

/// The type of the condition of that name.
pub(crate) fn condition_type<'a>(version: &'a Record<VersionMap>, name: &str) -> Option<&'a str> {
    let condition = version.parts("conditions").iter().find(|condition| condition["name"] == name)?;
    condition["type"].as_str()
}

/// Refuses to take away a backend that a director has.
pub(super) fn check_unused(version: &Record<VersionMap>, shape: &Shape, name: &str) -> Result<(), Failure> {
    if shape.segment != "backend" {
        return Ok(());
    }
    let directors = version.parts("directors");
    match directors.iter().find(|director| members(director).any(|member| member == name)) {
        Some(director) => {
            let director = director["name"].as_str().unwrap_or_default();
            Err(Failure::bad_request(format!("Backend '{name}' is used by director '{director}'")))
        }
        None => Ok(()),
    }
}

fn members(director: &Value) -> impl Iterator<Item = &str> {
    director["backends"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Lets what refers to a backend or a health check go on doing so when its name changes.
pub(super) fn rename(version: &mut Record<VersionMap>, shape: &Shape, before: &str, after: &str) {
    match shape.segment {
        "backend" => version.change("directors", |directors| {
            let members = directors.iter_mut().filter_map(|director| director["backends"].as_array_mut()).flatten();
            members.filter(|member| *member == before).for_each(|member| *member = after.into());
        }),
        "healthcheck" => version.change("backends", |backends| {
            for backend in backends.iter_mut().filter(|backend| backend["healthcheck"] == before) {
                backend["healthcheck"] = after.into();
            }
        }),
        _ => {}
    }
}
