use serde_json::{Value, json};

use super::{EVENT, EVENT_OF_GROUP, to_stored, to_told};
use crate::check::admit;
use crate::kind::Kind;

fn refused(kind: &Kind, fields: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "a.1", "namespace": "default"}});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    match admit(kind, object, None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|error| error.path.to_string()).collect(),
    }
}

#[test]
fn the_two_views_are_the_same_object() {
    let core = json!({
        "metadata": {"name": "a.1", "namespace": "default"}, "involvedObject": {"kind": "Backend", "name": "a"},
        "reason": "Accepted", "message": "it is", "count": 2, "reportingComponent": "x/y", "source": {"component": "x"},
        "eventTime": "2026-01-02T03:04:05Z", "reportingInstance": "one", "action": "Compile", "type": "Normal",
    });
    let stored = admit(&EVENT, core, None).unwrap().object;
    let mut told = stored.clone();
    to_told(&mut told);
    assert_eq!(told.api_version, "events.k8s.io/v1");
    assert_eq!(told.body["regarding"], json!({"kind": "Backend", "name": "a"}));
    assert_eq!(told.body["note"], "it is");
    assert_eq!(told.body["deprecatedCount"], 2);
    assert_eq!(told.body["eventTime"], "2026-01-02T03:04:05.000000Z");
    admit(&EVENT_OF_GROUP, serde_json::to_value(&told).unwrap(), None).unwrap();
    to_stored(&mut told);
    assert_eq!(told, stored);
}

#[test]
fn an_event_is_in_the_namespace_of_its_object() {
    assert_eq!(refused(&EVENT, json!({"involvedObject": {"namespace": "other"}})), ["involvedObject.namespace"]);
    assert_eq!(refused(&EVENT, json!({"involvedObject": {"namespace": "default"}})), [""; 0]);
    assert_eq!(refused(&EVENT, json!({"involvedObject": {}})), [""; 0], "as older clients send them");
}

#[test]
fn newer_events_are_whole() {
    let missing = ["eventTime", "reportingController", "reportingInstance", "action", "reason", "type"];
    assert_eq!(refused(&EVENT_OF_GROUP, json!({"regarding": {}})), missing);
    let new = json!({"involvedObject": {}, "eventTime": "2026-01-02T03:04:05Z", "message": "x".repeat(1025)});
    let missing = ["reportingComponent", "reportingInstance", "action", "reason", "message"];
    assert_eq!(refused(&EVENT, new), missing);
}

#[test]
fn what_an_event_of_the_group_tells_does_not_change() {
    let event = json!({
        "metadata": {"name": "a.1", "namespace": "default"}, "regarding": {}, "reason": "A", "action": "B", "note": "C",
        "reportingController": "x", "reportingInstance": "y", "eventTime": "2026-01-02T03:04:05Z", "type": "Normal",
    });
    let old = admit(&EVENT_OF_GROUP, event.clone(), None).unwrap().object;
    let mut again = event.clone();
    again["series"] = json!({"count": 2, "lastObservedTime": "2026-01-02T03:04:06Z"});
    admit(&EVENT_OF_GROUP, again, Some(&old)).unwrap();
    let mut other = event;
    other["note"] = "D".into();
    let errors = admit(&EVENT_OF_GROUP, other, Some(&old)).unwrap_err();
    assert_eq!(errors[0].path.to_string(), "note");
}
