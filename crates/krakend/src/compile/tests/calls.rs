//! What calls pass.

use backstay_proto::config::{AnswerCache, Breaker, Call, RateLimit};
use prost_types::Duration;

use super::*;

/// The call of an endpoint whose backend has these components.
fn call_of(components: &str) -> Call {
    compose(&sound(&one(components)), "GET /a").calls[0].clone()
}

fn one(components: &str) -> String {
    let backend = format!(r#"{{"host": "http://b.test", "extra_config": {{{components}}}}}"#);
    with_endpoints(&format!(r#"{{"endpoint": "/a", "backend": [{backend}]}}"#))
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

#[test]
fn breakers() {
    let breaker = |options: &str| {
        let call = call_of(&format!(r#""qos/circuit-breaker": {{{options}}}"#));
        call.breaker.map(|breaker| Breaker { key: String::new(), ..breaker })
    };
    let made = |max_errors, interval, timeout, log_changes| {
        Some(Breaker { key: String::new(), max_errors, interval, timeout, log_changes })
    };
    assert_eq!(
        breaker(r#""interval": 60, "timeout": 10, "max_errors": 3, "name": "x", "log_status_change": true"#),
        made(3, seconds(60), seconds(10), true)
    );
    assert_eq!(breaker(r#""max_errors": 2.9, "interval": -4"#), made(2, None, seconds(60), false));
}

#[test]
fn rates() {
    let limit = |options: &str| {
        let call = call_of(&format!(r#""qos/ratelimit/proxy": {{{options}}}"#));
        call.rate_limit.map(|limit| RateLimit { key: String::new(), ..limit })
    };
    let made = |rate, every, capacity| Some(RateLimit { key: String::new(), rate, every, capacity });
    assert_eq!(limit(r#""max_rate": 10"#), made(10.0, seconds(1), 10));
    assert_eq!(limit(r#""max_rate": 10, "capacity": 3"#), made(10.0, seconds(1), 3));
    assert_eq!(limit(r#""max_rate": 0.5"#), made(0.5, seconds(1), 1));
    assert_eq!(limit(r#""max_rate": 120, "every": "1m""#), made(120.0, seconds(60), 2));
    assert_eq!(limit(r#""max_rate": 6, "every": "1m""#), made(6.0, seconds(60), 1));
}

#[test]
fn caches() {
    let cache = |options: &str| call_of(&format!(r#""qos/http-cache": {{{options}}}"#)).cache.expect("there is one");
    let bounds = |cache: &AnswerCache| (cache.max_bytes, cache.max_items);
    assert_eq!(bounds(&cache("")), (0, 0));
    let both = cache(r#""max_size": 100000, "max_items": 50"#);
    assert_eq!(bounds(&both), (100_000, 50));
    let shared = cache(r#""shared": true"#);
    assert_ne!(shared.key, cache("").key);
    assert_eq!(shared.key, cache(r#""shared": true, "max_size": 0"#).key, "those that are shared are one");
    let said = said(&one(r#""qos/http-cache": {"max_size": 100}"#));
    assert!(said.iter().any(|line| line.contains("count only together")), "{said:?}");
}

#[test]
fn keys_outlive_what_is_of_no_concern() {
    let key = |text: &str| {
        let compiled = sound(text);
        compose(&compiled, "GET /a").calls[0].breaker.as_ref().expect("there is one").key.clone()
    };
    let breaker = r#""qos/circuit-breaker": {"max_errors": 3, "timeout": 5}"#;
    let before = key(&one(breaker));
    assert_eq!(before, key(&one(breaker).replace("b.test", "c.test")), "another host");
    assert_ne!(before, key(&one(&breaker.replace('3', "4"))), "other options");
}

#[test]
fn modifiers() {
    let call =
        call_of(r#""modifier/martian": {"header.Modifier": {"scope": ["request"], "name": "X-A", "value": "1"}}"#);
    let [modifier] = call.modifiers.as_slice() else { panic!("{:?}", call.modifiers) };
    assert_eq!((modifier.on_request, modifier.on_response), (true, false));
    let said = said(&one(r#""modifier/martian": {"fifo.Group": {"modifiers": [{"x.Y": {}}]}}"#));
    let path = r#"endpoints[0].backend[0].extra_config["modifier/martian"]["fifo.Group"].modifiers[0]["x.Y"]"#;
    assert!(said.iter().any(|line| line.contains(path) && line.contains("there is no modifier")), "{said:?}");
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    for (component, path) in [
        (r#""backend/http/client": {"no_redirect": true}"#, ".no_redirect"),
        (r#""backend/http/client": {"proxy_address": "http://p:1"}"#, ".proxy_address"),
        (r#""backend/http/client": {"client_tls": {"allow_insecure_connections": true}}"#, ".client_tls"),
    ] {
        let said = said(&one(component));
        assert!(said.iter().any(|line| line.contains("error") && line.contains(path)), "{component}: {said:?}");
    }
    assert_eq!(call_of(r#""backend/http/client": {"no_redirect": false}"#), call_of(""));
}
