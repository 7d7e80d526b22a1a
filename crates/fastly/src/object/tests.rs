use proptest::prelude::*;
use serde_json::{Map, Value};

use super::shape::Fallback;
use super::*;

/// A part of which nothing is said that need not be.
fn least(shape: &Shape) -> Map<String, Value> {
    let mut part = Map::new();
    for field in shape.fields {
        let needed = match (field.default, field.takes) {
            (Fallback::Required, shape::Takes::Choice(words)) => words[0],
            (Fallback::Required, _) => "x",
            _ => "",
        };
        field.set(&mut part, &Value::from(needed)).unwrap();
    }
    part
}

#[test]
fn every_field_of_the_tables_is_one_of_the_type_and_keeps_its_default() {
    for shape in SHAPES {
        let part = least(shape);
        let settled = (shape.settle)(part.clone()).unwrap();
        for field in shape.fields {
            assert_eq!(settled.get(field.name), part.get(field.name), "{}.{}", shape.list, field.name);
        }
    }
}

#[test]
fn every_field_of_the_types_is_in_the_tables() {
    for shape in SHAPES {
        let settled = (shape.settle)(least(shape)).unwrap();
        for name in settled.keys() {
            let known = shape.field(name).is_some() || ["created_at", "updated_at", "id"].contains(&name.as_str());
            assert!(known || (shape.list, name.as_str()) == ("directors", "backends"), "{}.{name}", shape.list);
        }
    }
}

#[test]
fn identifiers_are_names_and_are_told_apart() {
    let ids: std::collections::HashSet<String> = (0..1000).map(|_| new_id()).collect();
    assert_eq!(ids.len(), 1000);
    for id in ids {
        assert!(id.len() == 22 && backstay_resources::name::subdomain(&version_name(&id, 12)).is_empty(), "{id}");
    }
}

#[test]
fn debug_output_and_other_clients_see_no_keys() {
    let backend = Backend { ssl_client_key: Some("SECRET-KEY".to_owned()), ..Backend::default() };
    let fields = [("secret_key".to_owned(), "SECRET-KEY".to_owned())].into();
    let endpoint = LogEndpoint { kind: "s3".to_owned(), fields, ..LogEndpoint::default() };
    let spec = VersionSpec { backends: vec![backend], logging: vec![endpoint], ..VersionSpec::default() };
    let version = FastlyVersion { spec, ..FastlyVersion::default() };
    assert!(!format!("{version:?}").contains("SECRET-KEY"));
    let mut object = backstay_resources::Object::default();
    object.body.insert("spec".to_owned(), serde_json::to_value(&version.spec).unwrap());
    assert!(serde_json::to_string(&object).unwrap().contains("SECRET-KEY"));
    FASTLY_VERSION.redact.unwrap()(&mut object);
    assert!(!serde_json::to_string(&object).unwrap().contains("SECRET-KEY"));
}

#[test]
fn addresses_and_hosts() {
    for good in ["origin.example", "10.0.0.1", "::1", "a_b.example", "localhost", "x.example."] {
        assert!(host::is_address(good), "{good}");
    }
    for bad in
        ["", "https://origin.example", "300.1.1.1", "a b", "-a.example", "a..b", "origin.example:80", "é.example"]
    {
        assert!(!host::is_address(bad), "{bad}");
    }
    for good in ["www.example", "www.example:8080", "10.0.0.1:80", "[::1]:80", "::1"] {
        assert!(host::is_host_header(good), "{good}");
    }
    for bad in ["", "www.example:", "www.example:x", "a b", "a\r\nb"] {
        assert!(!host::is_host_header(bad), "{bad}");
    }
    assert!(host::is_domain("*.example.com") && !host::is_domain("a.*.com") && !host::is_domain("*"));
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[0-9:./\\[\\]a-z*-]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Whatever is sent, it is refused with the name of the field or stored so that it is read back the same.
    #[test]
    fn no_value_is_too_odd_for_a_field(value in anything(), which in any::<prop::sample::Index>()) {
        let fields: Vec<_> = SHAPES.iter().flat_map(|shape| shape.fields.iter().map(move |field| (shape, field))).collect();
        let (shape, field) = fields[which.index(fields.len())];
        let mut part = least(shape);
        match field.set(&mut part, &value) {
            Err(refused) => prop_assert!(refused.0.to_lowercase().starts_with(&field.name.replace('_', " "))),
            Ok(()) => {
                if let Ok(settled) = (shape.settle)(part) {
                    prop_assert_eq!((shape.settle)(settled.clone()), Ok(settled));
                }
            }
        }
    }
}
