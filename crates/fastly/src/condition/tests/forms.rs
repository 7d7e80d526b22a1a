//! Every form of a statement that public services use, with names and texts of our own.

use super::{made, refused, scope, shown};
use crate::condition::compile_text;

#[test]
fn every_form_of_a_routing_condition_has_its_expression() {
    let table = [
        (r#"req.url ~ "^/a/""#, "match(target, ^/a/)"),
        (r#"req.http.host == "www.example.com""#, r#"equal(host, "www.example.com")"#),
        (r#"req.request == "GET""#, r#"equal(method, "GET")"#),
        ("!req.http.Fastly-FF", "not(false)"),
        (r#"req.http.X == "a""#, r#"equal(header(x), "a")"#),
        ("req.http.X", "header(x)"),
        ("!req.url", "not(target)"),
        (r#"req.url.path ~ "^/(a|b/c)/""#, "match(path, ^/(a|b/c)/)"),
        (r#"req.url.path == "/robots.txt""#, r#"equal(path, "/robots.txt")"#),
        (r#"req.url.ext ~ "(?i)^(gif|png)$""#, "match(extension, (?i)^(gif|png)$)"),
        (r#"req.http.X == "a" && req.http.X != "a""#, r#"all(equal(header(x), "a"), not(equal(header(x), "a")))"#),
        (r#"req.url ~ "^/a" || req.url ~ "^/b""#, "any(match(target, ^/a), match(target, ^/b))"),
        ("false", "false"),
        (r#"req.url.basename == "a.html""#, r#"equal(basename, "a.html")"#),
        (r#"req.url == "/""#, r#"equal(target, "/")"#),
        ("!req.http.X", "not(header(x))"),
        (r#"req.http.Cookie ~ "id=" && req.url !~ "^/a""#, "all(match(header(cookie), id=), not(match(target, ^/a)))"),
        (r#"req.http.X != "a""#, r#"not(equal(header(x), "a"))"#),
        ("req.http.host", "host"),
        ("req.restarts > 0", "greater(0, 0)"),
        (r#"req.url != "/a""#, r#"not(equal(target, "/a"))"#),
        (r#"req.url ~ "a" && !(req.url ~ "b")"#, "all(match(target, a), not(match(target, b)))"),
        (r#"req.url.ext == "js" || req.url.path ~ "x""#, r#"any(equal(extension, "js"), match(path, x))"#),
        (
            r#"req.url.path == "/" || req.http.X || (req.request != "GET" && req.url.qs)"#,
            r#"any(equal(path, "/"), header(x), all(not(equal(method, "GET")), query))"#,
        ),
        (r#"std.tolower(req.http.host) == "a""#, r#"equal(lower(host), "a")"#),
        (
            r#"req.http.host == "a" && !table.contains(redirects, req.url.path)"#,
            r#"all(equal(host, "a"), not(has(table/fastly:redirects, path)))"#,
        ),
        (
            r#"std.strlen(req.http.Cookie:Session) > 0 || req.url.path ~ "x""#,
            "any(greater(length(cookie(Session)), 0), match(path, x))",
        ),
        ("std.strlen(req.http.X) > 0", "greater(length(header(x)), 0)"),
        ("table.contains(redirects, req.http.X)", "has(table/fastly:redirects, header(x))"),
        ("client.ip ~ Generated_by_IP_block_list", "in(client_address, address-set/fastly:Generated_by_IP_block_list)"),
        (r#"client.ip == "192.0.2.1""#, r#"equal(client_address, "192.0.2.1")"#),
        ("req.backend.is_origin && !req.http.X", "all(true, not(header(x)))"),
        ("fastly.ff.visits_this_service == 0", "equal(0, 0)"),
        ("req.backend == F_eu", r#"equal(selected, "F_eu")"#),
        ("req.backend == F_eu && !req.backend.healthy", r#"all(equal(selected, "F_eu"), not(healthy()))"#),
        ("!req.backend.healthy", "not(healthy())"),
        ("req.restarts > 0 || !req.backend.healthy", "any(greater(0, 0), not(healthy()))"),
        (
            r#"(!req.backend.healthy || req.restarts > 0) && req.url ~ "x""#,
            "all(any(not(healthy()), greater(0, 0)), match(target, x))",
        ),
        ("randombool(1, 2)", "random(1/2)"),
        (r#"req.http.X == req.http.Y"#, "equal(header(x), header(y))"),
        (
            r#"table.lookup(asns, req.http.X) == "a" && req.url.path ~ "x""#,
            r#"all(equal(get(table/fastly:asns, header(x), ), "a"), match(path, x))"#,
        ),
    ];
    for (statement, expected) in table {
        assert_eq!(made(statement), expected, "{statement}");
    }
}

#[test]
fn what_else_the_grammar_has() {
    let table = [
        (r#"!req.url ~ "x""#, "not(match(target, x))"),
        ("!!req.http.X", "not(not(header(x)))"),
        (r#"req.http.Fastly-FF == """#, r#"equal("", "")"#),
        ("req.http.Fastly-SSL", r#"equal(scheme, "https")"#),
        (r#"req.http.Fastly-SSL == "1""#, r#"equal(scheme, "https")"#),
        ("req.is_ssl == false", r#"not(equal(scheme, "https"))"#),
        (r#"req.protocol == "https""#, r#"equal(scheme, "https")"#),
        (r#"req.proto == "HTTP/2""#, r#"equal(protocol, "HTTP/2")"#),
        (r#"client.ip == "::ffff:192.0.2.1""#, r#"equal(client_address, "192.0.2.1")"#),
        (r#"req.http.Fastly-Client-IP == "192.0.2.1""#, r#"equal(client_address, "192.0.2.1")"#),
        ("backend.F_us.healthy && F_eu.healthy", "all(healthy(F_us), healthy(F_eu))"),
        ("F_eu != req.backend", r#"not(equal(selected, "F_eu"))"#),
        (r#"req.url ~+"index.html""#, "match(target, index.html)"),
        (r#"req.url == "/a" "/b""#, r#"equal(target, "/a/b")"#),
        (r#"req.http.A + req.http.B req.url == "x""#, r#"equal(join(header(a), header(b), target), "x")"#),
        (r#"req.url == {"a"b"}"#, r#"equal(target, "a\"b")"#),
        (r#"req.url == {XX"a"}"XX}"#, r#"equal(target, "a\"}")"#),
        (r#"req.url == "a%20b%""#, r#"equal(target, "a b%")"#),
        (r#"std.toupper(req.url) == "A""#, r#"equal(upper(target), "A")"#),
        (r#"std.prefixof(req.url, "/a")"#, r#"starts_with(target, "/a")"#),
        (r#"std.suffixof(req.url, "a")"#, r#"ends_with(target, "a")"#),
        (r#"!std.strstr(req.url, "a")"#, r#"not(contains(target, "a"))"#),
        ("std.atoi(req.http.X) >= -5", "greater_or_equal(to_integer(header(x)), -5)"),
        ("std.strtol(req.http.X, 10) <= 5", "less_or_equal(to_integer(header(x)), 5)"),
        (r#"table.lookup(asns, "k", "d") == "d""#, r#"equal(get(table/fastly:asns, "k", "d"), "d")"#),
        (r#"regsub(req.url, "a(.)", "\1") == "b""#, r#"equal(replace(target, "a(.)", "\\1"), "b")"#),
        (r#"regsuball(req.url, "a", "") == "b""#, r#"equal(replace_all(target, "a", ""), "b")"#),
        (r#"querystring.get(req.url, "q") == "b""#, r#"equal(parameter(q), "b")"#),
        ("req.http.A # why\n && /* how */ req.http.B // so", "all(header(a), header(b))"),
    ];
    for (statement, expected) in table {
        assert_eq!(made(statement), expected, "{statement}");
    }
}

#[test]
fn what_proxies_cannot_know_is_refused_with_a_sentence() {
    let table = [
        (r#"client.geo.country_code == "DE""#, "1:1 client.geo.country_code is not supported: no database of places"),
        (r#"client.as.number == 1"#, "1:1 client.as.number is not supported: no database of places"),
        (r#"req.url ~ "x" && tls.client.ja3_md5 == "a""#, "1:18 tls.client.ja3_md5 is not supported: what a client"),
        ("waf.executed", "1:1 waf.executed is not supported: there is no web application firewall"),
        ("beresp.status == 404", "1:1 beresp.status is not supported: the backend is chosen before"),
        ("resp.http.X", "1:1 resp.http.X is not supported: the backend is chosen before"),
        (r#"server.region == "EU""#, "1:1 server.region is not supported: it tells of Fastly's own machines"),
        ("http_status_matches(1, \"a\")", "1:1 the function http_status_matches is not supported"),
        ("var.X", "1:1 var.X is not supported: local variables"),
        ("req.backend == F_asia", "1:16 there is no backend that VCL calls F_asia"),
        ("client.ip ~ nowhere", "1:13 there is no variable, ACL, dictionary or backend nowhere: there are"),
        (r#"table.contains(nowhere, "a")"#, "1:16 there is no dictionary nowhere"),
        (r#"req.http.X:sub == "a""#, "1:1 only the header Cookie has subfields"),
    ];
    for (statement, expected) in table {
        assert!(refused(statement).starts_with(expected), "{statement}: {}", refused(statement));
    }
}

#[test]
fn types_are_checked_before_anything_is_served() {
    let table = [
        (r#"req.http.X == 5"#, "1:12 a STRING cannot be compared with a INTEGER: write the number in quotes"),
        (r#"req.http.X > "5""#, "1:1 only an INTEGER is less or greater than another, and this is a STRING"),
        (r#"client.ip ~ "^10""#, "1:13 an IP is matched by an ACL, which is named without quotes"),
        (r#"client.ip == "abc""#, r#"1:14 "abc" is no address that client.ip could be"#),
        ("req.url ~ blocked", "1:1 only an IP, such as client.ip, is matched by an ACL"),
        ("req.url ~ req.http.X", "1:11 a regular expression must be written out, in quotes"),
        ("req.backend", "1:1 a BACKEND is no condition"),
        (r#""a""#, "1:1 a value that is written out is no condition"),
        (r#"req.is_ssl ~ "a""#, "1:12 a BOOL cannot be matched with ~"),
        (r#"std.tolower(req.is_ssl) == "a""#, "1:13 a STRING is expected here, and this is a BOOL"),
        ("randombool(3, 2)", "1:1 randombool takes a share of a whole"),
        ("std.strlen() > 1", "1:1 std.strlen takes 1 arguments, and is given 0"),
    ];
    for (statement, expected) in table {
        assert!(refused(statement).starts_with(expected), "{statement}: {}", refused(statement));
    }
}

#[test]
fn a_value_is_a_text_of_any_parts() {
    let table = [
        (r#""max-age=300""#, r#""max-age=300""#),
        ("req.http.Host", "host"),
        (r#""https://" req.http.host + req.url"#, r#"join("https://", host, target)"#),
        ("client.ip", "client_address"),
        (r#"regsub(req.url, "\?.*$", "")"#, r#"replace(target, "\\?.*$", "")"#),
    ];
    for (value, expected) in table {
        assert_eq!(shown(&compile_text(value, &scope()).unwrap()), expected, "{value}");
    }
    let fault = compile_text("a b", &scope()).unwrap_err();
    assert!(fault.to_string().ends_with("\nat: (input Line 1 Pos 1)"), "{fault}");
}
