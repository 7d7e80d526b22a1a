//! The messages fit the kinds, and nothing is lost on the way between them.

use backstay_proto::admin;
use backstay_resources::check::admit;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use super::shape::{Field, Many, Message, ResourceShape, Shape};
use super::{decode, encode};
use crate::server::TYPED;

fn shape(message: &str) -> ResourceShape {
    let pool = DescriptorPool::decode(backstay_proto::DESCRIPTORS).unwrap();
    let typed = TYPED.iter().find(|typed| typed.message == message).unwrap();
    ResourceShape::find(&pool, typed.kind, message).unwrap()
}

/// What a schema and a message do not have in common.
fn differences(schema: &Value, message: &Message, path: &str, found: &mut Vec<String>) {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    for (name, schema) in properties {
        let path = format!("{path}.{name}");
        match message.by_json(name).map(|at| &message.fields[at]) {
            Some(field) => differences_of_field(schema, field, &path, found),
            None => found.push(format!("{path} has no field: give it the next free number")),
        }
    }
    for field in message.fields.iter().filter(|field| !properties.contains_key(&field.json)) {
        found.push(format!("{path}.{} is no field of the kind", field.json));
    }
}

fn differences_of_field(schema: &Value, field: &Field, path: &str, found: &mut Vec<String>) {
    let of_type = |schema: &Value| schema["type"].as_str().unwrap_or_default().to_owned();
    let (many, one) = match of_type(schema).as_str() {
        "array" => (Many::List, &schema["items"]),
        "object" if schema["additionalProperties"].is_object() => (Many::Map, &schema["additionalProperties"]),
        _ => (Many::One, schema),
    };
    if many != field.many {
        found.push(format!("{path} is {many:?}, and its field {:?}", field.many));
    }
    let format = one["format"].as_str().unwrap_or_default();
    let fits = match (&field.shape, of_type(one).as_str()) {
        (Shape::Message(message), "object") => {
            differences(one, message, path, found);
            true
        }
        (Shape::Struct, "object") => one["x-kubernetes-preserve-unknown-fields"] == json!(true),
        (Shape::Time, "string") => format == "date-time",
        (Shape::Text | Shape::Bytes, "string") => format != "date-time",
        (Shape::Bool, "boolean") | (Shape::Integer, "integer") | (Shape::Double, "number") => true,
        _ => false,
    };
    if !fits {
        found.push(format!("{path} is {} and its field {:?}", one["type"], field.shape));
    }
}

#[test]
fn every_message_has_the_fields_of_its_kind() {
    let mut found = Vec::new();
    for typed in &TYPED {
        let shape = shape(typed.message);
        let mut schema = (typed.kind.schema)().clone();
        let properties = schema["properties"].as_object_mut().unwrap();
        for name in ["apiVersion", "kind", "metadata"] {
            properties.remove(name);
        }
        let mut body = shape.body;
        // The names of the values of a Secret are made of its values.
        body.fields.retain(|field| !(typed.message == "Secret" && field.name == "keys"));
        differences(&schema, &body, typed.message, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A value of every field, as large as the schema lets it be.
fn full(schema: &Value, depth: usize) -> Value {
    match schema["type"].as_str().unwrap_or_default() {
        "object" if schema["additionalProperties"].is_object() => json!({"a": "1", "b": ""}),
        "object" if schema["x-kubernetes-preserve-unknown-fields"] == json!(true) => {
            json!({"any": [1, -2.5, "text", true, null, {"below": {}}, []], "large": 4_503_599_627_370_496_i64})
        }
        "object" => {
            let properties = schema["properties"].as_object().unwrap();
            properties
                .iter()
                .map(|(name, schema)| (name.clone(), full(schema, depth + 1)))
                .collect::<Map<_, _>>()
                .into()
        }
        // Lists of two, one, and none.
        "array" => vec![full(&schema["items"], depth + 1); 2_usize.saturating_sub(depth % 3)].into(),
        "boolean" => depth.is_multiple_of(2).into(),
        "integer" if schema["format"] == "int32" => (-1).into(),
        "integer" => i64::MAX.into(),
        "number" => json!(0.25),
        _ if schema["format"] == "date-time" => "2026-02-28T23:59:59.5Z".into(),
        _ if schema["format"] == "go-duration" => "1m30.5s".into(),
        _ => Value::from(if depth.is_multiple_of(4) { "" } else { "ümläut \"quoted\"\n" }),
    }
}

#[test]
fn every_field_comes_back_as_it_was() {
    for typed in TYPED.iter().filter(|typed| typed.message != "Secret") {
        let shape = shape(typed.message);
        let mut stored = full((typed.kind.schema)(), 0);
        stored["apiVersion"] = typed.kind.api_version().into();
        stored["kind"] = typed.kind.kind.into();
        let namespace = if typed.kind.is_namespaced() { json!("shop") } else { Value::Null };
        stored["metadata"] = json!({
            "name": "web", "namespace": namespace, "uid": "u", "labels": {"a": "b"}, "annotations": {"c": ""},
            "finalizers": ["example.com/a"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "o", "controller": false}],
        });
        if !typed.kind.is_namespaced() {
            stored["metadata"].as_object_mut().unwrap().remove("namespace");
        }
        let mut message = Vec::new();
        encode::write(&shape, stored.to_string().as_bytes(), 7, None, &mut message).unwrap();
        let decode::Decoded { name, etag, object } = decode::read(&shape, &message).unwrap();
        let named = if typed.kind.is_namespaced() {
            format!("namespaces/shop/{}/web", typed.kind.plural)
        } else {
            format!("{}/web", typed.kind.plural)
        };
        assert_eq!((name, etag.as_str()), (named, "7"));
        for name in ["apiVersion", "kind"] {
            stored.as_object_mut().unwrap().remove(name);
        }
        // These are in the name.
        for name in ["name", "namespace"] {
            stored["metadata"].as_object_mut().unwrap().remove(name);
        }
        assert_eq!(Value::from(object), stored, "{}", typed.message);
    }
}

#[test]
fn what_is_written_is_what_generated_code_reads() {
    let stored = json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend",
        "metadata": {"name": "web", "generation": 3, "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"app": "web"}},
        "spec": {"endpoints": [{"ip": "10.0.0.1"}, {"fqdn": "a.example"}], "dynamicProxy": {"dnsCacheConfig": {"hostTTL": "5m", "maxHosts": 7}}},
        "status": {"conditions": [{"type": "Accepted", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z", "reason": "Accepted", "message": ""}]},
    });
    let mut message = Vec::new();
    encode::write(&shape("Backend"), stored.to_string().as_bytes(), 9, None, &mut message).unwrap();
    let backend = admin::Backend::decode(message.as_slice()).unwrap();
    assert_eq!((backend.name.as_str(), backend.etag.as_str(), backend.generation), ("backends/web", "9", 3));
    assert_eq!(backend.create_time.unwrap().seconds, 1_767_323_045);
    assert_eq!(backend.labels["app"], "web");
    let spec = backend.spec.unwrap();
    assert_eq!(spec.endpoints[0].ip.as_deref(), Some("10.0.0.1"));
    let cache = spec.dynamic_proxy.unwrap().dns_cache_config.unwrap();
    assert_eq!((cache.host_ttl.as_deref(), cache.max_hosts), (Some("5m"), Some(7)));
    assert_eq!(backend.status.unwrap().conditions[0].message.as_deref(), Some(""));
}

#[test]
fn what_generated_code_writes_is_read() {
    let policy = admin::BackendPolicy {
        name: "backendpolicies/p".to_owned(),
        spec: Some(admin::backend_policy::Spec {
            retries: Some(admin::backend_policy::RetryPolicy {
                retriable_statuses: vec![503, 504],
                retry_on: vec!["5xx".to_owned()],
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let decoded = decode::read(&shape("BackendPolicy"), &policy.encode_to_vec()).unwrap();
    assert_eq!(decoded.object["spec"], json!({"retries": {"retryOn": ["5xx"], "retriableStatuses": [503, 504]}}));
}

#[test]
fn values_of_secrets_go_in_and_do_not_come_out() {
    let secret = admin::Secret {
        name: "namespaces/default/secrets/s".to_owned(),
        data: [("key".to_owned(), bytes::Bytes::from_static(b"hush"))].into(),
        keys: vec!["key".to_owned()],
        ..Default::default()
    };
    let shape = shape("Secret");
    let decoded = decode::read(&shape, &secret.encode_to_vec()).unwrap();
    assert_eq!(decoded.object["data"], json!({"key": "aHVzaA=="}));
    assert!(!decoded.object.contains_key("keys"));
    let paths = ["keys".to_owned()];
    assert!(super::mask::UpdateMask::parse(&shape, &paths, &decoded.object).is_err());
    let stored = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "s", "namespace": "default", "annotations": {encode::LAST_APPLIED: "aHVzaA==", "other": "x"}},
        "type": "Opaque", "data": {"key": "aHVzaA=="}, "stringData": {"more": "hush"},
    });
    let mut message = Vec::new();
    encode::write(&shape, stored.to_string().as_bytes(), 1, None, &mut message).unwrap();
    let told = admin::Secret::decode(message.as_slice()).unwrap();
    assert_eq!((told.keys, told.r#type.as_deref()), (vec!["key".to_owned()], Some("Opaque")));
    assert_eq!(told.annotations.keys().collect::<Vec<_>>(), ["other"]);
    assert!(!message.windows(4).any(|window| window == b"hush" || window == b"aHVz"));
}

#[test]
fn a_mask_leaves_out_what_it_does_not_name() {
    let shape = shape("Backend");
    let stored = json!({"apiVersion": "", "kind": "", "metadata": {"name": "web", "labels": {"a": "b"}, "uid": "u"},
        "spec": {"endpoints": [{"ip": "10.0.0.1", "fqdn": "x"}], "protocol": "h2"}});
    let paths = ["labels", "spec.endpoints.ip"].map(str::to_owned);
    let mask = super::mask::ReadMask::parse(&shape, &paths).unwrap();
    let mut message = Vec::new();
    encode::write(&shape, stored.to_string().as_bytes(), 1, mask.as_ref(), &mut message).unwrap();
    let told = admin::Backend::decode(message.as_slice()).unwrap();
    let endpoint = admin::backend::Endpoint { ip: Some("10.0.0.1".to_owned()), fqdn: None };
    let spec = admin::backend::Spec { endpoints: vec![endpoint], ..Default::default() };
    let labels = [("a".to_owned(), "b".to_owned())].into();
    assert_eq!(told, admin::Backend { labels, spec: Some(spec), ..Default::default() });
}

#[test]
fn what_is_no_message_is_refused_with_its_field() {
    let shape = shape("Backend");
    let nested = |number: u32, bytes: &[u8]| {
        let mut out = Vec::new();
        super::wire::bytes(number, bytes, &mut out);
        out
    };
    // Field 20 is the spec, its field 1 an endpoint.
    for (bytes, path) in [
        (vec![0xff], ""),
        (nested(20, &nested(1, &nested(9, b"x"))), "spec.endpoints[0]"),
        (nested(20, &nested(3, &[0xff, 0xfe])), "spec.protocol"),
        (nested(20, &[0x0a, 0x7f]), "spec"),
        (nested(14, b"spec.protocol"), "spec.protocol"),
        (nested(14, b"spec.nothing"), "spec.nothing"),
    ] {
        assert_eq!(decode::read(&shape, &bytes).unwrap_err().path, path, "{bytes:?}");
    }
}

#[test]
fn deep_values_end_before_the_stack_does() {
    let mut value = Vec::new();
    for _ in 0..5000 {
        let mut list = Vec::new();
        super::wire::bytes(1, &value, &mut list);
        value.clear();
        super::wire::bytes(6, &list, &mut value);
    }
    let (mut entry, mut all) = (Vec::new(), Vec::new());
    super::wire::bytes(2, &value, &mut entry);
    super::wire::bytes(1, &entry, &mut all);
    assert_eq!(super::structs::read(&all), Err(super::structs::StructError::Depth));
}

#[test]
fn lists_that_are_there_and_empty_stay_so() {
    let shape = shape("HTTPRoute");
    let stored = json!({"apiVersion": "", "kind": "", "metadata": {"name": "r", "namespace": "n"},
        "spec": {"hostnames": [], "rules": [{"filters": [], "matches": [{"headers": []}]}]}});
    let mut message = Vec::new();
    encode::write(&shape, stored.to_string().as_bytes(), 1, None, &mut message).unwrap();
    let told = admin::HttpRoute::decode(message.as_slice()).unwrap();
    assert_eq!(told.empty_fields, ["spec.hostnames", "spec.rules[0].filters", "spec.rules[0].matches[0].headers"]);
    let decoded = decode::read(&shape, &message).unwrap();
    assert_eq!(decoded.object["spec"]["rules"], stored["spec"]["rules"]);
    assert_eq!(decoded.object["spec"]["hostnames"], json!([]));
}

#[test]
fn an_object_that_was_admitted_is_told_whole() {
    let written = json!({"metadata": {"name": "web"}, "spec": {"endpoints": [{"ip": "10.0.0.1"}]}});
    let kind = TYPED[0].kind;
    let admitted = admit(kind, written, None).unwrap().object;
    let encoded = admitted.encode().unwrap();
    let mut message = Vec::new();
    encode::write(&shape("Backend"), &encoded, 1, None, &mut message).unwrap();
    let decoded = decode::read(&shape("Backend"), &message).unwrap();
    assert_eq!(decoded.object["spec"], admitted.body["spec"]);
}
