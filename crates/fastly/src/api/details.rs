//! A service with everything that is in its versions.

use backstay_store::Snapshot;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::part;
use super::record::{self, Record, VersionMap};
use super::reply::Reply;
use super::request::Call;
use super::services;
use super::settings;
use super::shared::Api;
use super::versions::{self, Place};
use crate::object::SHAPES;
use crate::object::ServiceSpec;

/// Answers for `/service/ID/details`. `version` is the one that is asked for, or else the active or the newest one.
pub(crate) async fn handle(api: &Api, call: &Call, id: &str) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, id)?;
    let spec = &service.spec;
    let wants = |name: &str| call.parameter(&format!("filter[versions.{name}]")) == Some("true");
    let shown = match call.parameter("version") {
        Some(number) => Some(Place::parse(id, number)?.number),
        None if wants("staged") => spec.staged,
        None if wants("active") => spec.active,
        None => Some(spec.active.unwrap_or(spec.last_version)),
    };
    let mut answer = services::render(&snapshot, &service)?;
    if wants("active") || wants("staged") {
        let kept = if wants("active") { spec.active } else { spec.staged };
        if let Some(Value::Array(versions)) = answer.get_mut("versions") {
            versions.retain(|version| kept.is_some_and(|kept| version["number"] == kept));
        }
    }
    answer.insert("active_version".to_owned(), detail(&snapshot, &service, spec.active)?);
    answer.insert("version".to_owned(), detail(&snapshot, &service, shown)?);
    Ok(Reply::new(answer))
}

fn detail(snapshot: &Snapshot, service: &Record<ServiceSpec>, number: Option<u32>) -> Result<Value, Failure> {
    let Some(number) = number else { return Ok(Value::Null) };
    let version = record::version(snapshot, service.name(), number)?;
    Ok(Value::Object(render(service, &version)))
}

/// A version with all its parts.
pub(crate) fn render(service: &Record<ServiceSpec>, version: &Record<VersionMap>) -> Map<String, Value> {
    let mut answer = versions::render(service, version);
    for shape in SHAPES {
        answer.insert(shape.list.to_owned(), part::all(service, version, shape).into());
    }
    answer.insert("wordpress".to_owned(), Value::Array(Vec::new()));
    answer.insert("settings".to_owned(), settings::fields(version).into());
    answer
}
