use serde_json::json;

use super::NAMESPACE;
use crate::admit;
use crate::meta::Timestamp;

#[test]
fn a_namespace_is_active_and_carries_its_name() {
    let admitted = admit(&NAMESPACE, json!({"metadata": {"name": "team-a", "labels": {"a": "b"}}}), None).unwrap();
    let mut object = admitted.object;
    assert_eq!(object.metadata.labels["kubernetes.io/metadata.name"], "team-a");
    assert_eq!(object.metadata.labels["a"], "b");
    assert_eq!((NAMESPACE.cells)(&object), [json!("Active")]);
    object.metadata.deletion_timestamp = Some(Timestamp::now());
    (NAMESPACE.default)(&mut object);
    assert_eq!((NAMESPACE.cells)(&object), [json!("Terminating")]);
}

#[test]
fn its_name_is_a_label() {
    let errors = admit(&NAMESPACE, json!({"metadata": {"name": "a.b"}}), None).unwrap_err();
    assert!(errors.iter().any(|error| error.path.as_str() == "metadata.name"), "{errors:?}");
}
