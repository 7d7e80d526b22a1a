use serde_json::Value;

use crate::Registry;

/// Calls `look` with every schema of every kind.
fn every(look: impl Fn(&str, &Value)) {
    fn walk(path: &str, schema: &Value, look: &impl Fn(&str, &Value)) {
        look(path, schema);
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), schema, look);
        }
        for below in ["items", "additionalProperties"] {
            if schema[below].is_object() {
                walk(&format!("{path}[]"), &schema[below], look);
            }
        }
    }
    for kind in Registry::built_in().iter() {
        walk(kind.kind, (kind.schema)(), &look);
    }
}

#[test]
fn schemas_are_structural() {
    every(|path, schema| {
        let keywords = schema.as_object().unwrap();
        for keyword in keywords.keys() {
            let known = [
                "type",
                "description",
                "properties",
                "items",
                "required",
                "additionalProperties",
                "enum",
                "format",
                "minimum",
                "maximum",
            ];
            assert!(known.contains(&keyword.as_str()) || keyword.starts_with("x-"), "{path}: {keyword}");
        }
        let anything = keywords.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        let types = ["object", "array", "string", "integer", "number", "boolean"];
        assert!(anything || types.contains(&schema["type"].as_str().unwrap_or_default()), "{path}: {schema}");
        assert!(schema["type"] != "array" || schema["items"].is_object(), "{path}");
        assert!(schema["additionalProperties"] != Value::Bool(true), "{path}");
    });
}

#[test]
fn every_field_is_described() {
    every(|path, schema| {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let description = property["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{path}.{name}");
            assert!(!description.replace("\n\n", "").contains('\n'), "{path}.{name}");
        }
    });
}

#[test]
fn formats_are_those_that_clients_know() {
    every(|path, schema| {
        if let Some(format) = schema.get("format").and_then(Value::as_str) {
            let known = ["int32", "int64", "float", "double", "date-time", "go-duration"];
            assert!(known.contains(&format), "{path}: {format}");
        }
    });
}

#[test]
fn required_fields_exist() {
    every(|path, schema| {
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(schema["properties"].get(name.as_str().unwrap()).is_some(), "{path}: {name}");
        }
    });
}

#[test]
fn choices_are_one_list() {
    let spec = &(crate::apoxy::BACKEND.schema)()["properties"]["spec"]["properties"];
    assert_eq!(spec["protocol"]["enum"], serde_json::json!(["", "tls", "h2", "h2c"]));
    let family = &spec["dynamicProxy"]["properties"]["dnsCacheConfig"]["properties"]["dnsLookupFamily"];
    assert_eq!(family["type"], "string");
    assert_eq!(family["enum"], serde_json::json!(["auto", "v4_only", "v6_only", "v4_preferred", "all"]));
    assert_eq!(family["description"], "Which address families are asked for. Default auto.");
    assert_eq!(spec["endpoints"]["x-kubernetes-list-type"], "atomic");
}

#[test]
fn every_list_says_how_it_is_written() {
    every(|path, schema| {
        if schema["type"] != "array" {
            assert!(schema.get("x-kubernetes-list-type").is_none(), "{path}");
            return;
        }
        let keys = schema["x-kubernetes-list-map-keys"].as_array();
        match schema["x-kubernetes-list-type"].as_str() {
            Some("atomic") => assert!(keys.is_none(), "{path}"),
            Some("set") => {
                assert!(keys.is_none(), "{path}");
                assert!(!matches!(schema["items"]["type"].as_str(), Some("object" | "array")), "{path}");
            }
            Some("map") => {
                let keys = keys.unwrap_or_else(|| panic!("{path} has no keys"));
                assert!(!keys.is_empty(), "{path}");
                for key in keys {
                    assert!(schema["items"]["properties"].get(key.as_str().unwrap()).is_some(), "{path}: {key}");
                }
            }
            other => panic!("{path}: {other:?}"),
        }
    });
}
