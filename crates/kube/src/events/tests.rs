use backstay_resources::Object;
use backstay_resources::event::{EVENT, ObjectReference};
use backstay_store::{Prefix, Store as _};
use serde_json::Value;

use super::telling::OF_OBJECT;
use super::{Events, Happened, Tone};
use crate::events::Bounds;

fn happened(name: &str, note: &str) -> Happened {
    Happened {
        about: ObjectReference { kind: "Backend".into(), name: name.into(), ..ObjectReference::default() },
        tone: Tone::Warning,
        reason: "Refused".into(),
        action: "Compile".into(),
        note: note.into(),
        instance: "control-plane".into(),
    }
}

fn all(events: &Events) -> Vec<Value> {
    let snapshot = events.store.snapshot();
    let prefix = Prefix::resource(&EVENT.resource());
    snapshot
        .list(&prefix)
        .map(|entry| serde_json::to_value(Object::decode(&entry.value.bytes()).unwrap()).unwrap())
        .collect()
}

#[test]
fn what_happens_again_is_counted() {
    let events = Events::default();
    events.tell(&[happened("a", "no"), happened("a", "no"), happened("a", "never"), happened("a", "no")]);
    let mut counts: Vec<_> =
        all(&events).iter().map(|event| (event["message"].to_string(), event["count"].clone())).collect();
    counts.sort_by_key(|(message, _)| message.clone());
    assert_eq!(counts, [("\"never\"".to_owned(), 1.into()), ("\"no\"".to_owned(), 3.into())]);
    let again = all(&events).into_iter().find(|event| event["message"] == "no").unwrap();
    assert_eq!(again["series"]["count"], 3);
    assert_eq!(again["metadata"]["namespace"], "default", "of what is in no namespace");
    assert_eq!(again["type"], "Warning");
}

#[test]
fn one_object_leaves_room_for_others() {
    let events = Events::default();
    events.tell(&[happened("a", "first"), happened("a.b", "other")]);
    for number in 0..OF_OBJECT {
        events.tell(&[happened("a", &format!("{number}"))]);
    }
    let notes: Vec<_> = all(&events).iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(notes.len(), OF_OBJECT + 1);
    assert!(!notes.contains(&"first".to_owned()), "the oldest went");
    assert!(notes.contains(&"other".to_owned()), "of another object, whose name begins in the same way");
}

#[test]
fn what_is_told_is_what_clients_may_write() {
    let events = Events::default();
    events.tell(&[happened("a", &"ä".repeat(1000)), happened(&"n".repeat(253), "long"), happened("Not a:name", "odd")]);
    let told = all(&events);
    assert_eq!(told.len(), 3);
    for event in told {
        let admitted = backstay_resources::admit(&EVENT, event, None);
        assert!(admitted.is_ok(), "{:?}", admitted.unwrap_err());
    }
}

#[test]
fn a_namespace_takes_its_events_along() {
    let events = Events::new(Bounds::default());
    let mut other = happened("a", "no");
    other.about.namespace = "other".into();
    events.tell(&[happened("a", "no"), other]);
    events.forget_namespace("other");
    assert_eq!(all(&events).len(), 1);
}
