//! What two versions of a service differ in.

use std::fmt::Write as _;

use http::Method;
use serde_json::{Map, Value, json};

use super::details;
use super::failure::Failure;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::Place;

/// Fields in which versions always differ.
const OWN: &[&str] = &["number", "version", "created_at", "updated_at", "locked", "active", "staging", "environments"];
/// Fields that a difference does not tell.
const SECRET: &[&str] = &["ssl_client_key"];

/// Answers for `/service/ID/diff/from/A/to/B`: the parts that only one has, and the fields that differ.
pub(crate) async fn handle(api: &Api, call: &Call, from: Place<'_>, to: Place<'_>) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, from.service)?;
    let of = |place: Place<'_>| {
        let version = record::version(&snapshot, place.service, place.number)?;
        Ok::<_, Failure>(details::render(&service, &version))
    };
    let difference = compare(&of(from)?, &of(to)?);
    Ok(Reply::new(json!({"from": from.number, "to": to.number, "format": "text", "diff": difference})))
}

fn compare(from: &Map<String, Value>, to: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (list, before) in from.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        match (before, to.get(list)) {
            (Value::Array(before), Some(Value::Array(after))) => lists(&mut out, list, before, after),
            (Value::Object(before), Some(Value::Object(after))) => fields(&mut out, list, before, after),
            (before, Some(after)) if before != after => {
                let _ = writeln!(out, "- {list}: {before}\n+ {list}: {after}");
            }
            _ => {}
        }
    }
    out
}

fn lists(out: &mut String, list: &str, before: &[Value], after: &[Value]) {
    let find = |parts: &[Value], name: &Value| parts.iter().find(|part| part["name"] == *name).cloned();
    for part in before {
        match (find(after, &part["name"]), part) {
            (None, _) => {
                let _ = writeln!(out, "- {list} {}", part["name"]);
            }
            (Some(Value::Object(after)), Value::Object(before)) => {
                fields(out, &format!("{list} {}", part["name"]), before, &after);
            }
            _ => {}
        }
    }
    for part in after.iter().filter(|part| find(before, &part["name"]).is_none()) {
        let _ = writeln!(out, "+ {list} {}", part["name"]);
    }
}

fn fields(out: &mut String, what: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
    for (name, old) in before.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        let new = after.get(name).unwrap_or(&Value::Null);
        if old == new {
            continue;
        }
        if SECRET.contains(&name.as_str()) {
            let _ = writeln!(out, "- {what} {name}: (hidden)\n+ {what} {name}: (hidden)");
        } else {
            let _ = writeln!(out, "- {what} {name}: {old}\n+ {what} {name}: {new}");
        }
    }
}
