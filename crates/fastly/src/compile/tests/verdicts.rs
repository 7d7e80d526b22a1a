//! What keeps a version from being activated, and what is only said.

use serde_json::{Value, json};

use super::{backend, compiled, condition, sound, version, with};

/// A version with a domain and a backend, and these parts in place of its own.
fn parts(given: Value) -> Value {
    with(json!({"domains": [{"name": "a.test"}], "backends": [backend("o")]}), given)
}

fn errors(given: Value) -> Vec<String> {
    compiled(&version(parts(given))).1.errors.iter().map(ToString::to_string).collect()
}

fn warnings(given: Value) -> Vec<String> {
    sound(&version(parts(given))).1.warnings.iter().map(ToString::to_string).collect()
}

/// A backend with these fields.
fn of(fields: Value) -> Value {
    json!({"backends": [with(backend("o"), fields)]})
}

fn header(fields: Value) -> Value {
    let header = json!({"name": "h", "type": "request", "action": "set", "dst": "http.A", "src": "\"a\""});
    json!({"headers": [with(header, fields)]})
}

#[test]
fn what_cannot_be_served_is_refused_with_its_object() {
    let table = [
        (json!({"domains": []}), "Version has no associated domains"),
        (
            json!({"conditions": [condition("bad", 1, "req.url.ext =~ \"css\"")]}),
            "Condition 'bad': =~ is no operator of VCL: regular expressions are matched with ~\nat: (input Line 1 Pos 13)",
        ),
        (of(json!({"request_condition": "nowhere"})), "Backend 'o': there is no condition 'nowhere'"),
        (of(json!({"healthcheck": "nowhere"})), "Backend 'o': there is no healthcheck 'nowhere'"),
        (of(json!({"port": 0})), "Backend 'o': port 0 cannot be connected to"),
        (of(json!({"address": "0.0.0.0"})), "Backend 'o': address 0.0.0.0 stands for no particular host"),
        (
            of(json!({"use_ssl": 1, "min_tls_version": "1.1"})),
            "Backend 'o': min_tls_version 1.1 is not supported: proxies speak TLS 1.2 and 1.3 to backends",
        ),
        (
            of(json!({"use_ssl": 1, "ssl_client_cert": "x"})),
            "Backend 'o': ssl_client_cert is set without ssl_client_key",
        ),
        (
            of(json!({"use_ssl": 1, "ssl_client_key": "x"})),
            "Backend 'o': ssl_client_key is set without ssl_client_cert",
        ),
        (
            of(json!({"use_ssl": 1, "ssl_ca_cert": "x"})),
            "Backend 'o': ssl_ca_cert cannot be used: it has a ssl_ca_cert without a PEM certificate",
        ),
        (
            of(json!({"use_ssl": 1, "ssl_ciphers": "AES128-SHA"})),
            "Backend 'o': ssl_ciphers \"AES128-SHA\" has no suite that proxies can speak",
        ),
        (json!({"directors": [{"name": "d", "backends": ["o", "gone"]}]}), "Director 'd': there is no backend 'gone'"),
        (
            json!({"backends": [backend("a b"), backend("a/b")]}),
            "Backend 'a/b': VCL calls it F_a_b, as it does Backend 'a b': rename one of them",
        ),
        (
            json!({"healthchecks": [{"name": "hc", "host": "a", "path": "/", "threshold": 4, "window": 3}]}),
            "Healthcheck 'hc': threshold 4 is more than window 3: no backend would ever be healthy",
        ),
        (header(json!({"dst": "backend", "src": "F_gone"})), "Header 'h': src \"F_gone\" is no backend"),
        (header(json!({"dst": "req.grace"})), "Header 'h': dst \"req.grace\" is not supported"),
        (
            header(json!({"src": "beresp.http.X"})),
            "Header 'h': src: beresp.http.X is not supported: the backend is chosen before there is a response\n\
             at: (input Line 1 Pos 1)",
        ),
        (
            json!({
                "conditions": [{"name": "c", "type": "CACHE", "statement": "beresp.status == 404"}],
                "response_objects": [{"name": "r", "status": 404, "request_condition": "c"}],
            }),
            "Response object 'r': Condition 'c' is not a request condition",
        ),
        (json!({"gzips": [{"name": "g", "cache_condition": "nowhere"}]}), "Gzip 'g': there is no condition 'nowhere'"),
        (
            json!({
                "conditions": [condition("c", 1, "req.url")],
                "logging": [{"kind": "s3", "name": "l", "response_condition": "c"}],
            }),
            "Logging 'l': Condition 'c' is not a response condition",
        ),
        (of(json!({"share_key": "abc"})), "Backend 'o': share_key is not done"),
        (
            json!({"conditions": [condition("c", 1, "client.ip ~ nowhere")]}),
            "Condition 'c': there is no variable, ACL, dictionary or backend nowhere\nat: (input Line 1 Pos 13)",
        ),
    ];
    for (given, expected) in table {
        let told = errors(given);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{expected}: {told:?}");
    }
}

#[test]
fn vcl_that_routes_is_refused_and_other_vcl_is_not() {
    let routes = "sub vcl_recv {\n#FASTLY recv\n  set req.backend = F_us;\n}";
    let told = errors(json!({"vcls": [{"name": "main.vcl", "main": "1", "content": routes}]}));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("VCL 'main.vcl': sets req.backend on line 3, and VCL is not run"), "{told:?}");
    let told = errors(json!({"snippets": [{"name": "s", "type": "recv", "content": "set req.backend = F_us;"}]}));
    assert!(told[0].starts_with("Snippet 's': sets req.backend on line 1"), "{told:?}");
    let told = warnings(json!({"vcls": [{"name": "spare.vcl", "content": routes}]}));
    assert_eq!(told, ["VCL 'spare.vcl': is stored and not run"], "no VCL is the main one");
    let told = warnings(json!({"snippets": [{"name": "s", "type": "recv", "content": "set req.http.X = \"1\";"}]}));
    assert_eq!(told, ["Snippet 's': is stored and not run"]);
}

#[test]
fn what_is_not_done_is_said_and_stops_nobody() {
    let cached = json!({"name": "c", "type": "CACHE", "statement": "beresp.status == 404"});
    let conditional =
        with(of(json!({"request_condition": "c"})), json!({"conditions": [condition("c", 1, "req.http.X")]}));
    let table = [
        (json!({"backends": []}), "No default director found: the version has no backend"),
        (conditional, "No default director found: every backend has a condition"),
        (of(json!({"shield": "iad-va-us"})), "Backend 'o': shield is not applicable"),
        (of(json!({"use_ssl": 1, "port": 80})), "Backend 'o': use_ssl is set and the port is 80"),
        (
            of(json!({"use_ssl": 1, "port": 443, "ssl_ciphers": "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"})),
            "Backend 'o': of ssl_ciphers, AES128-SHA cannot be spoken",
        ),
        (json!({"gzips": [{"name": "g"}]}), "Gzip 'g': is not applied"),
        (json!({"cache_settings": [{"name": "c"}]}), "Cache settings 'c': are not applied"),
        (json!({"logging": [{"kind": "s3", "name": "l"}]}), "Logging 'l': is not applied: nothing is logged to s3"),
        (header(json!({"type": "cache"})), "Header 'h': is not applied: nothing is cached"),
        (header(json!({"type": "response", "src": "beresp.http.X"})), "Header 'h': is not applied: src: beresp.http.X"),
        (
            json!({"conditions": [cached], "response_objects": [{"name": "r", "status": 404, "cache_condition": "c"}]}),
            "Response object 'r': is not applied: conditions on responses",
        ),
        (json!({"request_settings": [{"name": "r", "action": "pass"}]}), "Request settings 'r': action is not applied"),
        (json!({"directors": [{"name": "d"}]}), "Director 'd': has no backends"),
    ];
    for (given, expected) in table {
        let told = warnings(given);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{expected}: {told:?}");
    }
}

#[test]
fn a_condition_of_another_type_has_any_statement() {
    let given = json!({"conditions": [
        {"name": "5xx", "type": "RESPONSE", "statement": "(resp.status >= 500 && resp.status < 600)"},
        {"name": "waf", "type": "PREFETCH", "statement": "req.backend.is_origin && !req.http.rqpass"},
    ]});
    assert_eq!(warnings(given), [""; 0]);
}
