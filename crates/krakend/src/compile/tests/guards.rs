//! What requests have to pass.

use backstay_proto::config::request_rate_limit::Client;
use backstay_proto::config::security_headers::SecurityField;

use super::*;

fn of_service(namespace: &str, settings: &str) -> (Option<config::Guards>, Vec<String>) {
    let text = format!(
        r#"{{"version": 3, "extra_config": {{"{namespace}": {settings}}},
            "endpoints": [{{"endpoint": "/a", "backend": [{{"host": "http://h", "url_pattern": "/"}}]}}]}}"#
    );
    let (compiled, problems) = compiled(&text, Files::Given(BTreeMap::new()));
    let told = problems.iter().filter(|problem| problem.path.contains("extra_config"));
    let told = told.map(|problem| format!("{}: {}: {}", problem.severity, last(&problem.path), problem.message));
    (compiled.and_then(|compiled| compiled.route.guards), told.collect())
}

/// What a path ends with.
fn last(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or(path)
}

/// The guards of a configuration of which nothing is told but notes.
fn sound_service(namespace: &str, settings: &str) -> config::Guards {
    let (guards, told) = of_service(namespace, settings);
    assert!(told.iter().all(|line| line.starts_with("note")), "{told:?}");
    guards.unwrap()
}

fn of_endpoint(namespace: &str, settings: &str) -> config::Guards {
    let text = with_endpoints(&format!(
        r#"{{"endpoint": "/a/{{id}}", "backend": [{{"host": "http://h", "url_pattern": "/"}}],
            "extra_config": {{"{namespace}": {settings}}}}}"#
    ));
    let (compiled, problems) = compiled(&text, Files::Given(BTreeMap::new()));
    let Some(compiled) = compiled else { panic!("{problems:?}") };
    rule(&compiled, "GET /a/:id").guards.clone().unwrap_or_default()
}

#[test]
fn cors_is_that_of_the_service_with_the_defaults_of_rs_cors() {
    let settings = r#"{"allow_origins": ["https://a.test", "http://*.b.test"], "allow_methods": ["GET", "PATCH"],
        "allow_headers": ["X-One"], "expose_headers": ["content-length", "x-two"], "max_age": "1h30m",
        "allow_credentials": true, "allow_private_network": true, "options_passthrough": true, "options_success_status": 200}"#;
    let cors = sound_service("security/cors", settings).cors.unwrap();
    let expected = config::Cors {
        origins: vec!["https://a.test".to_owned(), "http://*.b.test".to_owned()],
        methods: vec!["GET".to_owned(), "PATCH".to_owned()],
        headers: vec!["X-One".to_owned()],
        exposed_headers: vec!["Content-Length".to_owned(), "X-Two".to_owned()],
        max_age: Some(prost_types::Duration { seconds: 5400, nanos: 0 }),
        credentials: true,
        private_network: true,
        pass_preflights: true,
        preflight_status: 200,
        literal_wildcard: true,
        names_all: false,
    };
    assert_eq!(cors, expected);
    let (guards, told) = of_service("security/cors", "{}");
    assert!(told.iter().any(|line| line.contains("every origin is allowed")), "{told:?}");
    let cors = guards.unwrap().cors.unwrap();
    assert_eq!((cors.origins, cors.headers), (vec!["*".to_owned()], vec!["*".to_owned()]));
    assert_eq!((cors.methods.join(" "), cors.max_age, cors.preflight_status), ("GET POST HEAD".to_owned(), None, 0));
}

#[test]
fn what_of_cors_allows_nothing_is_told_and_left_out() {
    let settings = r#"{"allow_origins": ["https://a.test/", "https://*.*", "https://b.test"], "allow_methods": ["*"]}"#;
    let (guards, told) = of_service("security/cors", settings);
    let cors = guards.unwrap().cors.unwrap();
    assert_eq!((cors.origins.join(" "), cors.methods.join(" ")), ("https://b.test".to_owned(), "OPTIONS".to_owned()));
    for said in ["no / at its end", "only the first * stands", "\"*\" allows nothing"] {
        assert!(told.iter().any(|line| line.starts_with("warning") && line.contains(said)), "{said}: {told:?}");
    }
    let (guards, told) = of_service("security/cors", r#"{"allow_origins": ["*"], "options_success_status": 600}"#);
    assert!(guards.is_none() && told.iter().any(|line| line.starts_with("error")), "{told:?}");
}

#[test]
fn an_endpoint_has_no_cors_and_no_security_of_its_own() {
    for namespace in ["security/cors", "security/http"] {
        assert_eq!(of_endpoint(namespace, r#"{"frame_deny": true}"#), config::Guards::default(), "{namespace}");
    }
}

#[test]
fn security_says_what_unrolled_secure_says() {
    let settings = r#"{"allowed_hosts": ["a.test:8080"], "host_proxy_headers": ["X-Host"], "ssl_redirect": true, "ssl_host": "s.test",
        "ssl_proxy_headers": {"X-Proto": "https", "X-Number": 1}, "sts_seconds": 300, "sts_include_subdomains": true,
        "frame_deny": true, "custom_frame_options_value": "SAMEORIGIN", "content_type_nosniff": true, "browser_xss_filter": true,
        "content_security_policy": "default-src 'self';", "referrer_policy": "same-origin"}"#;
    let security = sound_service("security/http", settings).security.unwrap();
    let field = |name: &str, value: &str, over_tls| SecurityField { name: name.into(), value: value.into(), over_tls };
    let expected = config::SecurityHeaders {
        allowed_hosts: vec!["a.test:8080".to_owned()],
        allowed_hosts_are_regex: false,
        host_headers: vec!["X-Host".to_owned()],
        ssl_redirect: true,
        ssl_temporary_redirect: false,
        ssl_host: "s.test".to_owned(),
        ssl_headers: [("X-Proto".to_owned(), "https".to_owned())].into(),
        response_headers: vec![
            field("strict-transport-security", "max-age=300; includeSubDomains", true),
            field("x-frame-options", "SAMEORIGIN", false),
            field("x-content-type-options", "nosniff", false),
            field("x-xss-protection", "1; mode=block", false),
            field("content-security-policy", "default-src 'self';", false),
            field("referrer-policy", "same-origin", false),
        ],
    };
    assert_eq!(security, expected);
}

#[test]
fn what_of_security_does_not_count_is_told() {
    let settings = r#"{"is_development": true, "allowed_hosts": ["a"], "ssl_redirect": true, "sts_seconds": 1, "frame_deny": true,
        "sts_preload": true, "ssl_certificate": "x"}"#;
    let (guards, told) = of_service("security/http", settings);
    let security = guards.unwrap().security.unwrap();
    assert!(security.allowed_hosts.is_empty() && !security.ssl_redirect);
    assert_eq!(security.response_headers.len(), 1);
    for said in ["is_development: hosts, ssl", "sts_preload: KrakenD does not", "ssl_certificate: KrakenD does not"] {
        assert!(told.iter().any(|line| line.contains(said)), "{said}: {told:?}");
    }
    for (settings, said) in [
        (r#"{"content_security_policy": "script-src $NONCE"}"#, "a nonce is not made"),
        (r#"{"allowed_hosts": ["("], "allowed_hosts_are_regex": true}"#, "not a usable regular expression"),
        (r#"{"referrer_policy": "a\nb"}"#, "cannot carry"),
    ] {
        let (guards, told) = of_service("security/http", settings);
        assert!(
            guards.is_none() && told.iter().any(|line| line.starts_with("error") && line.contains(said)),
            "{told:?}"
        );
    }
}

#[test]
fn bots_are_known_at_the_service_and_at_endpoints() {
    let settings = r#"{"allow": ["a"], "deny": ["b", 1], "patterns": ["(?i)c"], "empty_user_agent_is_bot": true, "cache_size": 9}"#;
    let (guards, told) = of_service("security/bot-detector", settings);
    let expected = config::BotDetection {
        allow: vec!["a".to_owned()],
        deny: vec!["b".to_owned()],
        patterns: vec!["(?i)c".to_owned()],
        empty_is_bot: true,
    };
    assert_eq!(guards.unwrap().bots, Some(expected.clone()));
    assert!(told.iter().any(|line| line.starts_with("note: cache_size")), "{told:?}");
    assert_eq!(of_endpoint("security/bot-detector", settings).bots, Some(expected));
    let (guards, told) = of_service("security/bot-detector", r#"{"patterns": ["(?!a)"]}"#);
    assert!(guards.is_none() && told.iter().any(|line| line.starts_with("error")), "{told:?}");
}

/// Rate for a second, capacity, status and client of each limit.
fn limits(settings: &str) -> Vec<(f64, u64, u32, String)> {
    let limits = of_endpoint("qos/ratelimit/router", settings).rate_limits;
    let one = |limit: config::RequestRateLimit| {
        let config::RateLimit { rate, every, capacity, .. } = limit.limit.unwrap();
        assert_eq!(every, None);
        let client = match limit.client.unwrap() {
            Client::Everyone(_) => "all".to_owned(),
            Client::Address(_) => format!("ip {}", limit.address_header),
            Client::Header(name) => format!("header {name}"),
            Client::Parameter(name) => format!("param {name}"),
        };
        (rate, capacity, limit.status, client)
    };
    limits.into_iter().map(one).collect()
}

#[test]
fn limits_have_the_arithmetic_of_krakend() {
    let ip = || "ip ".to_owned();
    let all = || "all".to_owned();
    for (settings, expected) in [
        (r#"{"max_rate": 5}"#, vec![(5.0, 5, 503, all())]),
        (r#"{"max_rate": 5.9, "capacity": 2}"#, vec![(5.9, 2, 503, all())]),
        (r#"{"max_rate": 0.5}"#, vec![(0.5, 1, 503, all())]),
        // A rate is one of a second before its capacity is made of it.
        (r#"{"max_rate": 60, "every": "1m"}"#, vec![(1.0, 1, 503, all())]),
        (r#"{"max_rate": 90, "every": "1m"}"#, vec![(1.5, 1, 503, all())]),
        (r#"{"max_rate": 5, "every": "10ms"}"#, vec![(5.0, 5, 503, all())]),
        (r#"{"max_rate": 5, "every": "soon"}"#, vec![(5.0, 5, 503, all())]),
        // Of each client before everyone. Its capacity is made of the wrong rate.
        (
            r#"{"max_rate": 50, "client_max_rate": 5, "strategy": "IP"}"#,
            vec![(5.0, 5, 429, ip()), (50.0, 50, 503, all())],
        ),
        (r#"{"client_max_rate": 5, "strategy": "ip"}"#, vec![(5.0, 1, 429, ip())]),
        (r#"{"client_max_rate": 5, "client_capacity": 3, "strategy": "ip"}"#, vec![(5.0, 3, 429, ip())]),
        (
            r#"{"max_rate": 60, "client_max_rate": 30, "strategy": "ip", "every": "1m"}"#,
            vec![(0.5, 1, 429, ip()), (1.0, 1, 503, all())],
        ),
        (
            r#"{"client_max_rate": 5, "strategy": "ip", "key": "X-Real-IP"}"#,
            vec![(5.0, 1, 429, "ip X-Real-IP".to_owned())],
        ),
        (
            r#"{"client_max_rate": 5, "strategy": "header", "key": "X-Key"}"#,
            vec![(5.0, 1, 429, "header X-Key".to_owned())],
        ),
        (r#"{"client_max_rate": 5, "strategy": "param", "key": "id"}"#, vec![(5.0, 1, 429, "param id".to_owned())]),
        // Nobody has what tells clients apart.
        (r#"{"client_max_rate": 5, "strategy": "header"}"#, vec![(5.0, 1, 429, "param {}".to_owned())]),
        (r#"{"client_max_rate": 5}"#, vec![]),
        (r#"{"client_max_rate": 5, "strategy": "cookie"}"#, vec![]),
        (r#"{"max_rate": -1}"#, vec![]),
        (r#"{"maxRate": 5}"#, vec![]),
    ] {
        assert_eq!(limits(settings), expected, "{settings}");
    }
}

#[test]
fn a_limit_is_kept_by_what_it_says_and_where() {
    let keys = |settings: &str| -> Vec<String> {
        let limits = of_endpoint("qos/ratelimit/router", settings).rate_limits;
        limits.into_iter().map(|limit| limit.limit.unwrap().key).collect()
    };
    let both = r#"{"max_rate": 50, "client_max_rate": 5, "strategy": "ip"}"#;
    let (one, other) = (keys(both), keys(r#"{"max_rate": 50, "client_max_rate": 6, "strategy": "ip"}"#));
    assert_eq!(one, keys(both));
    assert!(one[0] != one[1] && one[0] != other[0] && one[1] != other[1], "{one:?} {other:?}");
}
