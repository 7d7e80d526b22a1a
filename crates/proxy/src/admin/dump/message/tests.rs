use backstay_proto::config::{
    Backend, Endpoint, Locality, Secret, StaticEndpoints, WeightedBackend, backend, endpoint, secret,
};
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value as Field,
};
use serde_json::{Value, json};

use super::shown;

fn descriptor(name: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(backstay_proto::DESCRIPTORS).unwrap();
    pool.get_message_by_name(&format!("backstay.config.v1.{name}")).unwrap()
}

fn json_of(name: &str, message: &impl Message) -> Value {
    shown(&DynamicMessage::decode(descriptor(name), &*message.encode_to_vec()).unwrap())
}

/// Text that must not be found in what is shown.
const SECRET: &str = "hunter2";

/// How deep messages are filled that can hold themselves: from there on, of a oneof the first.
const DEEP: usize = 16;

/// Every field of a message that can be set, of a oneof the `choice`th.
fn full(of: &MessageDescriptor, choice: usize, depth: usize) -> DynamicMessage {
    let choice = if depth < DEEP { choice } else { 0 };
    let mut message = DynamicMessage::new(of.clone());
    for field in of.fields() {
        let alternatives =
            field.containing_oneof().map(|one| one.fields().map(|field| field.number()).collect::<Vec<_>>());
        if alternatives.is_some_and(|all| all[choice % all.len()] != field.number()) {
            continue;
        }
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { panic!("{field:?}") };
            let value = match value(&entry.map_entry_value_field(), choice, depth) {
                // Names of members, which are none.
                Field::String(_) if field.name() == "mapping" => Field::String("name".to_owned()),
                value => value,
            };
            let entry = (MapKey::String("key".to_owned()), value);
            message.set_field(&field, Field::Map([entry].into()));
            continue;
        }
        let value = value(&field, choice, depth);
        message.set_field(&field, if field.is_list() { Field::List(vec![value]) } else { value });
    }
    message
}

fn value(field: &FieldDescriptor, choice: usize, depth: usize) -> Field {
    match field.kind() {
        Kind::Bool => Field::Bool(true),
        Kind::Double => Field::F64(1.5),
        Kind::Int32 => Field::I32(500_000_000),
        Kind::Int64 => Field::I64(7),
        Kind::Uint32 => Field::U32(7),
        Kind::Uint64 => Field::U64(7),
        Kind::String if ["value", "client_secret"].contains(&field.name()) => Field::String(SECRET.to_owned()),
        Kind::String => Field::String(field.name().to_owned()),
        Kind::Bytes => Field::Bytes(SECRET.into()),
        Kind::Enum(kind) => Field::EnumNumber(kind.values().last().unwrap().number()),
        Kind::Message(kind) => Field::Message(full(&kind, choice, depth + 1)),
        other => panic!("{other:?} is not in the contract yet"),
    }
}

/// Checks that every field that is set is shown, under its name.
fn check(message: &DynamicMessage, json: &Value, path: &str) {
    let object = json.as_object().unwrap_or_else(|| panic!("{path} is {json}"));
    assert_eq!(object.len(), message.fields().count(), "{path}");
    for (field, value) in message.fields() {
        let path = format!("{path}.{}", field.name());
        let shown = object.get(field.json_name()).unwrap_or_else(|| panic!("{path} is not shown"));
        let (value, shown) = match (value, shown) {
            (Field::List(values), Value::Array(shown)) => (&values[0], &shown[0]),
            other => other,
        };
        match value {
            Field::Message(inner) if inner.descriptor().package_name() == "google.protobuf" => {
                assert!(["7", "7.5s", "1.5"].contains(&shown.to_string().trim_matches('"')), "{path} is {shown}");
            }
            // What a header is set to may be a credential, however it is computed.
            Field::Message(_) if path.ends_with("_header.value") => assert_eq!(shown, "redacted", "{path}"),
            // Names of members.
            Field::Map(_) if path.ends_with(".mapping") => assert!(shown.is_object(), "{path}"),
            Field::Map(_) => assert_eq!(shown, "redacted", "{path}"),
            Field::Message(inner) => check(inner, shown, &path),
            Field::EnumNumber(_) => assert!(shown.is_string(), "{path} is {shown}"),
            Field::Bytes(_) => assert!([json!("redacted"), json!("7 bytes")].contains(shown), "{path} is {shown}"),
            Field::String(text) if text == SECRET => assert_eq!(shown, "redacted", "{path}"),
            Field::String(text) => assert_eq!(shown, text, "{path}"),
            _ => assert!(!shown.is_null(), "{path}"),
        }
    }
}

#[test]
fn every_field_of_the_contract_is_shown_and_no_secret() {
    for name in ["Backend", "Listener", "Route", "Secret", "Table", "AddressSet", "RevocationSet"] {
        // As many as the largest oneof has.
        for choice in 0..15 {
            let message = full(&descriptor(name), choice, 0);
            let json = shown(&message);
            check(&message, &json, name);
            assert!(!json.to_string().contains(SECRET), "{json}");
        }
    }
}

#[test]
fn keys_are_not_even_counted() {
    let certificate = secret::Certificate { chain: "1234".into(), private_key: "12345".into() };
    let secret = Secret { kind: Some(secret::Kind::Certificate(certificate)) };
    let expected = json!({"certificate": {"chain": "4 bytes", "privateKey": "redacted"}});
    assert_eq!(json_of("Secret", &secret), expected);
}

#[test]
fn defaults_are_left_out_unless_their_zero_means_something() {
    assert_eq!(json_of("WeightedBackend", &WeightedBackend::default()), json!({"weight": 0}));
    let endpoint = Endpoint {
        host: Some(endpoint::Host::Ip("10.0.0.1".into())),
        locality: Some(Locality { region: "here".into(), ..Locality::default() }),
        ..Endpoint::default()
    };
    let list = StaticEndpoints { endpoints: vec![endpoint], ..StaticEndpoints::default() };
    let backend = Backend {
        discovery: Some(backend::Discovery::Static(list)),
        timeouts: Some(backstay_proto::config::Timeouts {
            connect: Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }),
            ..Default::default()
        }),
        limits: Some(backstay_proto::config::Limits { pending_requests: Some(0), ..Default::default() }),
        load_balancing: Some(backstay_proto::config::LoadBalancing {
            policy: Some(backstay_proto::config::load_balancing::Policy::Random(Default::default())),
            ..Default::default()
        }),
        ..Backend::default()
    };
    let expected = json!({
        "protocol": "HTTP1",
        "static": {"endpoints": [{
            "ip": "10.0.0.1", "locality": {"region": "here", "weight": 0}, "health": "HEALTHY",
        }]},
        "timeouts": {"connect": "1.5s"},
        "limits": {"pendingRequests": 0},
        "loadBalancing": {"random": {}, "endpointKey": "ADDRESS_AND_PORT"},
    });
    assert_eq!(json_of("Backend", &backend), expected);
}
