use serde_json::{Value, json};

use crate::admit;
use crate::gateway::HTTP_ROUTE;

fn errors(rule: Value) -> Vec<String> {
    match admit(&HTTP_ROUTE, json!({"metadata": {"name": "r"}, "spec": {"rules": [rule]}}), None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn retries_and_sessions_are_checked_though_they_are_not_honoured() {
    for good in [
        json!({"retry": {"codes": [400, 599], "attempts": 0, "backoff": "100ms"}}),
        json!({"sessionPersistence": {"type": "Header", "header": {"name": "x-a"}, "absoluteTimeout": "1h"}}),
        json!({"sessionPersistence": {"cookie": {"name": "a", "path": "/", "lifetimeType": "Permanent"}, "absoluteTimeout": "1h"}}),
        json!({"sessionPersistence": {"sessionName": "a", "idleTimeout": "5m", "cookieConfig": {"lifetimeType": "Session"}}}),
    ] {
        assert_eq!(errors(good.clone()), [""; 0], "{good}");
    }
    for (bad, wrong) in [
        (json!({"retry": {"codes": [399]}}), "retry.codes[0]: Invalid value"),
        (json!({"retry": {"codes": [503, 503]}}), "retry.codes[1]: Duplicate value"),
        (json!({"retry": {"attempts": -1}}), "retry.attempts: Invalid value"),
        (json!({"retry": {"backoff": "1.5s"}}), "retry.backoff: Invalid value"),
        (json!({"sessionPersistence": {"type": "Other"}}), "sessionPersistence.type: Unsupported value"),
        (json!({"sessionPersistence": {"type": "Header", "cookie": {}}}), "sessionPersistence.cookie: Forbidden"),
        (json!({"sessionPersistence": {"header": {"name": "a"}}}), "sessionPersistence.header: Forbidden"),
        (json!({"sessionPersistence": {"cookie": {"name": "a b"}}}), "sessionPersistence.cookie.name: Invalid value"),
        (
            json!({"sessionPersistence": {"cookie": {"lifetimeType": "Permanent"}}}),
            "sessionPersistence.absoluteTimeout: Required value",
        ),
    ] {
        let found = errors(bad.clone());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(found[0].starts_with(&format!("spec.rules[0].{wrong}")), "{bad}: {found:?}");
    }
}
