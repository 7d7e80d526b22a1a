//! Items of dictionaries. They need no version: what is written is in force.

use backstay_resources::Timestamp;
use http::Method;
use serde_json::{Value, json};

use super::acl_entries::ListPlace;
use super::failure::Failure;
use super::form::Fields;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use crate::object::{DictionaryItem, DictionarySpec};

/// The longest key, in bytes.
const MAX_KEY: usize = 256;
/// The longest value, in bytes.
const MAX_VALUE: usize = 8000;

/// What is to become of an item that may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// It must not be there.
    Create,
    /// It must be there.
    Update,
    /// Either.
    Upsert,
}

/// Answers for `…/dictionary/ID/items`, `…/item` and `…/item/KEY`.
pub(crate) async fn handle(api: &Api, call: &Call, place: ListPlace<'_>, key: Option<&str>) -> Result<Reply, Failure> {
    let fields = &call.fields;
    match (&call.method, key) {
        (&Method::GET, key) => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let dictionary = record::dictionary(&snapshot, place.service, place.id)?.spec;
            if dictionary.write_only {
                return Err(Failure::forbidden("The dictionary's items can be written and not be read"));
            }
            match key {
                Some(key) => {
                    let item = dictionary.items.get(key).ok_or_else(|| absent(place, key))?;
                    Ok(Reply::new(render(place, key, item)))
                }
                None => {
                    let items = dictionary.items.iter().map(|(key, item)| render(place, key, item));
                    Ok(Reply::new(items.collect::<Vec<_>>()))
                }
            }
        }
        (&Method::POST, None) => {
            let key = fields.text("item_key").unwrap_or_default();
            edit(api, call, place, |dictionary| put(api, place, dictionary, (key, Put::Create), fields)).await
        }
        (&Method::PUT, Some(key)) => {
            edit(api, call, place, |dictionary| put(api, place, dictionary, (key, Put::Upsert), fields)).await
        }
        (&Method::PATCH, Some(key)) => {
            edit(api, call, place, |dictionary| put(api, place, dictionary, (key, Put::Update), fields)).await
        }
        (&Method::PATCH, None) => edit(api, call, place, |dictionary| batch(api, place, dictionary, fields)).await,
        (&Method::DELETE, Some(key)) => {
            edit(api, call, place, |dictionary| {
                dictionary.items.remove(key).ok_or_else(|| absent(place, key))?;
                Ok(Reply::done())
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// Answers for `…/dictionary/ID/info`, which is at a version's path.
pub(crate) async fn info(api: &Api, call: &Call, place: ListPlace<'_>) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    record::service(&snapshot, &call.identity, place.service)?;
    let dictionary = record::dictionary(&snapshot, place.service, place.id)?.spec;
    let last = dictionary.items.values().filter_map(|item| item.updated_at).max();
    let items = serde_json::to_string(&dictionary.items).map_err(|error| Failure::damaged(place.id, &error))?;
    let digest = backstay_auth::Digest::of(&items);
    let last = last.map(|last| last.to_string()).unwrap_or_default();
    Ok(Reply::new(json!({
        "item_count": dictionary.items.len(), "last_updated": last, "digest": digest.to_string(),
    })))
}

async fn edit(
    api: &Api,
    call: &Call,
    place: ListPlace<'_>,
    change: impl Fn(&mut DictionarySpec) -> Result<Reply, Failure>,
) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        record::service(snapshot, &call.identity, place.service)?;
        let mut dictionary = record::dictionary(snapshot, place.service, place.id)?;
        let reply = change(&mut dictionary.spec)?;
        Ok((vec![dictionary.put()?], reply))
    })
    .await
}

fn put(
    api: &Api,
    place: ListPlace<'_>,
    dictionary: &mut DictionarySpec,
    (key, how): (&str, Put),
    fields: &Fields,
) -> Result<Reply, Failure> {
    if key.is_empty() {
        return Err(Failure::bad_request("Item key can't be blank"));
    }
    let value = match fields.get("item_value") {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => return Err(Failure::bad_request("Item value must be text")),
    };
    if key.len() > MAX_KEY || value.len() > MAX_VALUE {
        return Err(Failure::bad_request(format!(
            "Item '{key}': a key has at most {MAX_KEY} bytes, a value {MAX_VALUE}"
        )));
    }
    let known = dictionary.items.get(key);
    match (how, known) {
        (Put::Create, Some(_)) => return Err(Failure::duplicate("dictionary_item", key)),
        (Put::Update, None) => return Err(absent(place, key)),
        (_, None) if dictionary.items.len() >= api.options.max_items => {
            return Err(Failure::bad_request(format!("A dictionary has at most {} items", api.options.max_items)));
        }
        _ => {}
    }
    let now = Some(Timestamp::now());
    let created_at = known.map_or(now, |item| item.created_at);
    let item = DictionaryItem { value, created_at, updated_at: now };
    let reply = Reply::new(render(place, key, &item));
    dictionary.items.insert(key.to_owned(), item);
    Ok(reply)
}

/// Several changes, all or none.
fn batch(api: &Api, place: ListPlace<'_>, dictionary: &mut DictionarySpec, fields: &Fields) -> Result<Reply, Failure> {
    let items = fields.get("items").and_then(Value::as_array);
    let items = items.ok_or_else(|| Failure::bad_request("Items must be a list"))?;
    for item in items {
        let fields = Fields::from(item.as_object().cloned().unwrap_or_default());
        let key = fields.text("item_key").unwrap_or_default();
        let how = match fields.text("op").unwrap_or_default() {
            "create" => Put::Create,
            "update" => Put::Update,
            "upsert" => Put::Upsert,
            "delete" => {
                dictionary.items.remove(key).ok_or_else(|| absent(place, key))?;
                continue;
            }
            other => {
                let detail = format!("Op '{other}' is not one of create, update, upsert, delete");
                return Err(Failure::bad_request(detail));
            }
        };
        put(api, place, dictionary, (key, how), &fields)?;
    }
    Ok(Reply::done())
}

fn absent(place: ListPlace<'_>, key: &str) -> Failure {
    Failure::not_found("DictionaryItem", &[("item_key", key), ("dictionary_id", place.id), ("service", place.service)])
}

fn render(place: ListPlace<'_>, key: &str, item: &DictionaryItem) -> Value {
    let DictionaryItem { value, created_at, updated_at } = item;
    json!({
        "dictionary_id": place.id, "service_id": place.service, "item_key": key, "item_value": value,
        "created_at": created_at, "updated_at": updated_at, "deleted_at": null,
    })
}
