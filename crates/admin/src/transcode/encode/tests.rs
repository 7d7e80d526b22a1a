//! What is written is what prost writes of the same message, but for the order of fields.

use std::collections::HashMap;

use proptest::collection::{btree_map, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _,
    Value as Field,
};
use serde_json::{Map, Value, json};

use super::super::shape::ResourceShape;
use super::super::structs;
use crate::server::TYPED;

/// A kind as it is read, and as its message is described.
struct Known {
    shape: ResourceShape,
    message: MessageDescriptor,
    objects: BoxedStrategy<Map<String, Value>>,
}

/// All kinds but Secrets, which are not told whole.
fn known() -> Vec<Known> {
    let pool = DescriptorPool::decode(backstay_proto::DESCRIPTORS).unwrap();
    let kinds = TYPED.iter().filter(|typed| !typed.kind.sensitive);
    let known = kinds.map(|typed| Known {
        shape: ResourceShape::find(&pool, typed.kind, typed.message).unwrap(),
        message: pool.get_message_by_name(&format!("backstay.admin.v1.{}", typed.message)).unwrap(),
        objects: object((typed.kind.schema)(), typed.kind.is_namespaced()),
    });
    known.collect()
}

/// Never empty: what is not there and what is empty is the same in a map of protobuf.
fn text() -> BoxedStrategy<Value> {
    prop_oneof!["[a-z.]{1,24}", "\\PC{1,12}", "[a\"\\\\\n\u{7}ü]{1,9}"].prop_map(Value::from).boxed()
}

fn time() -> BoxedStrategy<Value> {
    let whole = (-3_000_000_000..6_000_000_000_i64).prop_map(|seconds| jiff::Timestamp::from_second(seconds).unwrap());
    let any = (whole, prop_oneof![Just(0), 0..1_000_000_000_i32]);
    any.prop_map(|(whole, nanos)| (whole + jiff::SignedDuration::new(0, nanos)).to_string().into()).boxed()
}

/// Any value that a schema allows, with its fields in any order.
fn value(schema: &Value) -> BoxedStrategy<Value> {
    match schema["type"].as_str().unwrap_or_default() {
        "object" if schema["additionalProperties"].is_object() => {
            let of = value(&schema["additionalProperties"]);
            btree_map("[a-z/]{1,9}", of, 0..3).prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()).boxed()
        }
        "object" if schema["x-kubernetes-preserve-unknown-fields"] == json!(true) => {
            prop_oneof![Just(json!({})), text().prop_map(|text| json!({"a": [1, text, null], "b": {"c": true}}))]
                .boxed()
        }
        "object" => fields(schema["properties"].as_object().unwrap().iter().map(|(name, below)| (name, value(below)))),
        "array" => vec(value(&schema["items"]), 0..3).prop_map(Value::from).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" if schema["format"] == "int32" => any::<i32>().prop_map(Value::from).boxed(),
        "integer" => any::<i64>().prop_map(Value::from).boxed(),
        "number" => any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)).boxed(),
        _ if schema["format"] == "date-time" => time(),
        _ => text(),
    }
}

/// Any of these fields, in any order.
fn fields<'s>(of: impl Iterator<Item = (&'s String, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let each = of.map(|(name, value)| {
        let name = name.clone();
        weighted(0.5, value).prop_map(move |value| Some((name.clone(), value?)))
    });
    let all: Vec<_> = each.collect();
    all.prop_shuffle().prop_map(|fields| fields.into_iter().flatten().collect::<Map<_, _>>().into()).boxed()
}

fn object(schema: &Value, namespaced: bool) -> BoxedStrategy<Map<String, Value>> {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let string = json!({"type": "string"});
    let strings =
        |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), string.clone())).collect::<Map<String, Value>>();
    let mut managed = strings(&["manager", "operation", "apiVersion", "fieldsType", "subresource"]);
    managed.insert("time".into(), json!({"type": "string", "format": "date-time"}));
    managed.insert("fieldsV1".into(), json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    let mut owner = strings(&["apiVersion", "kind", "name", "uid"]);
    owner.extend(["controller", "blockOwnerDeletion"].map(|name| (name.to_owned(), json!({"type": "boolean"}))));
    let mut metadata = strings(&["uid", "generateName", "selfLink"]);
    metadata.extend([
        ("creationTimestamp".to_owned(), json!({"type": "string", "format": "date-time"})),
        ("labels".to_owned(), texts.clone()),
        ("annotations".to_owned(), texts),
        ("finalizers".to_owned(), json!({"type": "array", "items": string})),
        ("ownerReferences".to_owned(), json!({"type": "array", "items": {"type": "object", "properties": owner}})),
        ("managedFields".to_owned(), json!({"type": "array", "items": {"type": "object", "properties": managed}})),
    ]);
    let metadata = value(&json!({"type": "object", "properties": metadata})).prop_map(move |mut metadata| {
        let fields = metadata.as_object_mut().unwrap();
        fields.insert("name".into(), "web".into());
        fields.extend(namespaced.then(|| ("namespace".to_owned(), json!("shop"))));
        fields.insert("generation".into(), 7.into());
        metadata
    });
    let body = schema["properties"].as_object().unwrap().iter();
    let body = body.filter(|(name, _)| !["apiVersion", "kind", "metadata"].contains(&name.as_str()));
    let body = fields(body.map(|(name, schema)| (name, value(schema))));
    (metadata, body)
        .prop_map(|(metadata, body)| {
            let mut object = Map::from_iter([("apiVersion".to_owned(), json!("v1")), ("kind".to_owned(), json!("K"))]);
            object.insert("metadata".into(), metadata);
            object.extend(body.as_object().unwrap().clone());
            object
        })
        .boxed()
}

/// The message of an object, made of its values, field by field.
fn reference(known: &Known, object: &Map<String, Value>, revision: u64) -> DynamicMessage {
    let (kind, mut empty) = (known.shape.kind, Vec::new());
    let metadata = object["metadata"].as_object().unwrap();
    let mut message = DynamicMessage::new(known.message.clone());
    let renamed = metadata.iter().map(|(name, value)| match name.as_str() {
        "creationTimestamp" => ("createTime", value),
        // Those of the message of this name are made of both.
        "name" | "namespace" => ("", value),
        name => (name, value),
    });
    set(&mut message, renamed, "", &mut empty);
    let body = object.iter().filter(|(name, _)| *name != "metadata");
    set(&mut message, body.map(|(name, value)| (name.as_str(), value)), "", &mut empty);
    let name = crate::names::of(kind, if kind.is_namespaced() { "shop" } else { "" }, "web");
    message.set_field_by_name("name", Field::String(name));
    message.set_field_by_name("etag", Field::String(revision.to_string()));
    message.set_field_by_name("empty_fields", Field::List(empty.into_iter().map(Field::String).collect()));
    message
}

fn set<'o>(
    message: &mut DynamicMessage,
    object: impl Iterator<Item = (&'o str, &'o Value)>,
    path: &str,
    empty: &mut Vec<String>,
) {
    for (name, value) in object {
        let Some(field) = message.descriptor().get_field_by_json_name(name) else { continue };
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", field.name());
        if value.as_array().is_some_and(Vec::is_empty) && field.is_list()
            || value.as_object().is_some_and(Map::is_empty) && field.is_map()
        {
            empty.push(path);
            continue;
        }
        let made = match value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Field::List(items.map(|(at, item)| single(&field, item, &format!("{path}[{at}]"), empty)).collect())
            }
            Value::Object(entries) if field.is_map() => {
                let texts = entries.iter().map(|(key, value)| {
                    (MapKey::String(key.clone()), Field::String(value.as_str().unwrap().to_owned()))
                });
                Field::Map(texts.collect::<HashMap<_, _>>())
            }
            value => single(&field, value, &path, empty),
        };
        message.set_field(&field, made);
    }
}

fn single(field: &FieldDescriptor, value: &Value, path: &str, empty: &mut Vec<String>) -> Field {
    match (field.kind(), value) {
        (Kind::String, Value::String(text)) => Field::String(text.clone()),
        (Kind::String, json) => Field::String(json.to_string()),
        (Kind::Bool, value) => Field::Bool(value.as_bool().unwrap()),
        (Kind::Int32, value) => Field::I32(value.as_i64().unwrap().try_into().unwrap()),
        (Kind::Int64, value) => Field::I64(value.as_i64().unwrap()),
        (Kind::Double, value) => Field::F64(value.as_f64().unwrap()),
        (Kind::Message(message), Value::String(time)) => {
            let time: jiff::Timestamp = time.parse().unwrap();
            let (seconds, nanos) =
                (time.as_nanosecond().div_euclid(1_000_000_000), time.as_nanosecond().rem_euclid(1_000_000_000));
            let mut made = DynamicMessage::new(message);
            made.set_field_by_name("seconds", Field::I64(seconds.try_into().unwrap()));
            made.set_field_by_name("nanos", Field::I32(nanos.try_into().unwrap()));
            Field::Message(made)
        }
        (Kind::Message(message), Value::Object(fields)) if message.full_name() == "google.protobuf.Struct" => {
            let mut encoded = Vec::new();
            structs::write(fields, &mut encoded);
            Field::Message(DynamicMessage::decode(message, encoded.as_slice()).unwrap())
        }
        (Kind::Message(message), Value::Object(fields)) => {
            let mut made = DynamicMessage::new(message);
            set(&mut made, fields.iter().map(|(name, value)| (name.as_str(), value)), path, empty);
            Field::Message(made)
        }
        (kind, value) => panic!("{path}: {kind:?} of {value}"),
    }
}

#[test]
fn what_is_written_is_what_prost_writes() {
    // The same for all cases: what one object taught of the order of fields must not mislead who reads the next.
    let known = known();
    let objects = (0..known.len()).prop_flat_map(|kind| (Just(kind), known[kind].objects.clone()));
    let mut runner = TestRunner::new(ProptestConfig { cases: 128, ..ProptestConfig::default() });
    let checked = runner.run(&(objects, 1..u64::MAX), |((kind, object), revision)| {
        let known = &known[kind];
        let mut written = Vec::new();
        let stored = Value::from(object.clone()).to_string();
        super::write(&known.shape, stored.as_bytes(), revision, None, &mut written).unwrap();
        let expected = reference(known, &object, revision).encode_to_vec();
        let message = |encoded: &[u8]| DynamicMessage::decode(known.message.clone(), encoded).unwrap();
        prop_assert!(message(&written) == message(&expected), "{}", stored);
        // Not a byte more, so that lengths and numbers are as short as they can be, and nothing is there twice.
        prop_assert_eq!(written.len(), expected.len());
        Ok(())
    });
    checked.unwrap();
}
