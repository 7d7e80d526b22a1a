use serde_json::{Value, json};

use super::verdict::{Verdict, judge};
fn judged(object: &Value) -> Verdict {
    judge(&object["kind"].as_str().unwrap().to_lowercase()).unwrap()(object)
}

fn word(object: &Value) -> String {
    match judged(object) {
        Verdict::Done => "done".to_owned(),
        Verdict::Failed(why) => format!("failed: {why}"),
        Verdict::Pending(why) => format!("pending: {why}"),
        Verdict::Silent => "silent".to_owned(),
    }
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": "why", "observedGeneration": 2})
}

fn good() -> Vec<Value> {
    ["Accepted", "ResolvedRefs", "Programmed"].map(|kind| condition(kind, "True", kind)).to_vec()
}

fn but(kind: &str, status: &str, reason: &str) -> Vec<Value> {
    let mut all = good();
    all.retain(|known| known["type"] != kind);
    all.push(condition(kind, status, reason));
    all
}

fn backend(conditions: Vec<Value>) -> Value {
    json!({"kind": "Backend", "metadata": {"generation": 2}, "status": {"conditions": conditions}})
}

fn route(parents: Vec<Vec<Value>>) -> Value {
    let parents: Vec<_> =
        parents.into_iter().map(|all| json!({"parentRef": {"name": "web"}, "conditions": all})).collect();
    json!({"kind": "HTTPRoute", "metadata": {"generation": 2}, "status": {"parents": parents}})
}

fn gateway(own: Vec<Value>, listener: Vec<Value>) -> Value {
    json!({"kind": "Gateway", "metadata": {"generation": 2},
        "status": {"conditions": own, "listeners": [{"name": "https", "conditions": listener}]}})
}

#[test]
fn a_backend_is_judged_by_the_conditions_of_its_generation() {
    assert_eq!(word(&backend(good())), "done");
    assert_eq!(word(&backend(but("Programmed", "False", "NotReferenced"))), "done");
    assert_eq!(word(&backend(but("Programmed", "False", "Pending"))), "pending: is not served: why");
    let refused = "failed: is not served: Programmed is False (Refused): why";
    assert_eq!(word(&backend(but("Programmed", "False", "Refused"))), refused);
    let mut later = backend(good());
    later["metadata"]["generation"] = json!(3);
    assert_eq!(word(&later), "silent");
}

#[test]
fn a_route_is_judged_by_every_parent_and_by_what_is_left_out_of_it() {
    assert_eq!(word(&route(vec![good()])), "done");
    let unresolved = "failed: is not served by web: ResolvedRefs is False (InvalidKind): why";
    assert_eq!(word(&route(vec![good(), but("ResolvedRefs", "False", "InvalidKind")])), unresolved);
    let partly = "failed: is not served whole by web: PartiallyInvalid is True (UnsupportedValue): why";
    assert_eq!(word(&route(vec![but("PartiallyInvalid", "True", "UnsupportedValue")])), partly);
    assert_eq!(word(&route(vec![but("Programmed", "False", "Pending")])), "pending: is not served by web: why");
    assert_eq!(word(&route(Vec::new())), "silent");
}

#[test]
fn a_gateway_is_judged_by_its_class_and_by_every_listener() {
    assert_eq!(word(&gateway(good(), good())), "done");
    let unresolved = "failed: is not served whole: listener https: ResolvedRefs is False (InvalidCertificateRef): why";
    assert_eq!(word(&gateway(good(), but("ResolvedRefs", "False", "InvalidCertificateRef"))), unresolved);
    let class = "failed: is not served: Accepted is Unknown (Pending): why";
    assert_eq!(word(&gateway(but("Accepted", "Unknown", "Pending"), good())), class);
    let conflict = "failed: is not served whole: listener https: Conflicted is True (HostnameConflict): why";
    assert_eq!(word(&gateway(good(), but("Conflicted", "True", "HostnameConflict"))), conflict);
    let invalid = "failed: is not served: Accepted is True (ListenersNotValid): why";
    assert_eq!(word(&gateway(but("Accepted", "True", "ListenersNotValid"), good())), invalid);
    assert_eq!(word(&gateway(Vec::new(), good())), "silent");
}

#[test]
fn a_policy_is_judged_by_whether_it_applies_and_has_what_it_refers_to() {
    let policy = |all: Vec<Value>| json!({"kind": "BackendPolicy", "metadata": {"generation": 2}, "status": {"conditions": all}});
    assert_eq!(word(&policy(good())), "done");
    assert_eq!(word(&policy(but("Programmed", "False", "NotReferenced"))), "done");
    let target = "failed: does not apply as it is: Accepted is False (TargetNotFound): why";
    assert_eq!(word(&policy(but("Accepted", "False", "TargetNotFound"))), target);
    assert_eq!(word(&policy(but("Programmed", "False", "Pending"))), "pending: is not served: why");
}

#[test]
fn a_secret_is_waited_for_where_it_is_used() {
    let secret = |kind: &str, all: Vec<Value>| json!({"kind": "Secret", "type": kind, "metadata": {"generation": 2}, "status": {"conditions": all}});
    assert_eq!(word(&secret("Opaque", Vec::new())), "done");
    assert_eq!(word(&secret("kubernetes.io/tls", Vec::new())), "silent");
    assert_eq!(word(&secret("kubernetes.io/tls", but("Programmed", "False", "NotReferenced"))), "done");
    let pending = "pending: is not served: why";
    assert_eq!(word(&secret("kubernetes.io/tls", but("Programmed", "False", "Pending"))), pending);
}
