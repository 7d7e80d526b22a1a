use serde_json::json;

use super::Kind;
use crate::{Object, apoxy};

/// A sensitive kind, which is called anything but Secret.
static VAULT: Kind = Kind { kind: "Vault", plural: "vaults", sensitive: true, ..apoxy::BACKEND };

fn vault() -> Object {
    serde_json::from_value(json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Vault",
        "metadata": {"name": "one", "annotations": {"last": "hunter2"}},
        "spec": {"password": "hunter2"}, "keys": ["hunter2"],
    }))
    .unwrap()
}

#[test]
fn debug_output_of_a_sensitive_kind_shows_nothing_of_its_objects() {
    let object = vault();
    for shown in [format!("{object:?}"), format!("{object:#?}"), format!("{:?}", VAULT.show(&object))] {
        assert!(!shown.contains("hunter2") && !shown.contains("password"), "{shown}");
        assert!(shown.contains("Vault") && shown.contains("one"), "{shown}");
    }
}

#[test]
fn debug_output_shows_a_whole_object_to_whoever_knows_its_kind() {
    let shown = format!("{:?}", apoxy::BACKEND.show(&vault()));
    assert_eq!(shown.matches("hunter2").count(), 3, "{shown}");
}

#[test]
fn kinds_of_two_groups_are_two_kinds_whatever_they_are_called() {
    let other = Kind { group: "example.dev", ..apoxy::BACKEND };
    assert_ne!(other, apoxy::BACKEND);
    let newer = Kind { version: "v2", ..apoxy::BACKEND };
    assert_eq!(newer, apoxy::BACKEND);
}
