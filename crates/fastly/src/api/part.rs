//! Parts of a version, all kinds alike: made, read, changed and taken away.

mod backend;
mod contents;
mod references;

pub(crate) use self::references::condition_type;

use backstay_store::{Snapshot, Write};
use http::Method;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::form::Fields;
use super::record::{self, Record, VersionMap, now};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::{Place, editable};
use crate::object::shape::{Encoding, Fallback, Identity, Rename, Shape};
use crate::object::{ServiceSpec, new_id};

/// Whether a part is being made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Create,
    Update,
}

/// Answers for the list of a kind, or for one of it.
pub(crate) async fn handle(
    api: &Api,
    call: &Call,
    place: Place<'_>,
    shape: &'static Shape,
    name: Option<&str>,
) -> Result<Reply, Failure> {
    match (&call.method, name) {
        (&Method::GET, None) => list(&api.snapshot().await?, call, place, shape),
        (&Method::GET, Some(name)) => get(&api.snapshot().await?, call, place, shape, name),
        (&Method::POST, None) => create(api, call, place, shape).await,
        (&Method::PUT, Some(name)) => update(api, call, place, shape, name).await,
        (&Method::DELETE, Some(name)) => delete(api, call, place, shape, name).await,
        _ => Err(Failure::method_not_allowed()),
    }
}

fn list(snapshot: &Snapshot, call: &Call, place: Place<'_>, shape: &Shape) -> Result<Reply, Failure> {
    let service = record::service(snapshot, &call.identity, place.service)?;
    let version = record::version(snapshot, place.service, place.number)?;
    Ok(Reply::new(all(&service, &version, shape)))
}

/// The parts of one kind, as answers have them.
pub(crate) fn all(service: &Record<ServiceSpec>, version: &Record<VersionMap>, shape: &Shape) -> Vec<Value> {
    let parts = version.parts(shape.list).iter().filter_map(Value::as_object);
    parts.map(|part| render(service, version, shape, part)).collect()
}

fn get(snapshot: &Snapshot, call: &Call, place: Place<'_>, shape: &Shape, name: &str) -> Result<Reply, Failure> {
    let service = record::service(snapshot, &call.identity, place.service)?;
    let version = record::version(snapshot, place.service, place.number)?;
    let parts = version.parts(shape.list);
    let part = asked_for(parts, name, shape).and_then(|index| parts[index].as_object());
    let part = part.ok_or_else(|| absent(shape, place, name))?;
    Ok(Reply::new(render(&service, &version, shape, part)))
}

async fn create(api: &Api, call: &Call, place: Place<'_>, shape: &'static Shape) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let (service, mut version) = editable(snapshot, call, place)?;
        let mut part = Map::new();
        for field in shape.fields {
            field.clear(&mut part);
        }
        let mut part = filled(shape, part, &call.fields, &service, Stage::Create)?;
        let name = name_of(&part);
        let parts = version.parts(shape.list);
        if position(parts, &name, shape).is_some() {
            return Err(Failure::duplicate(shape.segment, &name));
        }
        if parts.len() >= api.options.max_parts {
            let most = api.options.max_parts;
            return Err(Failure::bad_request(format!("A version has at most {most} of {}", shape.list)));
        }
        references::check(&version, &Map::new(), &part)?;
        references::check_statement(shape, &part)?;
        contents::check_domain(snapshot, call, place, shape, &name)?;
        let id = new_id();
        if shape.identity == Identity::Id {
            part.insert("id".to_owned(), id.clone().into());
        }
        let at = now();
        part.insert("created_at".to_owned(), at.clone());
        part.insert("updated_at".to_owned(), at);
        let (mut writes, service) = contents::made(shape, service, &mut part, &id)?;
        contents::settle_main(shape, &mut version, &part);
        version.change(shape.list, |parts| parts.push(Value::Object(part.clone())));
        version.touch();
        let answer = render(&service, &version, shape, &part);
        writes.push(version.put()?);
        Ok((writes, Reply::new(answer)))
    })
    .await
}

async fn update(api: &Api, call: &Call, place: Place<'_>, shape: &'static Shape, name: &str) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let (service, mut version) = editable(snapshot, call, place)?;
        let parts = version.parts(shape.list);
        let index = asked_for(parts, name, shape).ok_or_else(|| absent(shape, place, name))?;
        let old = parts[index].as_object().cloned().unwrap_or_default();
        let mut part = filled(shape, old.clone(), &call.fields, &service, Stage::Update)?;
        let (before, after) = (name_of(&old), name_of(&part));
        if before != after {
            if shape.rename == Rename::Refused {
                return Err(Failure::bad_request("Cannot change name"));
            }
            if position(parts, &after, shape).is_some_and(|taken| taken != index) {
                return Err(Failure::duplicate(shape.segment, &after));
            }
            contents::check_domain(snapshot, call, place, shape, &after)?;
            references::rename(&mut version, shape, &before, &after);
        }
        references::check(&version, &old, &part)?;
        references::check_statement(shape, &part)?;
        if old == part {
            return Ok((Vec::new(), Reply::new(render(&service, &version, shape, &part))));
        }
        part.insert("updated_at".to_owned(), now());
        let (mut writes, service) = contents::changed(shape, service, &old, &mut part)?;
        contents::settle_main(shape, &mut version, &part);
        version.change(shape.list, |parts| parts[index] = Value::Object(part.clone()));
        version.touch();
        let answer = render(&service, &version, shape, &part);
        writes.push(version.put()?);
        Ok((writes, Reply::new(answer)))
    })
    .await
}

async fn delete(api: &Api, call: &Call, place: Place<'_>, shape: &'static Shape, name: &str) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let (service, mut version) = editable(snapshot, call, place)?;
        let parts = version.parts(shape.list);
        let index = asked_for(parts, name, shape).ok_or_else(|| absent(shape, place, name))?;
        let name = parts[index].get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        references::check_unused(&version, shape, &name)?;
        let part = version.change(shape.list, |parts| parts.remove(index));
        version.touch();
        let mut writes: Vec<Write> = contents::gone(snapshot, shape, service, &version, &part)?;
        writes.push(version.put()?);
        Ok((writes, Reply::done()))
    })
    .await
}

/// A part with what the client sent, checked and in its stored form.
fn filled(
    shape: &Shape,
    mut part: Map<String, Value>,
    fields: &Fields,
    service: &Record<ServiceSpec>,
    stage: Stage,
) -> Result<Map<String, Value>, Failure> {
    let prepared;
    let fields = if shape.segment == "backend" {
        prepared = backend::prepare(fields, service.spec.kind, stage)?;
        &prepared
    } else {
        fields
    };
    for field in shape.fields {
        if let Some(value) = fields.get(field.name) {
            field.set(&mut part, value).map_err(|error| Failure::bad_request(error.to_string()))?;
        } else if field.default == Fallback::Required && !part.contains_key(field.name) {
            return Err(Failure::bad_request(field.missing()));
        }
    }
    (shape.settle)(part).map_err(Failure::bad_request)
}

fn absent(shape: &Shape, place: Place<'_>, name: &str) -> Failure {
    let number = place.number.to_string();
    Failure::not_found(shape.label, &[("name", name), ("service", place.service), ("version", &number)])
}

/// What a part is called.
pub(crate) fn name_of(part: &Map<String, Value>) -> String {
    part.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Where the part of that name is.
pub(crate) fn position(parts: &[Value], name: &str, shape: &Shape) -> Option<usize> {
    let is_host = shape.list == "domains";
    parts.iter().position(|part| {
        let known = part.get("name").and_then(Value::as_str).unwrap_or_default();
        if is_host { known.eq_ignore_ascii_case(name) } else { known == name }
    })
}

/// Where the part is that a path names. Fastly's SDK for Rust writes spaces as forms do.
pub(crate) fn asked_for(parts: &[Value], name: &str, shape: &Shape) -> Option<usize> {
    position(parts, name, shape).or_else(|| {
        let spaced = name.contains('+').then(|| name.replace('+', " "));
        position(parts, &spaced?, shape)
    })
}

/// A part as answers have it.
pub(crate) fn render(
    service: &Record<ServiceSpec>,
    version: &Record<VersionMap>,
    shape: &Shape,
    part: &Map<String, Value>,
) -> Value {
    let mut out = Map::new();
    if shape.identity == Identity::Id {
        out.insert("id".to_owned(), part.get("id").cloned().unwrap_or_default());
    }
    for field in shape.fields {
        field.write(part, &mut out);
        if shape.segment == "backend" && field.name == "address" {
            backend::write_aliases(part, &mut out);
        }
    }
    match shape.segment {
        "director" => {
            let members = part.get("backends").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
            out.insert("backends".to_owned(), members);
        }
        "snippet" => contents::write_snippet(part, &mut out),
        "backend" => {
            out.insert("locked".to_owned(), version.is_locked().into());
        }
        _ => {}
    }
    stamp(service.name(), version.number(), shape.version, part, &mut out);
    Value::Object(out)
}

/// Adds what answers say of where a part is, and when it was changed.
pub(crate) fn stamp(
    service: &str,
    number: u32,
    encoding: Encoding,
    part: &Map<String, Value>,
    out: &mut Map<String, Value>,
) {
    out.insert("service_id".to_owned(), service.into());
    let number = match encoding {
        Encoding::Native => Value::from(number),
        Encoding::Text => Value::from(number.to_string()),
    };
    out.insert("version".to_owned(), number);
    for name in ["created_at", "updated_at", "deleted_at"] {
        out.insert(name.to_owned(), part.get(name).cloned().unwrap_or_default());
    }
}
