use std::sync::Arc;
use std::time::Duration;

use backstay_kube::events::{Events, Tone};
use backstay_resources::Timestamp;
use backstay_store::Memory;
use serde_json::{Value, json};

use super::conditions::turned;
use super::{EXPIRES_SOON, Teller, Turn, certificates};

fn told(old: &Value, new: &Value) -> Vec<(Tone, String)> {
    turned(old, new).into_iter().map(|found| (found.tone, format!("{}: {}", found.reason, found.note))).collect()
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": format!("{kind}.")})
}

#[test]
fn what_turns_for_the_worse_is_told_in_each_of_its_words_and_what_turns_for_the_better_once() {
    let accepted = json!({"conditions": [condition("Accepted", "True", "Accepted")]});
    let refused = json!({"conditions": [condition("Accepted", "False", "Unsupported")]});
    let mut otherwise = refused.clone();
    otherwise["conditions"][0]["message"] = "another".into();
    assert_eq!(told(&Value::Null, &accepted), [(Tone::Normal, "Accepted: Accepted.".to_owned())]);
    assert_eq!(told(&accepted, &accepted), []);
    assert_eq!(told(&accepted, &refused), [(Tone::Warning, "Unsupported: Accepted.".to_owned())]);
    assert_eq!(told(&refused, &otherwise), [(Tone::Warning, "Unsupported: another".to_owned())]);
    assert_eq!(told(&otherwise, &accepted), [(Tone::Normal, "Accepted: Accepted.".to_owned())]);
}

#[test]
fn what_waits_and_what_follows_is_no_event() {
    for reason in ["Pending", "Invalid", "NotReferenced"] {
        let new = json!({"conditions": [condition("Programmed", "False", reason)]});
        assert_eq!(told(&Value::Null, &new), [], "{reason}");
    }
    let new = json!({"conditions": [condition("Programmed", "False", "Refused")]});
    assert_eq!(told(&Value::Null, &new), [(Tone::Warning, "Refused: Programmed.".to_owned())]);
}

#[test]
fn parts_are_named_and_other_controllers_parents_are_theirs() {
    let wrong = [condition("ResolvedRefs", "False", "BackendNotFound"), condition("Accepted", "True", "Accepted")];
    let ours = backstay_resources::gateway::CONTROLLER_NAME;
    let new = json!({
        "listeners": [{"name": "http", "conditions": [condition("Conflicted", "True", "HostnameConflict")]}],
        "parents": [
            {"parentRef": {"name": "a"}, "controllerName": "example.com/other", "conditions": wrong},
            {"parentRef": {"name": "b", "sectionName": "s"}, "controllerName": ours, "conditions": wrong},
        ],
    });
    assert_eq!(
        told(&Value::Null, &new),
        [
            (Tone::Warning, "HostnameConflict: listener http: Conflicted.".to_owned()),
            (Tone::Warning, "BackendNotFound: parent b/s: ResolvedRefs.".to_owned()),
            (Tone::Normal, "Accepted: parent b/s: Accepted.".to_owned()),
        ]
    );
}

#[test]
fn a_certificate_is_warned_of_before_it_expires() {
    let now = Timestamp::from_second(1_000_000_000);
    let at = |seconds: i64| Timestamp::from_second(1_000_000_000 + seconds).to_string();
    let reason = |expires: &str| certificates::warning(expires, now, EXPIRES_SOON).map(|(reason, _)| reason);
    assert_eq!(reason(&at(15 * 24 * 3600)), None);
    assert_eq!(reason(&at(13 * 24 * 3600)), Some("CertificateExpiring"));
    assert_eq!(reason(&at(0)), Some("CertificateExpired"));
    assert_eq!(reason("never"), None);
}

#[test]
fn what_becomes_of_backends_is_told_of_the_objects_that_have_them() {
    let events = Events::default();
    let teller = Teller::new(Arc::new(Memory::new()), events.clone(), Duration::ZERO);
    let turn = |resource: &str| Turn { resource: resource.into(), well: 1, unhealthy: 1, reason: "refused".into() };
    for resource in ["backend/fastly:s:b", "backend/krakend:shop:api:h:1", "backend/web"] {
        let (about, part) = teller.of_backend(resource).unwrap();
        let told = (about.kind.as_str(), about.namespace.as_str(), about.name.as_str(), part.as_str());
        let expected = match resource {
            "backend/web" => ("Backend", "", "web", ""),
            "backend/fastly:s:b" => ("FastlyService", "", "s", "Backend b: "),
            _ => ("KrakendConfig", "shop", "api", "backend h:1: "),
        };
        assert_eq!(told, expected);
    }
    assert_eq!(teller.of_backend("backend/other:x"), None);
    teller.health("edge", vec![turn("backend/fastly:s:b"), turn("backend/other:x"), turn("backend/web")]);
    assert_eq!(events.count(), 2);
}
