use serde_json::{Value, json};

use super::LEASE;
use crate::check::admit;

fn lease(spec: Value) -> Result<Value, Vec<String>> {
    let object = json!({"metadata": {"name": "a", "namespace": "default"}, "spec": spec});
    match admit(&LEASE, object, None) {
        Ok(admitted) => Ok(admitted.object.body["spec"].clone()),
        Err(errors) => Err(errors.iter().map(|error| error.path.to_string()).collect()),
    }
}

#[test]
fn times_have_microseconds() {
    let spec = lease(
        json!({"holderIdentity": "a", "renewTime": "2026-01-02T03:04:05Z", "acquireTime": "2026-01-02T03:04:05.123456789Z"}),
    );
    let expected = json!({"holderIdentity": "a", "renewTime": "2026-01-02T03:04:05.000000Z", "acquireTime": "2026-01-02T03:04:05.123456Z"});
    assert_eq!(spec.unwrap(), expected);
}

#[test]
fn numbers_and_holders_are_checked_as_kubernetes_does() {
    assert_eq!(lease(json!({"leaseDurationSeconds": 0})).unwrap_err(), ["spec.leaseDurationSeconds"]);
    assert_eq!(lease(json!({"leaseTransitions": -1})).unwrap_err(), ["spec.leaseTransitions"]);
    assert_eq!(lease(json!({"holderIdentity": ""})).unwrap_err(), ["spec.holderIdentity"]);
    assert!(lease(json!({"renewTime": "yesterday"})).is_err());
}
