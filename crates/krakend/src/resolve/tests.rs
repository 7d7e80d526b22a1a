use std::time::Duration;

use crate::check::{Checked, Options, check};
use crate::document::Format;
use crate::plan::*;
use crate::problem::{Cause, Severity};

fn checked(text: &str) -> Checked {
    check(text, Format::Json, Options::default())
}

fn plan(text: &str) -> Plan {
    let checked = checked(text);
    checked.plan.unwrap_or_else(|| panic!("{text} is refused: {:?}", checked.problems))
}

/// The messages of what KrakenD refuses too.
fn refusals(text: &str) -> Vec<String> {
    let checked = checked(text);
    let refused =
        checked.problems.into_iter().filter(|it| it.severity == Severity::Error && it.cause == Cause::Refused);
    refused.map(|problem| problem.message).collect()
}

fn with_endpoints(endpoints: &str) -> String {
    format!(r#"{{"version": 3, "endpoints": [{endpoints}]}}"#)
}

fn with_backend(backend: &str) -> String {
    with_endpoints(&format!(r#"{{"endpoint": "/a/{{id}}", "backend": [{backend}]}}"#))
}

fn backend(fields: &str) -> Backend {
    let text = with_backend(&format!(r#"{{"host": ["http://h"], "url_pattern": "/b"{fields}}}"#));
    plan(&text).endpoints.remove(0).backends.remove(0)
}

fn host(scheme: &str, authority: &str, base: &str) -> Host {
    Host { scheme: scheme.to_owned(), authority: authority.to_owned(), base: base.to_owned() }
}

#[test]
fn defaults_are_those_of_krakend() {
    let plan = plan(&with_backend(r#"{"host": ["h"], "url_pattern": "/b"}"#));
    assert_eq!((plan.listener.port, plan.listener.address), (8080, None));
    assert_eq!(plan.listener.max_header_bytes, 1 << 20);
    assert_eq!(plan.transport.max_idle_connections_per_host, 250);
    assert_eq!(plan.transport.dns_cache_ttl, Duration::from_secs(30));
    assert_eq!(plan.router.health_path.as_deref(), Some("/__health"));
    let endpoint = &plan.endpoints[0];
    assert_eq!((endpoint.method, endpoint.output), (Method::Get, Output::Json));
    assert_eq!((endpoint.timeout, endpoint.cache_ttl), (Duration::from_secs(2), Duration::ZERO));
    assert_eq!((&endpoint.headers, &endpoint.query), (&HeaderRule::ContentType, &QueryRule::Only(Vec::new())));
    assert_eq!((endpoint.concurrent_calls, &endpoint.order), (1, &Order::Parallel));
    let backend = &endpoint.backends[0];
    assert_eq!((backend.method.as_str(), backend.decoding), ("GET", Decoding::Json));
    assert_eq!(backend.upstream, Upstream::Hosts([host("http", "h", "")].into()));
    assert_eq!((&backend.filter, &backend.errors), (&Filter::All, &Errors::Hidden));
    assert_eq!((&backend.headers, &backend.query, &backend.group), (&None, &None, &None));
}

#[test]
fn endpoints_inherit_from_the_service_and_backends_from_endpoints() {
    let plan = plan(
        r#"{"version": 3, "timeout": "3s", "cache_ttl": "5m", "output_encoding": "no-op", "host": ["https://s:443/"],
            "endpoints": [
              {"endpoint": "/a", "method": "post", "backend": [{"url_pattern": "b", "encoding": "json"}]},
              {"endpoint": "/b", "timeout": "1s", "cache_ttl": 0, "output_encoding": "json", "backend": [{"method": "put"}]}]}"#,
    );
    let [one, two] = plan.endpoints.as_slice() else { panic!("two endpoints") };
    assert_eq!(
        (one.method, one.timeout, one.cache_ttl),
        (Method::Post, Duration::from_secs(3), Duration::from_secs(300))
    );
    assert_eq!((one.output, one.backends[0].decoding), (Output::NoOp, Decoding::NoOp), "no-op holds for the backend");
    assert_eq!(one.backends[0].method, "POST");
    assert_eq!(one.backends[0].upstream, Upstream::Hosts([host("https", "s:443", "")].into()));
    assert_eq!(one.backends[0].url.parts, [UrlPart::Literal("/b".to_owned())]);
    assert_eq!(
        (two.timeout, two.cache_ttl),
        (Duration::from_secs(1), Duration::from_secs(300)),
        "0 is as good as none"
    );
    assert_eq!((two.output, two.backends[0].decoding), (Output::Json, Decoding::Json), "json does not hold for it");
    assert_eq!(two.backends[0].method, "PUT");
    assert_eq!(two.backends[0].url.parts, [UrlPart::Literal("/".to_owned())]);
}

#[test]
fn hosts_are_sanitised_as_krakend_does() {
    for (written, wanted) in [
        ("h", Some(host("http", "h", ""))),
        ("h:80", Some(host("http", "h:80", ""))),
        ("http://h:8080/", Some(host("http", "h:8080", ""))),
        ("https://a_b.c-d", Some(host("https", "a_b.c-d", ""))),
        (" h ", Some(host("http", "h", ""))),
        ("$NAME", Some(host("http", "NAME", ""))),
        ("http://", Some(host("http", "http", ""))),
        ("h:8", None),
        ("", None),
        ("http://h/base", None),
        ("<no value>", None),
        ("[::1]:80", None),
        ("user@h", None),
        ("amqp://h", None),
    ] {
        let text = with_backend(&format!(r#"{{"host": ["{written}"], "url_pattern": "/b"}}"#));
        match wanted {
            Some(wanted) => assert_eq!(plan(&text).endpoints[0].backends[0].upstream, Upstream::Hosts([wanted].into())),
            None => {
                let [only] = refusals(&text).try_into().unwrap();
                assert!(only.starts_with(&format!("host {written} not valid: invalid host")), "{only}");
            }
        }
    }
}

#[test]
fn hosts_that_are_not_sanitised_keep_all_of_themselves() {
    let upstream = |hosts: &str| {
        let text = format!(r#"{{"host": {hosts}, "disable_host_sanitize": true, "url_pattern": "/b"}}"#);
        plan(&with_backend(&text)).endpoints[0].backends[0].upstream.clone()
    };
    assert_eq!(upstream(r#"["http://h/base"]"#), Upstream::Hosts([host("http", "h", "/base")].into()));
    assert_eq!(upstream(r#""amqp://[::1]:80""#), Upstream::Hosts([host("amqp", "[::1]:80", "")].into()));
    let srv = backend(
        r#", "host": ["_http._tcp.shop.example"], "disable_host_sanitize": true, "sd": "dns", "sd_scheme": "https""#,
    );
    assert_eq!(srv.upstream, Upstream::Srv { name: "_http._tcp.shop.example".to_owned(), scheme: "https".to_owned() });
}

#[test]
fn what_krakend_refuses_is_refused_in_its_words() {
    let one = |fields: &str| with_endpoints(&format!(r#"{{"backend": [{{"host": "h"}}], {fields}}}"#));
    let url = |endpoint: &str, url: &str| {
        with_endpoints(&format!(
            r#"{{"endpoint": "{endpoint}", "backend": [{{"host": "h", "url_pattern": "{url}"}}]}}"#
        ))
    };
    for (text, message) in [
        (
            r#"{"version": 2, "endpoints": []}"#.to_owned(),
            "unsupported version: 2 (want: 3); backstay check --migrate prints it as version 3",
        ),
        (r#"{"endpoints": []}"#.to_owned(), "unsupported version: 0 (want: 3)"),
        (r#"{"version": "4"}"#.to_owned(), "unsupported version: 4 (want: 3)"),
        (r#"{"version": 3, "listen_ip": "1.2.3", "async_agent": {}}"#.to_owned(), "invalid ip address 1.2.3"),
        (
            one(r#""endpoint": "/a/__health", "method": "GET""#),
            "ignoring the 'GET /a/__health' endpoint, since it is invalid!!!",
        ),
        (one(r#""endpoint": "/a/*/b""#), "ignoring the ' /a/*/b' endpoint, since it is invalid!!!"),
        (
            with_endpoints(r#"{"endpoint": "/a", "method": "POST", "backend": []}"#),
            "ignoring the 'POST /a' endpoint, since it has 0 backends defined!",
        ),
        (
            with_endpoints(
                r#"{"endpoint": "/a", "output_encoding": "no-op", "backend": [{"host": "h"}, {"host": "h"}]}"#,
            ),
            "can not use NoOp encoding with more than one backends connected to the same endpoint",
        ),
        (
            url("/x/{a}", "/{b}/{c}/{d}"),
            "input and output params do not match. endpoint: GET /x/:a, backend: 0. input: [a], output: [b c d]",
        ),
        (url("/p/{a}", "/{x}"), "undefined output param 'x'! endpoint: GET /p/:a, backend: 0. input: [a], output: [x]"),
        (url("/f.{a}", "/{a}"), "undefined output param 'a'! endpoint: GET /f.{a}, backend: 0. input: [], output: [a]"),
        (
            one(r#""endpoint": "/a/*""#),
            "wildcards must be named with a non-empty name in path '/a/*': KrakenD's Community edition has no wildcards",
        ),
        (one(r#""endpoint": "/a:b:c""#), "only one wildcard per path segment is allowed, has: ':b:c' in path '/a:b:c'"),
    ] {
        assert_eq!(refusals(&text), [message], "{text}");
        assert!(checked(&text).plan.is_none(), "{text}");
    }
}

#[test]
fn routes_conflict_as_in_the_router() {
    let both = |one: (&str, &str), other: (&str, &str), service: &str| {
        let endpoint = |(method, path): (&str, &str)| {
            format!(r#"{{"endpoint": "{path}", "method": "{method}", "backend": [{{"host": "h"}}]}}"#)
        };
        format!(r#"{{"version": 3, {service} "endpoints": [{}, {}]}}"#, endpoint(one), endpoint(other))
    };
    for (one, other) in [
        (("GET", "/a"), ("POST", "/a")),
        (("GET", "/a"), ("GET", "/a/")),
        (("GET", "/{a}"), ("GET", "/b")),
        (("GET", "/{a}/x"), ("GET", "/{a}/y")),
        (("GET", "/a/{x}"), ("GET", "/b/{y}")),
        (("GET", "/{a}"), ("POST", "/{b}")),
        (("GET", "/x:a"), ("GET", "/y:b")),
        (("GET", "/{a}/x/{b}"), ("GET", "/{a}/y/{c}")),
        (("OPTIONS", "/a"), ("OPTIONS", "/a")),
    ] {
        assert_eq!(refusals(&both(one, other, "")), Vec::<String>::new(), "{one:?} beside {other:?}");
    }
    for (one, other, said) in [
        (("GET", "/a"), ("get", "/a"), "handlers are already registered for path '/a': GET of it is at line 1 too"),
        (("GET", "/a/b"), ("GET", "/a//b"), "handlers are already registered for path '/a/b'"),
        (("GET", "/__health/.."), ("GET", "/health"), "since it is invalid!!!"),
        (
            ("GET", "/{a}"),
            ("GET", "/{b}"),
            "':b' in new path '/:b' conflicts with existing wildcard ':a' in existing prefix '/:a'",
        ),
        (
            ("GET", "/x/{a}/y"),
            ("GET", "/x/{b}/z/{c}"),
            "':b' in new path '/x/:b/z/:c' conflicts with existing wildcard ':a' in existing prefix '/x/:a'",
        ),
    ] {
        let found = refusals(&both(one, other, ""));
        assert!(matches!(found.as_slice(), [only] if only.contains(said)), "{one:?} beside {other:?}: {found:?}");
    }
    let options = r#""extra_config": {"router": {"auto_options": true}},"#;
    let found = refusals(&both(("GET", "/{a}"), ("POST", "/{b}"), options));
    assert!(
        matches!(found.as_slice(), [only] if only.contains("auto_options has all methods share one set of routes"))
    );
    let health = r#""extra_config": {"router": {"health_path": "/h"}},"#;
    let found = refusals(&both(("GET", "/h"), ("POST", "/h"), health));
    assert!(matches!(found.as_slice(), [only] if only.contains("KrakenD tells of its health there")), "{found:?}");
}

#[test]
fn what_is_kept_of_an_answer() {
    let allow = backend(r#", "allow": ["a", "b.c"], "target": "x.y", "group": "g", "mapping": {"z": "q", "a": "b.c"}"#);
    assert_eq!(allow.filter, Filter::Allow(vec![vec!["a".into()], vec!["b".into(), "c".into()]]));
    assert_eq!((allow.target.len(), allow.group.as_deref()), (2, Some("g")));
    assert_eq!(allow.mapping, [("z".to_owned(), "q".to_owned()), ("a".to_owned(), "b".to_owned())]);
    assert_eq!(backend(r#", "deny": ["a"]"#).filter, Filter::Deny(vec![vec!["a".into()]]));
    assert_eq!(backend(r#", "deny": ["a"], "allow": ["b"]"#).filter, Filter::Allow(vec![vec!["b".into()]]));
    let flatmap = backend(
        r#", "allow": ["b"], "extra_config": {"proxy": {"flatmap_filter": [
            {"type": "move", "args": ["a.*.b", "c"]}, {"type": "del", "args": ["d"]}, {"type": "append", "args": ["e", "f"]},
            {"type": "spin", "args": []}, {"args": ["a"]}]}}"#,
    );
    assert_eq!(flatmap.filter, Filter::All);
    let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        flatmap.flatmap.unwrap().operations,
        [
            FlatmapOperation::Move { from: path("a.*.b"), to: path("c") },
            FlatmapOperation::Delete(vec![path("d")]),
            FlatmapOperation::Append { from: path("e"), to: path("f") },
        ]
    );
    let flatmap = |operation: &str| {
        let extra = format!(r#", "allow": ["b"], "extra_config": {{"proxy": {{"flatmap_filter": [{operation}]}}}}"#);
        backend(&extra)
    };
    for unknown in [r#"{"type": "spin", "args": ["a"]}"#, r#"{"type": "del"}"#] {
        let made = flatmap(unknown);
        assert_eq!((made.filter, made.flatmap.unwrap().operations.len()), (Filter::All, 0), "{unknown}");
    }
    // Components that are written as a list of objects are there as well.
    let listed =
        backend(r#", "extra_config": [{"backend/http": {"return_error_code": true}}, {"proxy": {"shadow": true}}]"#);
    assert_eq!((listed.errors, listed.shadow.is_some()), (Errors::Status, true));
    for none in ["", r#"{"args": ["a"]}"#, "5"] {
        let made = flatmap(none);
        assert_eq!((made.filter, made.flatmap.is_none()), (Filter::Allow(vec![vec!["b".into()]]), true), "{none}");
    }
}

#[test]
fn an_operation_that_lacks_a_path_is_refused() {
    for operation in
        [r#"{"type": "move", "args": ["a"]}"#, r#"{"type": "append"}"#, r#"{"type": "move", "args": ["a", 5]}"#]
    {
        let extra = format!(r#"{{"proxy": {{"flatmap_filter": [{operation}]}}}}"#);
        let text = format!(
            r#"{{"version": 3, "endpoints": [{{"endpoint": "/a", "backend": [{{"host": ["h"], "extra_config": {extra}}}]}}]}}"#
        );
        let found = checked(&text).problems;
        let is_told = found.iter().any(|it| it.severity == Severity::Error && it.message.contains("are two paths"));
        assert!(is_told, "{operation}: {found:?}");
    }
}

#[test]
fn what_becomes_of_errors() {
    let errors = |http: &str| backend(&format!(r#", "extra_config": {{"backend/http": {http}}}"#)).errors;
    assert_eq!(errors(r#"{"return_error_code": true}"#), Errors::Status);
    assert_eq!(errors(r#"{"return_error_details": "x", "return_error_code": true}"#), Errors::Details("x".to_owned()));
    assert_eq!(errors(r#"{"return_error_details": true}"#), Errors::Hidden);
    assert_eq!(errors(r#"{"return_error_code": "true"}"#), Errors::Hidden, "components have no weak typing");
}

#[test]
fn headers_and_parameters_that_go_on() {
    let endpoint = |fields: &str| {
        plan(&with_endpoints(&format!(r#"{{"endpoint": "/a", {fields}, "backend": [{{"host": "h"}}]}}"#)))
            .endpoints
            .remove(0)
    };
    assert_eq!(
        endpoint(r#""input_headers": ["x-a-b", "AUTHORIZATION"]"#).headers,
        HeaderRule::Only(vec!["X-A-B".into(), "Authorization".into()])
    );
    assert_eq!(endpoint(r#""input_headers": ["a", "*"]"#).headers, HeaderRule::All);
    assert_eq!(endpoint(r#""input_headers": []"#).headers, HeaderRule::ContentType);
    assert_eq!(endpoint(r#""input_query_strings": ["*"]"#).query, QueryRule::All);
    assert_eq!(endpoint(r#""input_query_strings": "Page""#).query, QueryRule::Only(vec!["Page".into()]));
    assert_eq!(backend(r#", "input_headers": []"#).headers, None);
    assert_eq!(backend(r#", "input_headers": [""]"#).headers, Some(Vec::new()));
    assert_eq!(backend(r#", "input_headers": ["x-a"]"#).headers, Some(vec!["X-A".to_owned()]));
    assert_eq!(backend(r#", "input_query_strings": [""]"#).query, Some(Vec::new()));
}

#[test]
fn sequential_endpoints_static_data_and_shadows() {
    let text = with_endpoints(
        r#"{"endpoint": "/a/{id}", "timeout": "4s", "extra_config": {"proxy": {
              "sequential": true, "sequential_propagated_params": ["resp0_x"],
              "static": {"strategy": "errored", "data": {"ok": false}}}},
            "backend": [{"host": "h", "url_pattern": "/{id}"}, {"host": "h", "url_pattern": "/{resp0_a.b}"},
              {"host": "h", "extra_config": {"proxy": {"shadow": true}}},
              {"host": "h", "extra_config": {"github.com/devopsfaith/krakend/proxy": {"shadow": true, "shadow_timeout": "9s"}}}]}"#,
    );
    let endpoint = plan(&text).endpoints.remove(0);
    assert_eq!(endpoint.order, Order::Sequential { propagated: vec!["resp0_x".to_owned()] });
    assert_eq!(endpoint.static_response.unwrap().strategy, Strategy::Errored);
    assert_eq!(endpoint.backends[1].url.parts[1], UrlPart::Response { backend: 0, field: "a.b".to_owned() });
    let shadows: Vec<_> =
        endpoint.backends.iter().map(|backend| backend.shadow.map(|shadow| shadow.timeout.as_secs())).collect();
    assert_eq!(shadows, [None, None, Some(4), Some(9)]);
}

#[test]
fn the_router_and_the_listener_are_as_they_are_set() {
    let plan = plan(
        r#"{"Version": "3", "PORT": "9000", "listen_ip": "::1", "read_timeout": "10s", "debug_endpoint": true, "max_header_bytes": 10,
            "max_idle_connections_per_host": 5, "dns_cache_ttl": "5s",
            "tls": {"public_key": "c.pem", "private_key": "k.pem", "min_version": "TLS12", "enable_mtls": true},
            "client_tls": {"allow_insecure_connections": true, "ca_certs": ["a.pem"]},
            "extra_config": {"router": {"return_error_msg": true, "disable_health": true, "remote_ip_headers": ["x-real-ip"],
              "error_body": {"404": {"a": 1.0}, "500": {}}}},
            "endpoints": [{"endpoint": "/__x", "backend": {"host": "h"}}]}"#,
    );
    assert_eq!((plan.listener.port, plan.listener.address), (9000, Some("::1".parse().unwrap())));
    assert_eq!((plan.listener.read_timeout, plan.listener.max_header_bytes), (Duration::from_secs(10), 10));
    let tls = plan.listener.tls.unwrap();
    assert_eq!((tls.keys.len(), tls.mutual, tls.min_version.as_deref()), (1, true, Some("TLS12")));
    assert_eq!((plan.transport.insecure, plan.transport.tls.unwrap().ca_certs.len()), (true, 1));
    assert_eq!(
        (plan.transport.max_idle_connections_per_host, plan.transport.dns_cache_ttl),
        (5, Duration::from_secs(5))
    );
    assert_eq!((plan.router.return_error_msg, plan.router.health_path, plan.router.debug_endpoint), (true, None, true));
    assert_eq!(plan.router.remote_ip_headers, ["X-Real-Ip"]);
    assert_eq!(plan.router.error_bodies, [(404, "{\"a\":1}".to_owned())]);
}

#[test]
fn components_without_a_type_are_kept_as_they_are_written() {
    let text = with_endpoints(
        r#"{"endpoint": "/a", "extra_config": {"github.com/devopsfaith/krakend-jose/validator": {"alg": "RS256", "jwk_url": "https://a"}},
            "backend": [{"host": "h", "extra_config": {"qos/http-cache": {}, "telemetry/opentelemetry": {}}}]}"#,
    );
    let endpoint = plan(&text).endpoints.remove(0);
    assert_eq!(endpoint.extensions[0].namespace, "auth/validator");
    let names: Vec<_> = endpoint.backends[0].extensions.iter().map(|extension| extension.namespace).collect();
    assert_eq!(names, ["qos/http-cache"], "what changes no traffic is not kept");
}
