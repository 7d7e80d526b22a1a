//! What KrakenD drops in silence, or does with an effect that its owner does not mean: each with the words that tell of it.

use super::*;

/// Where fields stand.
#[derive(Clone, Copy)]
enum Of {
    Service,
    Endpoint,
    Backend,
}

/// Fields, the path of the problem with them and words of its message.
struct Row(Of, String, String, &'static str);

/// A row whose path is that of the object that has the fields, and `path`.
fn row(at: Of, fields: &str, path: &str, said: &'static str) -> Row {
    let above = match at {
        Of::Service => "",
        Of::Endpoint => "endpoints[0].",
        Of::Backend => "endpoints[0].backend[0].",
    };
    Row(at, fields.to_owned(), format!("{above}{path}"), said)
}

/// A row of a component with its options; the path begins below it.
fn component(at: Of, name: &str, options: &str, path: &str, said: &'static str) -> Row {
    let key = if name.contains(['/', '.']) { format!("[\"{name}\"]") } else { format!(".{name}") };
    row(at, &extra(name, options), &format!("extra_config{key}{path}"), said)
}

fn extra(name: &str, options: &str) -> String {
    format!(r#""extra_config": {{"{name}": {options}}}"#)
}

/// A configuration with these fields of the service, of its endpoint and of that one's backend.
fn text(service: &str, endpoint: &str, backend: &str) -> String {
    let comma = |fields: &str| if fields.is_empty() { String::new() } else { format!(", {fields}") };
    let backend = match backend.contains("\"host\"") {
        true => format!("{{{backend}}}"),
        false => format!(r#"{{"host": ["h"]{}}}"#, comma(backend)),
    };
    let endpoint = match endpoint.contains("\"endpoint\"") {
        true => endpoint.to_owned(),
        false => format!(r#""endpoint": "/a/{{id}}"{}"#, comma(endpoint)),
    };
    format!(r#"{{"version": 3{}, "endpoints": [{{{endpoint}, "backend": [{backend}]}}]}}"#, comma(service))
}

fn text_of(at: Of, fields: &str) -> String {
    match at {
        Of::Service => text(fields, "", ""),
        Of::Endpoint => text("", fields, ""),
        Of::Backend => text("", "", fields),
    }
}

/// Each row is a warning, and KrakenD runs all of it.
fn all_told(rows: &[Row]) {
    for Row(at, fields, path, said) in rows {
        let text = text_of(*at, fields);
        let found = check(&text, Format::Json, Options { unknown_extra_config: UnknownExtraConfig::Warn });
        let is_it = |it: &Problem| it.severity == Severity::Warning && it.path == *path && it.message.contains(said);
        assert!(found.problems.iter().any(is_it), "{text}: nothing at {path} says {said:?} in {:#?}", found.problems);
        assert!(found.plan.is_some(), "{text}: KrakenD runs it: {:#?}", found.problems);
    }
}

use self::Of::{Backend, Endpoint, Service};

#[test]
fn keys_that_are_not_known_here() {
    all_told(&[
        row(Service, r#""log_level": "DEBUG""#, "log_level", "telemetry/logging"),
        row(Service, r#""prot": 80"#, "prot", "did you mean port?"),
        row(Service, r#""url_pattern": "/""#, "url_pattern", "it belongs to a backend"),
        row(Service, r#""router": {}"#, "router", "it belongs into extra_config"),
        row(Service, r#""Timeout": "3s", "timeout": "4s""#, "Timeout", "twice, in different cases"),
        row(Service, r#""timeout": "3s", "timeout": "4s""#, "", "\"timeout\" is written again at line 1"),
        row(Endpoint, r#""methode": "GET""#, "methode", "did you mean method?"),
        row(Endpoint, r#""output_headers": ["a"]"#, "output_headers", "answers have no list of headers"),
        row(Endpoint, r#""ouput_headers": ["a"]"#, "ouput_headers", "answers have no list of headers"),
        row(Endpoint, r#""header_to_pass": ["a"]"#, "header_to_pass", "does not know"),
        row(Endpoint, r#""headers_to_pass": ["a"]"#, "headers_to_pass", "in version 3 it is called input_headers"),
        row(Endpoint, r#""querystring_params": ["a"]"#, "querystring_params", "it is called input_query_strings"),
        row(Endpoint, r#""burst": 5"#, "burst", "does not know"),
        row(Endpoint, r#""encoding": "json""#, "encoding", "it belongs to a backend"),
        row(Endpoint, r#""return_error_code": true"#, "return_error_code", "it belongs to extra_config"),
        row(Backend, r#""whitelist": ["a"]"#, "whitelist", "it is called allow"),
        row(Backend, r#""rewrite": "/a""#, "rewrite", "does not know"),
        row(Backend, r#""status_code": 200"#, "status_code", "does not know"),
        row(Backend, r#""read_timeout_ms": 5"#, "read_timeout_ms", "does not know"),
        row(Backend, r#""timeout": "5s""#, "timeout", "the endpoint's counts"),
        row(Backend, r#""concurrent_calls": 2"#, "concurrent_calls", "the endpoint's counts"),
        row(Backend, r#""cache_ttl": "5s""#, "cache_ttl", "it belongs to an endpoint"),
    ]);
}

#[test]
fn comments_are_no_unknown_keys() {
    let comment = r#""@comment": "x", "$id": 1, "_a": 2, "#;
    let text = text(&format!(r#"{comment}"$schema": "x""#), &format!(r#"{comment}"method": "GET""#), r##""#x": 1"##);
    assert_eq!(warnings(&text), Vec::<String>::new());
}

#[test]
fn components_that_have_no_effect_where_they_stand() {
    let keys = r#"{"alg": "RS256", "jwk_url": "https://a"}"#;
    let old_limit = "github.com/devopsfaith/krakend-ratelimit/juju/router";
    let swapped = "github_com/devopsfaith/krakend-jose/validator";
    all_told(&[
        component(Service, "auth/validator", keys, "", "it guards nothing in the service"),
        component(Service, "security/jwt", keys, "", "it guards nothing"),
        component(
            Service,
            "qos/ratelimit/proxy",
            "{}",
            "",
            "in the service: there is no limit; it belongs to a backend",
        ),
        component(Endpoint, "qos/ratelimit/proxy", "{}", "", "no effect in an endpoint"),
        component(Endpoint, "qos/http-cache", "{}", "", "it belongs to a backend"),
        component(Backend, "qos/ratelimit/router", "{}", "", "it belongs to an endpoint"),
        component(Backend, "auth/validator", keys, "", "requests come in without a token"),
        component(Endpoint, swapped, keys, "", "ignores this spelling: requests come in without a token"),
        component(Service, "github.com/devopsfaith/krakend-cors", "{}", "", "browsers get no CORS headers"),
        component(
            Endpoint,
            old_limit,
            r#"{"maxRate": 5}"#,
            "",
            "there is no limit; today it is \"qos/ratelimit/router\"",
        ),
        component(Endpoint, "auth/validater", keys, "", "did you mean \"auth/validator\"?"),
        component(Endpoint, "com/example/own", "{}", "", "a namespace that it does not know"),
        component(Endpoint, "auth/validator", "[]", "", "its options are an object, and this is a list"),
        row(
            Endpoint,
            r#""extra_config": {"proxy": {}, "github.com/devopsfaith/krakend/proxy": {}}"#,
            "extra_config[\"github.com/devopsfaith/krakend/proxy\"]",
            "either by chance",
        ),
        component(Endpoint, "proxy", r#"{"shadow": true}"#, ".shadow", "it belongs to a backend"),
        component(Endpoint, "proxy", r#"{"sequential": "true"}"#, ".sequential", "it does not count"),
        component(Endpoint, "proxy", r#"{"sequental": true}"#, ".sequental", "did you mean sequential?"),
        component(Backend, "proxy", r#"{"static": {}}"#, ".static", "it belongs to an endpoint"),
        component(Service, "router", r#"{"auto_options": "true"}"#, ".auto_options", "all of router is ignored"),
        component(
            Backend,
            "backend/http",
            r#"{"return_error_details": true}"#,
            ".return_error_details",
            "text is wanted",
        ),
    ]);
}

#[test]
fn validators_that_nobody_passes() {
    let row = |options: &str, path: &str, said| component(Endpoint, "auth/validator", options, path, said);
    all_told(&[
        row(r#"{"alg": "RS256"}"#, "", "every request is answered with 401"),
        row(r#"{"jwk_url": ""}"#, "", "every request is answered with 401"),
        row(r#"{"jwk-url": "https://a"}"#, ".jwk-url", "did you mean jwk_url? As it is there is no key"),
        row(r#"{"jwk_url": "http://a"}"#, ".jwk_url", "keys come over https alone"),
        row(r#"{"jwk_local_path": "a"}"#, ".jwk_local_path", "every request is answered with 401"),
        row(
            r#"{"alg": "RS256", "jwk_url": "https://a", "shared_cache_duration": 5}"#,
            ".shared_cache_duration",
            "of the service",
        ),
        row(
            r#"{"alg": "RS256", "jwk_url": "https://a", "propagate_claims": [["sub", "X-User"]]}"#,
            ".propagate_claims[0]",
            "\"X-User\" never reaches the backend",
        ),
        row(
            r#"{"alg": "RS256", "jwk_url": "https://a", "propagate_claims": ["sub"]}"#,
            ".propagate_claims[0]",
            "a claim and a header",
        ),
    ]);
    all_told(&[super::dropped::row(
        Backend,
        r#""url_pattern": "/{JWT.sub}""#,
        "url_pattern",
        "has no \"auth/validator\"",
    )]);
    let fine =
        extra("auth/validator", r#"{"alg": "RS256", "jwk_url": "https://a", "propagate_claims": [["sub", "x-USER"]]}"#);
    let fine = text("", &format!(r#""input_headers": ["X-User"], {fine}"#), r#""url_pattern": "/{JWT.sub}""#);
    assert!(warnings(&fine).is_empty(), "{:?}", warnings(&fine));
}

#[test]
fn what_ends_krakend_at_start_is_an_error() {
    let cached = r#"{"cache": true, "jwk_local_path": "a", "disable_jwk_security": true}"#;
    for (at, fields, said) in [
        (Endpoint, extra("auth/validator", cached), "ends at start"),
        (Service, extra("security/cors", r#"{"allow_origins": ["a"], "max_age": 3600}"#), "panics at start"),
        (Service, r#""tls": {}"#.to_owned(), "public key not defined"),
        (Service, r#""tls": {"public_key": "a"}"#.to_owned(), "public key not defined"),
        (Service, extra("router", r#"{"health_path": "h"}"#), "begin with a slash"),
        (Backend, r#""host": [], "sd": "dns""#.to_owned(), "panics at start"),
    ] {
        let text = text_of(at, &fields);
        let found = warnings(&text);
        assert!(found.iter().any(|line| line.contains("error: ") && line.contains(said)), "{text}: {found:?}");
    }
}

#[test]
fn limits_that_do_not_limit() {
    let row = |options: &str, path: &str, said| component(Endpoint, "qos/ratelimit/router", options, path, said);
    all_told(&[
        row(r#"{"maxRate": 5}"#, ".maxRate", "did you mean max_rate? As it is there is no limit"),
        row("{}", "", "there is no limit"),
        row(r#"{"client_max_rate": 5, "client_capacity": 5}"#, ".client_max_rate", "no limit for clients: strategy"),
        row(r#"{"client_max_rate": 5, "strategy": "ip"}"#, ".client_max_rate", "one request at a time"),
        row(r#"{"max_rate": 5, "client_max_rate": 5, "strategy": "header"}"#, ".client_max_rate", "key is missing"),
        row(r#"{"max_rate": 60, "every": "1m"}"#, ".max_rate", "no more than 1 may come at once"),
        row(r#"{"max_rate": 60, "every": "1 minute"}"#, ".every", "it does not count"),
        row(r#"{"max_rate": "5"}"#, ".max_rate", "a number is wanted"),
        component(Backend, "qos/ratelimit/proxy", "{}", "", "there is no limit"),
        component(Backend, "qos/circuit-breaker", r#"{"maxErrors": 3}"#, ".maxErrors", "opens after 1 failure"),
        component(Backend, "qos/circuit-breaker", r#"{"interval": 3}"#, ".max_errors", "opens after 1 failure"),
    ]);
}

#[test]
fn headers_and_parameters_that_never_pass() {
    all_told(&[
        row(
            Endpoint,
            r#""method": "POST", "input_headers": ["A"]"#,
            "input_headers",
            "Content-Type is not in the list",
        ),
        row(Endpoint, r#""input_headers": ["Host"]"#, "input_headers[0]", "Host never goes on"),
        row(Endpoint, r#""input_headers": ["*", "A"]"#, "input_headers[0]", "the others in the list say nothing"),
        row(Endpoint, r#""input_headers": ["a b"]"#, "input_headers[0]", "no name of a header"),
        row(Endpoint, r#""input_headers": "A,B""#, "input_headers", "one entry, commas and all"),
        row(Endpoint, r#""input_query_strings": ["{id}"]"#, "input_query_strings[0]", "never matches"),
        row(Endpoint, r#""input_query_strings": ["?Skip=v&Take=v"]"#, "input_query_strings[0]", "never matches"),
        row(Backend, r#""input_headers": ["*"]"#, "input_headers", "stands for nothing in a backend's list"),
        row(Backend, r#""input_query_strings": ["*"]"#, "input_query_strings", "stands for nothing"),
    ]);
}

#[test]
fn hosts_that_are_not_what_they_say() {
    all_told(&[
        row(Backend, r#""host": ["$NAME"]"#, "host[0]", "takes it for the host \"http://NAME\""),
        row(Backend, r#""host": ["http://"]"#, "host[0]", "takes it for the host \"http://http\""),
        row(Backend, r#""host": [], "url_pattern": "/""#, "host", "no hosts available"),
        row(
            Backend,
            r#""host": ["h:80"], "disable_host_sanitize": true"#,
            "host[0]",
            "every request to this one fails",
        ),
        row(Backend, r#""host": ["a"], "sd": "dns""#, "host", "disable_host_sanitize must be true"),
        row(
            Backend,
            r#""host": ["a", "b"], "sd": "dns", "disable_host_sanitize": true"#,
            "host",
            "only the first host",
        ),
        row(Backend, r#""sd": "dns-shared""#, "sd", "no discovery that it knows"),
        row(Service, r#""dns_cache_ttl": "500ms""#, "dns_cache_ttl", "ignored below 1s"),
    ]);
}

#[test]
fn paths_and_methods_that_are_not_what_they_say() {
    all_told(&[
        row(Endpoint, r#""endpoint": "a""#, "endpoint", "KrakenD takes it for \"/a\""),
        row(Endpoint, r#""endpoint": "/f.{ext}""#, "endpoint", "{ext} is no variable but text"),
        row(Endpoint, r#""endpoint": "/a?b=c""#, "endpoint", "a path has no query"),
        row(Endpoint, r#""endpoint": "/a%20b""#, "endpoint", "percent-decoded"),
        row(Endpoint, r#""method": "GET,POST""#, "method", "write an endpoint for each"),
        row(Endpoint, r#""method": "OPTIONS""#, "method", "Unsupported method \"OPTIONS\""),
        row(Endpoint, r#""concurrent_calls": 6"#, "concurrent_calls", "6 times at once"),
        row(Endpoint, r#""timeout": 3000"#, "timeout", "nanoseconds"),
        row(Endpoint, r#""timeout": 0"#, "timeout", "the 2s of the service count"),
        row(Backend, r#""url_pattern": "b""#, "url_pattern", "KrakenD takes it for \"/b\""),
        row(Backend, r#""url_pattern": "http://x/b""#, "url_pattern", "asks for the path \"/http://x/b\""),
        row(Backend, r#""url_pattern": "/{resp0_x}""#, "url_pattern", "sequential endpoints alone"),
    ]);
    let sequential = text("", &extra("proxy", r#"{"sequential": true}"#), r#""url_pattern": "/{resp0_x}""#);
    assert!(warnings(&sequential).iter().any(|line| line.contains("an answer that is not there yet")));
    let rest = text(r#""disable_rest": true"#, r#""endpoint": "/{id}.json""#, "");
    assert!(warnings(&rest).iter().any(|line| line.contains("one variable called \"id.json\"")));
}

#[test]
fn answers_that_are_not_what_they_say() {
    let flatmap = r#"{"flatmap_filter": [{"type": "del", "args": ["a"]}]}"#;
    let with = |fields: &str| format!("{fields}, {}", extra("proxy", flatmap));
    all_told(&[
        row(Service, r#""output_encoding": "jsn""#, "output_encoding", "no encoding that it knows"),
        row(Endpoint, r#""output_encoding": "fast-json""#, "output_encoding", "written as JSON"),
        row(Backend, r#""encoding": "no_op""#, "encoding", "did you mean no-op?"),
        row(Backend, r#""encoding": "form""#, "encoding", "read as JSON"),
        row(Backend, r#""encoding": "no-op""#, "encoding", "clients get {}"),
        row(Backend, r#""target": "http://a/b""#, "target", "clients get {}"),
        row(Backend, r#""allow": ["a"], "deny": ["b"]"#, "deny", "allow says already"),
        row(Backend, r#""mapping": {"a": "b.c"}"#, "mapping.a", "KrakenD calls it \"b\""),
        row(Backend, r#""mapping": {"a.b": "c"}"#, "mapping[\"a.b\"]", "none of them has a dot"),
        row(Backend, &with(r#""allow": ["a"]"#), "allow", "flatmap_filter"),
        row(Backend, &with(r#""mapping": {"a": "b"}"#), "mapping.a", "flatmap_filter"),
        component(Endpoint, "proxy", flatmap, ".flatmap_filter", "this endpoint has one"),
        component(
            Endpoint,
            "proxy",
            r#"{"static": {"data": {}, "strategy": "never"}}"#,
            ".static.strategy",
            "no strategy",
        ),
        component(Endpoint, "proxy", r#"{"static": {"data": []}}"#, ".static.data", "all of static is ignored"),
        component(Endpoint, "proxy", r#"{"combiner": "own"}"#, ".combiner", "merged as usual"),
    ]);
    let shadow = text("", "", &extra("proxy", r#"{"shadow": true}"#));
    assert!(warnings(&shadow).iter().any(|line| line.contains("endpoints[0].backend: every backend is a shadow")));
    let groups = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [
        {"host": "h", "group": "g"}, {"host": "h", "group": "g"}]}]}"#;
    assert!(warnings(groups).iter().any(|line| line.contains("backend[1].group: another backend")));
}

#[test]
fn cors_that_browsers_do_not_take_and_secrets_for_all() {
    let row = |options: &str, path: &str, said| component(Service, "security/cors", options, path, said);
    let client = r#"{"client_id": "a", "client_secret": "hunter2", "token_url": "https://a"}"#;
    all_told(&[
        row(r#"{"allow_origins": ["*"], "allow_credentials": true}"#, ".allow_credentials", "list the origins"),
        row(r#"{"allow_origins": []}"#, ".allow_origins", "every origin is allowed"),
        row(r#"{"allow_origins": ["a"], "max_age": "12"}"#, ".max_age", "missing unit"),
        component(Backend, "auth/client-credentials", client, ".client_secret", "a secret stands in the file"),
    ]);
    let text = text_of(Backend, &extra("auth/client-credentials", client));
    assert!(!warnings(&text).iter().any(|line| line.contains("hunter2")));
}
