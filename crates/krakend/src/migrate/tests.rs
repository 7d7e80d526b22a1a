use super::*;
use crate::{Options, UnknownExtraConfig, check};

const OLD: &str = r#"{
  "version": 2,
  "name": "old",
  "extra_config": {"github_com/devopsfaith/krakend-cors": {"allow_origins": ["https://a.example"]}},
  "endpoints": [{
    "endpoint": "/a/{id}",
    "headers_to_pass": ["Authorization"],
    "querystring_params": ["q"],
    "extra_config": {
      "github.com/devopsfaith/krakend-ratelimit/juju/router": {"maxRate": 10, "clientMaxRate": 2, "strategy": "ip"},
      "github.com/devopsfaith/krakend-jose/validator": {"alg": "RS256", "jwk-url": "https://a.example/keys"}
    },
    "backend": [{
      "url_pattern": "/{id}",
      "host": ["http://a:80"],
      "whitelist": ["a"],
      "blacklist": [],
      "extra_config": {"github.com/devopsfaith/krakend-circuitbreaker/gobreaker": {"interval": 60, "maxErrors": 1.0}}
    }]
  }]
}"#;

#[test]
fn what_has_another_name_in_version_3_gets_it() {
    let migrated = migrate(OLD, Format::Json).unwrap();
    for now in [
        "\"version\": 3",
        "\"input_headers\"",
        "\"input_query_strings\"",
        "\"allow\"",
        "\"deny\"",
        "\"security/cors\"",
        "\"qos/ratelimit/router\"",
        "\"max_rate\": 10",
        "\"client_max_rate\": 2",
        "\"jwk_url\"",
        "\"max_errors\": 1.0",
        "\"name\": \"old\"",
    ] {
        assert!(migrated.text.contains(now), "{now} is not in {}", migrated.text);
    }
    assert!(!migrated.text.contains("github"), "{}", migrated.text);
    assert_eq!(migrated.changes.len(), 13, "{:?}", migrated.changes);
    assert_eq!(migrated.changes[0], (Place { line: 2, column: 3 }, "version is 3".to_owned()));
}

#[test]
fn what_was_migrated_is_checked_without_a_word_on_old_names() {
    let migrated = migrate(OLD, Format::Json).unwrap();
    let options = Options { unknown_extra_config: UnknownExtraConfig::Warn };
    let checked = check(&migrated.text, Format::Json, options);
    assert!(checked.plan.is_some());
    let dropped: Vec<_> = checked.problems.iter().filter(|problem| problem.cause == crate::Cause::Dropped).collect();
    assert_eq!(dropped, Vec::<&crate::Problem>::new());
}

#[test]
fn a_new_name_that_is_there_already_is_left_alone() {
    let text = r#"{"version": "2", "endpoints": {"headers_to_pass": ["a"], "input_headers": ["b"]}}"#;
    let migrated = migrate(text, Format::Json).unwrap();
    assert!(migrated.text.contains("headers_to_pass") && migrated.text.contains("input_headers"), "{}", migrated.text);
}

#[test]
fn yaml_becomes_json() {
    let migrated = migrate("version: 2\nport: 80\n", Format::Yaml).unwrap();
    assert_eq!(migrated.text, "{\n  \"version\": 3,\n  \"port\": 80\n}\n");
}

#[test]
fn only_version_2_is_migrated() {
    for (text, said) in [
        (r#"{"version": 3}"#, "1:2: unsupported version: 3"),
        ("{}", "1:1: unsupported version: 0"),
        (r#"{"version": "x"}"#, "1:2: unsupported version"),
        ("{", "1:2: a key must be text"),
        ("{\"version\": {{ .v }}}", "1:13: this is a template"),
    ] {
        let error = migrate(text, Format::Json).unwrap_err().to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}
