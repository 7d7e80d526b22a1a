use std::collections::BTreeMap;

use backstay_compiler::{Condition, ListenerReport, ObjectKey, ObjectStatus, ParentReport, Report};
use backstay_resources::apoxy::BACKEND;
use backstay_resources::core::SECRET;
use backstay_resources::gateway::{GATEWAY, HTTP_ROUTE, ParentRef};
use serde_json::json;

use super::{list, render};
use crate::shared::Shared;

fn report(shared: &Shared, key: ObjectKey, report: Report) {
    let status = ObjectStatus { key, generation: 1, report: report.into(), programs: Vec::new() };
    shared.update(|tracker| tracker.reported(status));
}

fn shared() -> Shared {
    let shared = Shared::default();
    report(&shared, ObjectKey::new(&BACKEND, "", "unused"), Report::of(vec![Condition::holds("Accepted")]));
    let broken = vec![Condition::no("Accepted", "Invalid", "it is broken")];
    report(&shared, ObjectKey::new(&BACKEND, "", "broken"), Report::of(broken));
    let listener = ListenerReport {
        name: "https".to_owned(),
        supported_kinds: Vec::new(),
        attached_routes: 0,
        conditions: vec![Condition::no("ResolvedRefs", "InvalidCertificateRef", "no such Secret")],
        programs: Vec::new(),
    };
    let accepted = vec![Condition::yes("Accepted", "ListenersNotValid", "see listeners")];
    report(&shared, ObjectKey::new(&GATEWAY, "default", "web"), Report::of_gateway(accepted, vec![listener], None));
    let parent = ParentReport {
        parent_ref: ParentRef { name: "web".to_owned(), ..ParentRef::default() },
        controller_name: "backstay.dev/gateway-controller",
        conditions: vec![Condition::holds("Accepted"), Condition::no("ResolvedRefs", "InvalidKind", "no Backend")],
        programs: Vec::new(),
    };
    report(&shared, ObjectKey::new(&HTTP_ROUTE, "default", "r"), Report::of_route(vec![parent]));
    let mut secret = Report::of(vec![Condition::holds("Accepted")]);
    secret.fields = BTreeMap::from([("certificateExpires", json!("2030-01-01T00:00:00Z"))]);
    report(&shared, ObjectKey::new(&SECRET, "default", "web"), secret);
    shared
}

#[test]
fn what_is_not_in_force_is_listed_once_and_where_it_is() {
    let (faults, count) = list(&shared());
    let told: Vec<_> = faults.iter().map(|it| (it.kind, it.name.as_str(), it.part.as_str(), it.condition)).collect();
    let expected = [
        ("Backend", "broken", "", "Accepted"),
        ("Gateway", "web", "listener https", "ResolvedRefs"),
        ("HTTPRoute", "r", "parent web", "ResolvedRefs"),
    ];
    assert_eq!((told.as_slice(), count), (expected.as_slice(), 3));
}

#[test]
fn objects_are_counted_by_condition_and_certificates_have_their_expiry() {
    let text = render(&shared());
    for line in [
        r#"backstay_objects{kind="Backend",condition="Accepted",status="True"} 1"#,
        r#"backstay_objects{kind="Backend",condition="Accepted",status="False"} 1"#,
        r#"backstay_objects{kind="HTTPRoute",condition="ResolvedRefs",status="False"} 1"#,
        r#"backstay_objects{kind="Backend",condition="Programmed",status="False"} 2"#,
        r#"backstay_certificate_expiry_seconds{namespace="default",secret="web"} 1893456000"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
}
