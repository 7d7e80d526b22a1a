use serde_json::{Value, json};

use crate::admit;
use crate::gateway::HTTP_ROUTE;

fn errors(cors: Value) -> Vec<String> {
    let rule = json!({"filters": [{"type": "CORS", "cors": cors}]});
    let route = json!({"metadata": {"name": "r"}, "spec": {"rules": [rule]}});
    match admit(&HTTP_ROUTE, route, None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn refused(cors: Value, start: &str) {
    let found = errors(cors.clone());
    assert_eq!(found.len(), 1, "{cors}: {found:?}");
    assert!(found[0].starts_with(&format!("spec.rules[0].filters[0].cors.{start}")), "{cors}: {found:?}");
}

#[test]
fn origins_are_a_scheme_and_a_host_that_may_begin_with_a_wildcard() {
    for good in [
        "*",
        "https://*",
        "http://*:8080",
        "https://example.com",
        "http://a.example.com:65535",
        "https://*.example.com",
        "https://*.example.com:8443",
        "http://localhost",
        "https://EXAMPLE.com",
        "http://10.0.0.1:80",
    ] {
        assert_eq!(errors(json!({"allowOrigins": [good]})), [""; 0], "{good}");
    }
    for bad in [
        "example.com",
        "ftp://example.com",
        "https://",
        "https://example.com/",
        "https://example.com/a",
        "https://a.*.com",
        "https://*example.com",
        "https://example.com:",
        "https://example.com:123456",
        "https://exa mple.com",
        "null",
        "*.example.com",
        "https://[::1]",
        "https://user@example.com",
        "**",
        "https://example.com\n",
    ] {
        refused(json!({"allowOrigins": [bad]}), "allowOrigins[0]: Invalid value");
    }
    refused(json!({"allowOrigins": [""]}), "allowOrigins[0]: Required value");
    refused(json!({"allowOrigins": [format!("https://{}", "a".repeat(246))]}), "allowOrigins[0]: Too long");
}

#[test]
fn methods_are_those_of_gateway_api() {
    let all = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    assert_eq!(errors(json!({ "allowMethods": all })), [""; 0]);
    assert_eq!(errors(json!({"allowMethods": ["*"]})), [""; 0]);
    for bad in ["get", "PROPFIND", ""] {
        refused(json!({"allowMethods": [bad]}), "allowMethods[0]: Unsupported value");
    }
    refused(json!({"allowMethods": vec!["GET"; 10]}), "allowMethods: Too many: 10");
}

#[test]
fn headers_are_tokens() {
    for list in ["allowHeaders", "exposeHeaders"] {
        assert_eq!(errors(json!({list: ["X-a", "*b"]})), [""; 0]);
        for bad in ["a b", "a:", "a,b", "\u{e9}"] {
            refused(json!({list: [bad]}), &format!("{list}[0]: Invalid value"));
        }
        refused(json!({list: [""]}), &format!("{list}[0]: Required value"));
        refused(json!({list: ["a".repeat(257)]}), &format!("{list}[0]: Too long"));
    }
}

#[test]
fn a_wildcard_stands_alone_and_nothing_is_there_twice() {
    for (list, other) in [("allowOrigins", "https://a.b"), ("allowMethods", "GET"), ("allowHeaders", "a")] {
        refused(json!({list: ["*", other]}), &format!("{list}: Invalid value: \"*\": cannot contain '*' alongside"));
        refused(json!({list: [other, other]}), &format!("{list}[1]: Duplicate value"));
    }
    assert_eq!(errors(json!({"exposeHeaders": ["*", "a"]})), [""; 0]);
    refused(json!({"exposeHeaders": ["a", "a"]}), "exposeHeaders[1]: Duplicate value");
}

#[test]
fn lists_and_ages_have_bounds() {
    let many = |count: usize, of: fn(usize) -> String| (0..count).map(of).collect::<Vec<_>>();
    for (list, of) in [
        ("allowOrigins", (|n| format!("https://a{n}")) as fn(usize) -> String),
        ("allowHeaders", |n| format!("a{n}")),
        ("exposeHeaders", |n| format!("a{n}")),
    ] {
        assert_eq!(errors(json!({list: many(64, of)})), [""; 0]);
        refused(json!({list: many(65, of)}), &format!("{list}: Too many: 65"));
    }
    for bad in [0, -1] {
        refused(json!({"maxAge": bad}), &format!("maxAge: Invalid value: {bad}: must be at least 1"));
    }
    assert_eq!(errors(json!({"maxAge": i32::MAX, "allowCredentials": false})), [""; 0]);
    refused(json!({"maxAge": "5s"}), "maxAge: Invalid value");
    refused(json!({"allowCredentials": "true"}), "allowCredentials: Invalid value");
}

#[test]
fn what_is_not_said_of_the_age_is_five_seconds() {
    let route = json!({"metadata": {"name": "r"}, "spec": {"rules": [{"filters": [{"type": "CORS", "cors": {}}]}]}});
    let object = admit(&HTTP_ROUTE, route, None).unwrap().object;
    assert_eq!(object.body["spec"]["rules"][0]["filters"][0]["cors"], json!({"maxAge": 5}));
}
