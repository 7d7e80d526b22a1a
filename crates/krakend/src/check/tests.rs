mod dropped;
mod guide;
mod states;

use super::*;

/// Everything said of a configuration, as lines.
fn lines(text: &str, options: Options) -> Vec<String> {
    check(text, Format::Json, options).problems.iter().map(ToString::to_string).collect()
}

/// What is said with components that are not served let pass.
fn warnings(text: &str) -> Vec<String> {
    lines(text, Options { unknown_extra_config: UnknownExtraConfig::Warn })
}

#[test]
fn everything_is_told_at_once_and_in_the_order_of_the_file() {
    let text = r#"{
  "version": 3,
  "listen_ip": "x",
  "log_level": "DEBUG",
  "endpoints": [
    {"endpoint": "/a", "timeout": "soon", "backend": [{"host": ["http://a/b"], "methode": "GET"}]},
    {"endpoint": "/b/__health", "backend": [{"host": ["h"]}]},
    {"endpoint": "/c", "backend": []},
    {"endpoint": "/d/{x}", "backend": [{"host": ["h"], "url_pattern": "/{y}"}]}
  ]
}"#;
    let found: Vec<_> = lines(text, Options::default())
        .iter()
        .map(|line| line.split(": ").take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        found,
        [
            "3:3 error listen_ip",
            "4:3 warning log_level",
            "6:24 error endpoints[0].timeout",
            "6:65 error endpoints[0].backend[0].host[0]",
            "6:80 warning endpoints[0].backend[0].methode",
            "7:6 error endpoints[1].endpoint",
            "8:5 error endpoints[2].backend",
            "9:56 error endpoints[3].backend[0].url_pattern",
        ]
    );
}

#[test]
fn another_version_is_refused_for_that_alone() {
    let text = r#"{"version": 2, "port": "x", "endpoints": [{"endpoint": "/__health"}]}"#;
    assert_eq!(lines(text, Options::default()).len(), 1);
}

#[test]
fn what_has_the_wrong_type_is_refused_where_it_stands() {
    for (fields, said) in [
        (r#""port": "eighty""#, "1:15: error: port: an integer is wanted here, and this is \"eighty\""),
        (r#""port": 70000"#, "1:15: error: port: there is no TCP port 70000"),
        (r#""timeout": "5""#, "1:15: error: timeout: \"5\": missing unit"),
        (r#""timeout": "-5s""#, "1:15: error: timeout: \"-5s\": a duration must not be negative"),
        (r#""debug_endpoint": "yes""#, "1:15: error: debug_endpoint: true or false is wanted"),
        (r#""host": [{}]"#, "1:24: error: host[0]: text is wanted here, and this is an object"),
        (r#""extra_config": [1]"#, "1:15: error: extra_config: an object is wanted here, and this is a list"),
        (r#""tls": "x""#, "1:22: error: tls: an object is wanted here, and this is text"),
        (r#""max_header_bytes": -1"#, "1:15: error: max_header_bytes: it must not be negative"),
    ] {
        let text =
            format!(r#"{{"version":3, {fields}, "endpoints": [{{"endpoint": "/a", "backend": [{{"host": "h"}}]}}]}}"#);
        let found = lines(&text, Options::default());
        assert!(found.iter().any(|line| line.starts_with(said)), "{fields}: {found:?}");
    }
    for (text, said) in [
        ("[]", "an object is wanted"),
        ("3", "an object is wanted"),
        ("{\"version\": []}", "an integer is wanted"),
        ("", "the file ends"),
    ] {
        let found = lines(text, Options::default());
        assert!(matches!(found.as_slice(), [only] if only.contains(said)), "{text}: {found:?}");
    }
}

#[test]
fn yaml_and_toml_are_checked_the_same() {
    let yaml =
        "version: 3\nendpoints:\n- endpoint: /a\n  methode: GET\n  backend:\n  - host: [h]\n    url_pattern: /{x}\n";
    let toml = "version = 3\n[[endpoints]]\nendpoint = '/a'\nmethode = 'GET'\n[[endpoints.backend]]\nhost = ['h']\nurl_pattern = '/{x}'\n";
    for (text, format, places) in [(yaml, Format::Yaml, [(4, 3), (7, 5)]), (toml, Format::Toml, [(4, 1), (7, 1)])] {
        let checked = check(text, format, Options::default());
        let found: Vec<_> = checked.problems.iter().map(|it| (it.place.line, it.place.column)).collect();
        assert_eq!(found, places, "{:?}", checked.problems);
    }
}

#[test]
fn templates_are_refused_with_what_to_do() {
    for text in [
        r#"{"version": 3, "port": {{ .port }}}"#,
        r#"{"version": 3, "host": ["{{ .host }}"], "endpoints": []}"#,
        r#"{"version": 3, "endpoints": [ {{ range .e }} ]}"#,
    ] {
        let found = lines(text, Options::default());
        assert!(
            found.iter().any(|line| line.contains("error") && line.contains("FC_OUT=rendered.json")),
            "{text}: {found:?}"
        );
    }
    let text = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"host": ["http://${HOST}"]}]}]}"#;
    let found = lines(text, Options::default());
    assert!(
        found.iter().any(|line| line.starts_with("1:71: error: endpoints[0].backend[0].host[0]: a placeholder")),
        "{found:?}"
    );
    let free = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "extra_config": {
        "proxy": {"static": {"data": {"a": "{{ b }}"}}}, "modifier/lua-proxy": {"pre": "x = '${y}'"}}, "backend": [{"host": "h"}]}]}"#;
    assert!(!warnings(free).iter().any(|line| line.contains("error")), "scripts and data have braces of their own");
}

#[test]
fn no_severity_crowds_another_out() {
    let unknown: String = (0..2_000).map(|n| format!("\"unknown{n}\": 1, ")).collect();
    let text = format!(
        r#"{{"version": 3, {unknown} "endpoints": [{{"endpoint": "/__health", "backend": [{{"host": "h"}}]}}]}}"#
    );
    let checked = check(&text, Format::Json, Options::default());
    assert_eq!(checked.left_out, 1_000);
    assert!(checked.is_refused());
    assert_eq!(checked.problems.len(), 1_001);
}

#[test]
fn the_plan_is_there_exactly_when_nothing_written_is_wrong() {
    let guarded = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "extra_config": {"modifier/lua-proxy":
        {}}, "backend": [{"host": "h"}]}]}"#;
    let checked = check(guarded, Format::Json, Options::default());
    assert!(checked.is_refused() && checked.plan.is_some(), "what is not served is not wrong");
    let wrong = guarded.replace("\"/a\"", "\"/__debug\"");
    assert!(check(&wrong, Format::Json, Options::default()).plan.is_none());
}

#[test]
fn what_is_told_has_an_end_and_no_orders_for_terminals() {
    let long = "k".repeat(100_000);
    let text = format!(
        "{{\"version\": 3, \"endpoints\": [{{\"endpoint\": \"/\\u001b[2J/__health\", \"backend\": [{{\"host\": [\"a\\n{long}\"]}}]}}, \
         {{\"backend\": [{{\"host\": [\"{long} {long}\"]}}], \"{long}\": \"{{{{\"}}]}}"
    );
    let checked = check(&text, Format::Json, Options::default());
    assert!(checked.problems.len() > 3, "{:?}", checked.problems);
    for problem in checked.problems {
        assert!(!problem.to_string().contains(|letter: char| letter.is_control()), "{problem}");
        assert!(problem.to_string().len() < 5_000);
    }
}

#[test]
fn a_route_that_conflicts_is_told_whatever_is_wrong_with_its_backends() {
    let text = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"host": ["http://h/x"]}]},
        {"endpoint": "/a", "backend": [{"host": ["h"], "url_pattern": "/{x}"}]}]}"#;
    let found = lines(text, Options::default());
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[1].contains("already registered"), "{found:?}");
}

#[test]
fn what_validators_share_is_fine_in_the_service() {
    let text = r#"{"version": 3, "extra_config": {"auth/validator": {"shared_cache_duration": 900}}, "endpoints": [
        {"endpoint": "/a", "backend": [{"host": ["h"]}]}]}"#;
    assert_eq!(lines(text, Options::default()), Vec::<String>::new());
}
