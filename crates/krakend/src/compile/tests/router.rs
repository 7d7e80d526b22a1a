//! What the router does.

use backstay_proto::config::path_match::Kind as PathKind;

use super::*;

/// Which of the rules takes a path: that of the largest precedence whose template has it.
fn taken<'a>(compiled: &'a Compiled, method: &str, path: &str) -> Option<&'a str> {
    let elements: Vec<&str> = path.split('/').skip(1).collect();
    let matches = |rule: &config::Rule| {
        rule.matches.iter().any(|it| {
            let Some(PathKind::Template(template)) = it.path.as_ref().and_then(|path| path.kind.as_ref()) else {
                return false;
            };
            it.method == method
                && template.elements.len() == elements.len()
                && template.elements.iter().zip(&elements).all(|(wanted, given)| match wanted.variable.is_empty() {
                    true => wanted.literal == *given,
                    false => given.len() > wanted.literal.len() && given.starts_with(&wanted.literal),
                })
        })
    };
    let rules = compiled.route.rules.iter().filter(|rule| matches(rule));
    rules.max_by_key(|rule| rule.matches[0].precedence).map(|rule| rule.name.as_str())
}

#[test]
fn text_beats_variables_element_by_element_and_back_again() {
    let endpoint =
        |path: &str| format!(r#"{{"endpoint": "{path}", "backend": [{{"host": "h", "url_pattern": "/"}}]}}"#);
    let paths = ["/{a}/{b}/{c}", "/x/{b}/{c}", "/x/y/{c}", "/x/{b}/z", "/{a}/y/z", "/x", "/", "/x/"];
    let made = sound(&with_endpoints(&paths.map(endpoint).join(",")));
    for (path, name) in [
        ("/x/y/z", Some("GET /x/y/:c")),
        ("/x/q/z", Some("GET /x/:b/z")),
        ("/x/q/r", Some("GET /x/:b/:c")),
        ("/q/y/z", Some("GET /:a/y/z")),
        ("/q/y/r", Some("GET /:a/:b/:c")),
        ("/x", Some("GET /x")),
        ("/x/", Some("GET /x/")),
        ("/", Some("GET /")),
        ("/__health", Some("health")),
        ("/q", None),
    ] {
        assert_eq!(taken(&made, "GET", path), name, "{path}");
    }
}

#[test]
fn what_no_endpoint_takes_is_answered_in_the_words_of_krakend() {
    let made = sound(&with_endpoints(r#"{"endpoint": "/a", "backend": [{"host": "h"}]}"#));
    let unmatched = made.route.unmatched.as_ref().unwrap();
    assert!(unmatched.redirect_cleaned && unmatched.redirect_trailing_slash && !unmatched.answer_options);
    let not_found = unmatched.not_found.as_ref().unwrap();
    assert_eq!((not_found.status, not_found.body.as_str()), (404, "404 page not found"));
    let headers: Vec<_> = not_found.headers.iter().map(|it| format!("{}: {}", it.name, it.value)).collect();
    assert_eq!(headers, ["X-Krakend: Version 2.13", "X-Krakend-Completed: false"]);
    let not_allowed = unmatched.method_not_allowed.as_ref().unwrap();
    assert_eq!((not_allowed.status, not_allowed.body.as_str()), (405, "405 method not allowed"));

    let made = sound(
        r#"{"version": 3, "extra_config": {"router": {"error_body": {"404": {"m": "<no>"}}, "disable_handle_method_not_allowed": true,
            "disable_redirect_fixed_path": true, "disable_redirect_trailing_slash": true, "hide_version_header": true}},
            "endpoints": [{"endpoint": "/a", "backend": [{"host": "h"}]}]}"#,
    );
    let unmatched = made.route.unmatched.as_ref().unwrap();
    assert!(!unmatched.redirect_cleaned && !unmatched.redirect_trailing_slash);
    assert_eq!(unmatched.method_not_allowed, None);
    let not_found = unmatched.not_found.as_ref().unwrap();
    assert_eq!(not_found.headers[0].value, "Version undefined");
    assert_eq!(
        (not_found.body.as_str(), not_found.content_type.as_str()),
        (r#"{"m":"\u003cno\u003e"}"#, "application/json; charset=utf-8")
    );
}

#[test]
fn options_are_answered_with_the_methods_of_a_path() {
    let made = sound(
        r#"{"version": 3, "extra_config": {"router": {"auto_options": true}}, "endpoints": [
            {"endpoint": "/a/{id}", "backend": [{"host": "h"}]},
            {"endpoint": "/a/{id}", "method": "DELETE", "backend": [{"host": "h"}]}]}"#,
    );
    let name = taken(&made, "OPTIONS", "/a/1").unwrap();
    let Some(Action::Respond(respond)) = &rule(&made, name).action else { panic!("an answer") };
    assert_eq!((respond.status, respond.headers[0].value.as_str()), (200, "DELETE, GET"));
    assert_eq!(taken(&made, "OPTIONS", "/__health"), None);
}

#[test]
fn the_router_has_endpoints_of_its_own() {
    let names = |text: &str| -> Vec<String> { sound(text).route.rules.iter().map(|rule| rule.name.clone()).collect() };
    let endpoint = r#""endpoints": [{"endpoint": "/a", "backend": [{"host": "h"}]}]"#;
    assert_eq!(names(&format!(r#"{{"version": 3, {endpoint}}}"#)), ["health", "GET /a"]);
    let all = names(&format!(r#"{{"version": 3, "debug_endpoint": true, "echo_endpoint": true, {endpoint}}}"#));
    assert_eq!(all, ["health", "debug", "echo", "GET /a"]);
    let none = format!(r#"{{"version": 3, "extra_config": {{"router": {{"disable_health": true}}}}, {endpoint}}}"#);
    assert_eq!(names(&none), ["GET /a"]);
}

#[test]
fn whom_it_takes_for_the_client() {
    let address = |router: &str| {
        let text = format!(
            r#"{{"version": 3, "extra_config": {{"router": {router}}}, "endpoints": [{{"endpoint": "/a", "backend": [{{"host": "h"}}]}}]}}"#
        );
        let address = sound(&text).route.client_address.unwrap();
        (address.headers.join(" "), address.trusted.join(" "))
    };
    assert_eq!(address("{}"), ("X-Forwarded-For X-Real-Ip".to_owned(), "0.0.0.0/0 ::/0".to_owned()));
    assert_eq!(address(r#"{"forwarded_by_client_ip": false}"#), (String::new(), String::new()));
    let both = r#"{"remote_ip_headers": ["x-client"], "trusted_proxies": ["10.0.0.0/8"]}"#;
    assert_eq!(address(both), ("X-Client".to_owned(), "10.0.0.0/8".to_owned()));
}

#[test]
fn a_listener_is_where_the_file_says() {
    let made = sound(
        r#"{"version": 3, "port": 9000, "listen_ip": "127.0.0.1", "endpoints": [{"endpoint": "/a", "backend": [{"host": "h"}]}]}"#,
    );
    assert_eq!((made.listener.address.as_str(), made.listener.port), ("127.0.0.1", 9000));
    let said = said(
        r#"{"version": 3, "max_idle_connections": 9, "endpoints": [{"endpoint": "/a", "backend": [{"host": "h"}]}]}"#,
    );
    assert!(said.iter().any(|line| line.contains("max_idle_connections: it is not applied")), "{said:?}");
}
