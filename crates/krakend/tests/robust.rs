//! Whatever a file holds, it is checked without a panic, within its bounds, and in time that grows as the file does.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use backstay_krakend::document::{Document, Format};
use backstay_krakend::{Checked, MAX_PROBLEMS, Options, UnknownExtraConfig, check, is_configuration, migrate};
use proptest::prelude::*;

const FORMATS: [Format; 3] = [Format::Json, Format::Yaml, Format::Toml];
const LET_PASS: Options = Options { unknown_extra_config: UnknownExtraConfig::Warn };

/// What holds of every check.
fn examine(text: &str, format: Format) -> Checked {
    let checked = check(text, format, LET_PASS);
    assert!(checked.problems.len() <= 3 * MAX_PROBLEMS);
    let lines = text.lines().count() as u32 + 1;
    for problem in &checked.problems {
        assert!((1..=lines).contains(&problem.place.line), "{problem} is in none of {lines} lines");
        assert!(problem.place.column >= 1, "{problem}");
        assert!(problem.message.chars().count() < 30_000, "a message has an end");
    }
    assert!(checked.problems.is_sorted_by_key(|problem| problem.place), "problems are in the order of the file");
    let _ = migrate::migrate(text, format);
    let _ = is_configuration(text, "krakend.json".as_ref());
    checked
}

/// Words of configurations, so that arbitrary trees have meaning now and then.
fn word() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "version",
        "endpoints",
        "endpoint",
        "backend",
        "host",
        "url_pattern",
        "method",
        "extra_config",
        "timeout",
        "proxy",
        "auth/validator",
        "qos/ratelimit/router",
        "security/cors",
        "static",
        "data",
        "flatmap_filter",
        "args",
        "type",
        "move",
        "mapping",
        "allow",
        "deny",
        "target",
        "group",
        "encoding",
        "output_encoding",
        "no-op",
        "input_headers",
        "*",
        "input_query_strings",
        "sd",
        "dns",
        "tls",
        "client_tls",
        "keys",
        "async_agent",
        "/a/{id}",
        "/{id}/{x}",
        "{resp0_a}",
        "http://h:80",
        "5s",
        "3",
        "GET",
        "router",
        "error_body",
        "404",
        "propagate_claims",
        "max_rate",
        "every",
        "1m",
    ]);
    prop_oneof![8 => words.prop_map(str::to_owned), 1 => "\\PC{0,12}", 1 => "[/{}:*a-c?.$]{0,16}"]
}

/// A value as JSON, nested a few levels deep.
fn value() -> impl Strategy<Value = String> {
    let quoted = |text: String| serde_json::to_string(&text).unwrap();
    let leaf = prop_oneof![
        word().prop_map(quoted),
        Just("3".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let entry = (word(), inner.clone()).prop_map(move |(key, value)| format!("{}:{value}", quoted(key)));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|members| format!("[{}]", members.join(","))),
            prop::collection::vec(entry, 0..6).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_checked(text in "\\PC{0,200}") {
        for format in FORMATS {
            examine(&text, format);
        }
    }

    #[test]
    fn any_text_of_marks_is_checked(text in "[\\[\\]{}\",:0-9truefalsn .eE+\\-\\\\u\n\t#&*!|>=']{0,120}") {
        for format in FORMATS {
            examine(&text, format);
        }
    }

    #[test]
    fn any_tree_of_the_words_of_configurations_is_checked(
        service in value(), endpoint in value(), backend in value(), extra in value(),
    ) {
        let text = format!(
            r#"{{"version": 3, "x": {service}, "host": {service}, "extra_config": {extra}, "endpoints": [{endpoint}, {{
                "endpoint": "/a/{{id}}", "input_headers": {service}, "extra_config": {extra},
                "backend": [{backend}, {{"host": {backend}, "url_pattern": "/{{id}}", "extra_config": {extra}, "allow": {backend}}}]}}]}}"#
        );
        examine(&text, Format::Json);
        // What is JSON says the same as YAML, where no key is there twice.
        let json = Document::read(&text, Format::Json).unwrap();
        if json.repeated.is_empty() && let Ok(yaml) = Document::read(&text, Format::Yaml) {
            prop_assert_eq!(examine(&text, Format::Yaml).is_refused(), examine(&text, Format::Json).is_refused(), "{:?}", yaml.root);
        }
    }

    #[test]
    fn any_cut_of_a_configuration_is_checked(end in 0..SAMPLE.len()) {
        let cut = SAMPLE.get(..end).unwrap_or_default();
        examine(cut, Format::Json);
        examine(cut, Format::Yaml);
    }

    #[test]
    fn what_is_migrated_can_be_read_again(tree in value()) {
        let text = format!(r#"{{"version": 2, "endpoints": {tree}, "extra_config": {tree}}}"#);
        let migrated = migrate::migrate(&text, Format::Json).unwrap();
        let again = Document::read(&migrated.text, Format::Json).unwrap();
        prop_assert!(again.repeated.is_empty(), "no key comes to stand twice: {}", migrated.text);
        examine(&migrated.text, Format::Json);
    }
}

const SAMPLE: &str = r#"{"version": 3, "host": ["http://h"], "endpoints": [{"endpoint": "/a/{id}", "input_headers": ["*"],
  "extra_config": {"proxy": {"sequential": true, "static": {"strategy": "always", "data": {"a": 1e3}}}},
  "backend": [{"url_pattern": "/{id}?x=\u00e9", "allow": ["a.b"], "mapping": {"a": "b"}}, {"url_pattern": "/{resp0_a}"}]}]}"#;

/// Files that would take hours if anything in the check took the square of their size.
#[test]
fn hostile_files_are_checked_like_any_other() {
    let many = |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<Vec<_>>().join(",");
    let with_endpoints = |endpoints: &str| format!(r#"{{"version": 3, "host": ["h"], "endpoints": [{endpoints}]}}"#);
    let variables: String = (0..60_000).map(|n| format!("/{{v{n}}}")).collect();
    let names = many(60_000, &|n| format!("\"n{n}\""));
    let backends = |part: &dyn Fn(usize) -> String| many(30_000, part);
    let files = [
        (
            "a long path",
            with_endpoints(&format!(r#"{{"endpoint": "{variables}", "backend": [{{"url_pattern": "{variables}"}}]}}"#)),
        ),
        (
            "a long path that fails",
            with_endpoints(&format!(
                r#"{{"endpoint": "{variables}", "backend": [{}]}}"#,
                backends(&|_| r#"{"url_pattern": "/{x}"}"#.to_owned())
            )),
        ),
        (
            "text that is no variable",
            with_endpoints(&format!(r#"{{"endpoint": "{}", "backend": [{{}}]}}"#, "/x{v}".repeat(60_000))),
        ),
        (
            "braces",
            with_endpoints(&format!(
                r#"{{"endpoint": "/{}", "backend": [{{"url_pattern": "{}"}}]}}"#,
                "{".repeat(300_000),
                "{}".repeat(150_000)
            )),
        ),
        (
            "long segments",
            with_endpoints(&many(2_000, &|n| {
                format!(r#"{{"endpoint": "/{}:{n}", "backend": [{{}}]}}"#, ":".repeat(200))
            })),
        ),
        (
            "deep paths",
            with_endpoints(&many(200, &|n| {
                format!(r#"{{"endpoint": "{}/{n}", "backend": [{{}}]}}"#, "/{a}".repeat(1_000))
            })),
        ),
        (
            "unknown keys",
            format!(r#"{{"version": 3, {}, "endpoints": []}}"#, many(60_000, &|n| format!("\"unknwon_key_{n}\": 1"))),
        ),
        (
            "keys in two cases",
            format!(r#"{{"version": 3, {}, "endpoints": []}}"#, many(2_000, &|n| format!("\"{}\": 1", cases(n)))),
        ),
        (
            "hosts of the service for all",
            format!(
                r#"{{"version": 3, "host": [{}], "endpoints": [{{"endpoint": "/a", "backend": [{}]}}]}}"#,
                many(60_000, &|n| format!("\"h{n}\"")),
                backends(&|_| "{}".to_owned())
            ),
        ),
        (
            "groups",
            with_endpoints(&format!(
                r#"{{"endpoint": "/a", "backend": [{}]}}"#,
                backends(&|n| format!(r#"{{"group": "g{n}"}}"#))
            )),
        ),
        (
            "lists",
            with_endpoints(&format!(
                r#"{{"endpoint": "/a", "input_headers": [{names}], "input_query_strings": [{names}], "extra_config": {{"auth/validator": {{
                "jwk_url": "https://a", "propagate_claims": [{}]}}}}, "backend": [{{"allow": [{names}]}}]}}"#,
                many(60_000, &|n| format!(r#"["c", "m{n}"]"#))
            )),
        ),
        (
            "namespaces",
            with_endpoints(&format!(
                r#"{{"endpoint": "/a", "extra_config": {{{}}}, "backend": [{{}}]}}"#,
                many(60_000, &|n| format!("\"auth/validatr{n}\": {{}}"))
            )),
        ),
        (
            "options",
            with_endpoints(&format!(
                r#"{{"endpoint": "/a", "extra_config": {{"auth/validator": {{{}}}}}, "backend": [{{}}]}}"#,
                many(60_000, &|n| format!("\"jwk_urll{n}\": 1"))
            )),
        ),
        ("one key again and again", format!(r#"{{{}, "version": 3}}"#, many(60_000, &|_| "\"a\": 1".to_owned()))),
        (
            "templates",
            format!(r#"{{"version": 3, "endpoints": [], "host": [{}]}}"#, many(60_000, &|_| "\"{{ a }}\"".to_owned())),
        ),
    ];
    for (name, text) in files {
        let checked = examine(&text, Format::Json);
        assert!(!checked.problems.is_empty(), "{name}");
    }
    let line = format!("version = 3\nhost = [{}]\n", many(60_000, &|n| format!("\"é{n}\"")));
    examine(&line, Format::Toml);
    let aliases: String = (0..20_000).map(|_| "- *a\n".to_owned()).collect();
    examine(&format!("version: 3\nx: &a [1, 2]\nhost:\n{aliases}"), Format::Yaml);
}

/// `version` in the `n`th of its cases.
fn cases(n: usize) -> String {
    "endpoints"
        .char_indices()
        .map(|(bit, letter)| if n >> bit & 1 == 1 { letter.to_ascii_uppercase() } else { letter })
        .collect()
}
