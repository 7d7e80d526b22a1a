//! Entries of access control lists. They need no version: what is written is in force.

use http::Method;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::form::Fields;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use crate::object::{AclEntry, AclSpec, ENTRY_FIELDS, new_id, settle_entry};

/// A list that a path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListPlace<'a> {
    pub(crate) service: &'a str,
    pub(crate) id: &'a str,
}

/// Answers for `…/acl/ID/entries`, `…/entry` and `…/entry/ID`.
pub(crate) async fn handle(
    api: &Api,
    call: &Call,
    place: ListPlace<'_>,
    entry: Option<&str>,
) -> Result<Reply, Failure> {
    match (&call.method, entry) {
        (&Method::GET, None) => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let acl = record::acl(&snapshot, place.service, place.id)?;
            Ok(Reply::new(acl.spec.entries.iter().map(|entry| render(place, entry)).collect::<Vec<_>>()))
        }
        (&Method::GET, Some(id)) => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let acl = record::acl(&snapshot, place.service, place.id)?;
            let entry = acl.spec.entries.iter().find(|entry| entry.id == id).ok_or_else(|| absent(place, id))?;
            Ok(Reply::new(render(place, entry)))
        }
        (&Method::POST, None) => edit(api, call, place, |acl| create(api, place, acl, &call.fields)).await,
        (&Method::PATCH, None) => edit(api, call, place, |acl| batch(api, place, acl, &call.fields)).await,
        (&Method::PATCH | &Method::PUT, Some(id)) => {
            edit(api, call, place, |acl| update(place, acl, id, &call.fields)).await
        }
        (&Method::DELETE, Some(id)) => {
            edit(api, call, place, |acl| {
                remove(place, acl, id)?;
                Ok(Reply::done())
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

async fn edit(
    api: &Api,
    call: &Call,
    place: ListPlace<'_>,
    change: impl Fn(&mut AclSpec) -> Result<Reply, Failure>,
) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        record::service(snapshot, &call.identity, place.service)?;
        let mut acl = record::acl(snapshot, place.service, place.id)?;
        let reply = change(&mut acl.spec)?;
        Ok((vec![acl.put()?], reply))
    })
    .await
}

fn create(api: &Api, place: ListPlace<'_>, acl: &mut AclSpec, fields: &Fields) -> Result<Reply, Failure> {
    let mut entry = Map::new();
    for field in ENTRY_FIELDS {
        field.clear(&mut entry);
    }
    let mut entry = settled(entry, fields)?;
    let same = |known: &AclEntry| known.ip == entry.ip && known.subnet == entry.subnet;
    if acl.entries.iter().any(same) {
        return Err(Failure::duplicate("acl_entry", &entry.ip));
    }
    if acl.entries.len() >= api.options.max_entries {
        return Err(Failure::bad_request(format!("An ACL has at most {} entries", api.options.max_entries)));
    }
    entry.id = new_id();
    entry.created_at = Some(backstay_resources::Timestamp::now());
    entry.updated_at = entry.created_at;
    let reply = Reply::new(render(place, &entry));
    acl.entries.push(entry);
    Ok(reply)
}

fn update(place: ListPlace<'_>, acl: &mut AclSpec, id: &str, fields: &Fields) -> Result<Reply, Failure> {
    let entry = acl.entries.iter_mut().find(|entry| entry.id == id).ok_or_else(|| absent(place, id))?;
    let stored = match serde_json::to_value(&*entry) {
        Ok(Value::Object(stored)) => stored,
        _ => Map::new(),
    };
    let changed = settled(stored, fields)?;
    *entry = AclEntry { updated_at: Some(backstay_resources::Timestamp::now()), ..changed };
    Ok(Reply::new(render(place, entry)))
}

fn remove(place: ListPlace<'_>, acl: &mut AclSpec, id: &str) -> Result<(), Failure> {
    let index = acl.entries.iter().position(|entry| entry.id == id).ok_or_else(|| absent(place, id))?;
    acl.entries.remove(index);
    Ok(())
}

/// Several changes, all or none.
fn batch(api: &Api, place: ListPlace<'_>, acl: &mut AclSpec, fields: &Fields) -> Result<Reply, Failure> {
    let entries = fields.get("entries").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| Failure::bad_request("Entries must be a list"))?;
    for entry in entries {
        let fields = Fields::from(entry.as_object().cloned().unwrap_or_default());
        let id = fields.text("id").unwrap_or_default();
        match fields.text("op").unwrap_or_default() {
            "create" => drop(create(api, place, acl, &fields)?),
            "update" => drop(update(place, acl, id, &fields)?),
            "delete" => remove(place, acl, id)?,
            other => return Err(Failure::bad_request(format!("Op '{other}' is not one of create, update, delete"))),
        }
    }
    Ok(Reply::done())
}

fn settled(mut entry: Map<String, Value>, fields: &Fields) -> Result<AclEntry, Failure> {
    for field in ENTRY_FIELDS {
        match fields.get(field.name) {
            Some(value) => field.set(&mut entry, value).map_err(|error| Failure::bad_request(error.to_string()))?,
            None if field.name == "ip" && !entry.contains_key("ip") => {
                return Err(Failure::bad_request(field.missing()));
            }
            None => {}
        }
    }
    settle_entry(entry).map_err(Failure::bad_request)
}

fn absent(place: ListPlace<'_>, id: &str) -> Failure {
    Failure::not_found("ACL Entry", &[("id", id), ("acl_id", place.id), ("service", place.service)])
}

fn render(place: ListPlace<'_>, entry: &AclEntry) -> Value {
    let mut answer = match serde_json::to_value(entry) {
        Ok(Value::Object(answer)) => answer,
        _ => Map::new(),
    };
    answer.insert("negated".to_owned(), i32::from(entry.negated).into());
    answer.insert("acl_id".to_owned(), place.id.into());
    answer.insert("service_id".to_owned(), place.service.into());
    answer.insert("deleted_at".to_owned(), Value::Null);
    Value::Object(answer)
}
