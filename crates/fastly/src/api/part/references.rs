//! What parts of a version say of each other.
//!
//! Conditions must be there before they are named, as with Fastly. Other names are taken as they come: scripts write the parts
//! of a version in any order, and whether they fit together is found out when the version is validated.

use serde_json::{Map, Value};

use crate::api::failure::Failure;
use crate::api::record::{Record, VersionMap};
use crate::condition;
use crate::object::shape::Shape;

/// Refuses conditions that are not there or of the wrong type, where a part has not named them before.
pub(super) fn check(
    version: &Record<VersionMap>,
    before: &Map<String, Value>,
    part: &Map<String, Value>,
) -> Result<(), Failure> {
    for kind in ["request", "cache", "response"] {
        let field = format!("{kind}_condition");
        let name = part.get(&field).and_then(Value::as_str).filter(|name| !name.is_empty());
        let Some(name) = name.filter(|_| before.get(&field) != part.get(&field)) else { continue };
        match condition_type(version, name) {
            Some(found) if found.eq_ignore_ascii_case(kind) => {}
            Some(_) => return Err(Failure::bad_request(format!("Condition '{name}' is not a {kind} condition"))),
            None => return Err(Failure::bad_request(format!("No condition named '{name}'"))),
        }
    }
    Ok(())
}

/// Refuses a condition on requests that is no expression of VCL at all. Whether proxies can evaluate it, and what it names is
/// there, is found out when the version is validated.
pub(super) fn check_statement(shape: &Shape, part: &Map<String, Value>) -> Result<(), Failure> {
    if shape.segment != "condition" || part.get("type").and_then(Value::as_str) != Some("REQUEST") {
        return Ok(());
    }
    let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
    let checked = condition::check_syntax(text("statement"));
    checked.map_err(|fault| Failure::bad_request(format!("Condition '{}': {fault}", text("name"))))
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
