use serde_json::{Value, json};

use super::{Verdict, accepted, applies, programmed};

fn word(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Failed(why) | Verdict::Pending(why) => why,
        Verdict::Silent => "silent",
    }
}

fn backend(status: &str, reason: &str, observed: i64) -> Value {
    let condition = json!({"type": "Programmed", "status": status, "reason": reason, "message": "why", "observedGeneration": observed});
    json!({"metadata": {"generation": 2}, "status": {"conditions": [condition]}})
}

#[test]
fn a_backend_is_judged_by_programmed_of_its_generation() {
    for (status, reason, observed, expected) in [
        ("True", "Programmed", 2, "done"),
        ("True", "Programmed", 1, "silent"),
        ("False", "NotReferenced", 2, "done"),
        ("False", "Pending", 2, "why"),
        ("False", "Refused", 2, "why"),
    ] {
        assert_eq!(word(&programmed(&backend(status, reason, observed))), expected, "{status} {reason} {observed}");
    }
    assert!(matches!(programmed(&backend("False", "Refused", 2)), Verdict::Failed(_)));
    assert!(matches!(programmed(&json!({})), Verdict::Silent));
}

#[test]
fn a_route_is_judged_by_every_parent() {
    let condition =
        |kind: &str, status: &str| json!({"type": kind, "status": status, "message": "why", "observedGeneration": 1});
    let route = |parents: Value| json!({"metadata": {"generation": 1}, "spec": {"parentRefs": [{"name": "web"}]}, "status": {"parents": parents}});
    let good = json!({"conditions": [condition("Accepted", "True"), condition("ResolvedRefs", "True")]});
    let bad = json!({"conditions": [condition("Accepted", "True"), condition("ResolvedRefs", "False")]});
    assert_eq!(word(&accepted(&route(json!([good])))), "done");
    assert_eq!(word(&accepted(&route(json!([good, bad])))), "why");
    assert!(matches!(accepted(&route(json!([]))), Verdict::Pending(_)));
    assert!(matches!(accepted(&json!({"spec": {}})), Verdict::Failed(_)));
}

#[test]
fn a_policy_is_judged_by_whether_it_applies_and_has_what_it_refers_to() {
    let condition =
        |kind: &str, status: &str| json!({"type": kind, "status": status, "message": kind, "observedGeneration": 1});
    let policy = |accepted: &str, resolved: &str| {
        let conditions = [condition("Accepted", accepted), condition("ResolvedRefs", resolved)];
        json!({"metadata": {"generation": 1}, "status": {"conditions": conditions}})
    };
    for (accepted, resolved, expected) in
        [("True", "True", "done"), ("False", "True", "Accepted"), ("True", "False", "ResolvedRefs")]
    {
        assert_eq!(word(&applies(&policy(accepted, resolved))), expected);
    }
    assert!(matches!(applies(&policy("False", "True")), Verdict::Failed(_)));
    assert!(matches!(applies(&json!({"metadata": {"generation": 1}})), Verdict::Silent));
}
