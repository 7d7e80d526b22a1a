//! An object in a message: as JSON, or as a Struct.

use backstay_kube::{Failure, ServedKind};
use backstay_proto::admin::{Format, Resource, resource};
use backstay_resources::core::SECRET;
use backstay_resources::decode;
use prost::Message as _;
use serde_json::{Map, Value};

use super::type_of;
use crate::transcode::encode::LAST_APPLIED;
use crate::transcode::structs;

/// An object as an answer. `json` is as REST tells it.
pub(super) fn resource(served: &ServedKind, json: Vec<u8>, revision: u64, format: i32) -> Result<Resource, Failure> {
    let is_struct = match Format::try_from(format) {
        Ok(Format::Unspecified | Format::Json) => false,
        Ok(Format::Struct) => true,
        Err(_) => return Err(Failure::bad_field("format", format!("{format} is not known"))),
    };
    let (namespace, name) = names(&json)?;
    let is_secret = *served.kind == SECRET;
    let body = if is_struct || is_secret {
        let mut object = parse(&json)?;
        if is_secret {
            withhold(&mut object);
        }
        if is_struct { as_struct(&object)? } else { as_json(serde_json::to_vec(&object).map_err(Failure::internal)?)? }
    } else {
        as_json(json)?
    };
    let etag = if revision == 0 { String::new() } else { revision.to_string() };
    Ok(Resource { r#type: Some(type_of(served)), namespace, name, etag, body: Some(body) })
}

/// The object that a request has.
pub(super) fn object(said: Option<resource::Body>) -> Result<Map<String, Value>, Failure> {
    match said {
        None => Err(Failure::bad_field("resource", "has no object: set json or object")),
        Some(resource::Body::Json(json)) => {
            let bad = |why: String| Failure::bad_field("resource.json", why);
            let decoded = decode::json(json.as_bytes()).map_err(|error| bad(format!("is malformed: {error}")))?;
            if let Some(twice) = decoded.duplicates.first() {
                return Err(bad(twice.to_string()));
            }
            match decoded.value {
                Value::Object(object) => Ok(object),
                _ => Err(bad("is not an object".to_owned())),
            }
        }
        Some(resource::Body::Object(object)) => structs::read(&object.encode_to_vec())
            .map_err(|error| Failure::bad_field("resource.object", format!("is malformed: {error}"))),
    }
}

/// Values of Secrets go in and do not come out again.
fn withhold(object: &mut Map<String, Value>) {
    object.shift_remove("data");
    object.shift_remove("stringData");
    let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
    }
}

fn names(json: &[u8]) -> Result<(String, String), Failure> {
    #[derive(serde::Deserialize)]
    struct Named {
        metadata: Names,
    }
    #[derive(serde::Deserialize)]
    struct Names {
        #[serde(default)]
        namespace: String,
        #[serde(default)]
        name: String,
    }
    let Named { metadata: Names { namespace, name } } = serde_json::from_slice(json).map_err(Failure::internal)?;
    Ok((namespace, name))
}

fn parse(json: &[u8]) -> Result<Map<String, Value>, Failure> {
    serde_json::from_slice(json).map_err(Failure::internal)
}

fn as_json(json: Vec<u8>) -> Result<resource::Body, Failure> {
    String::from_utf8(json).map(resource::Body::Json).map_err(Failure::internal)
}

fn as_struct(object: &Map<String, Value>) -> Result<resource::Body, Failure> {
    let mut bytes = Vec::new();
    structs::write(object, &mut bytes);
    prost_types::Struct::decode(bytes.as_slice()).map(resource::Body::Object).map_err(Failure::internal)
}
