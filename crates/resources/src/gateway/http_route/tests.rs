use serde_json::{Value, json};

use super::super::{APOXY_HTTP_ROUTE, HTTP_ROUTE};
use super::HttpRoute;
use crate::admit;
use crate::object::Object;

fn route(spec: Value) -> Value {
    json!({"metadata": {"name": "r"}, "spec": spec})
}

fn admitted(spec: Value) -> Object {
    admit(&HTTP_ROUTE, route(spec), None).unwrap().object
}

fn errors(spec: Value) -> Vec<String> {
    admit(&HTTP_ROUTE, route(spec), None).unwrap_err().iter().map(ToString::to_string).collect()
}

/// Expects exactly one error for a rule, whose text starts so.
#[track_caller]
fn refused(rule: Value, start: &str) {
    let found = errors(json!({"rules": [rule]}));
    assert_eq!(found.len(), 1, "{rule}: {found:?}");
    assert!(found[0].starts_with(&format!("spec.rules[0].{start}")), "{rule}: {found:?}");
}

fn accepted(rule: Value) {
    admitted(json!({ "rules": [rule] })).typed::<HttpRoute>().unwrap();
}

#[test]
fn what_the_schema_of_gateway_api_fills_in() {
    let prefix = json!({"path": {"type": "PathPrefix", "value": "/"}});
    for spec in [json!({}), json!({"rules": [{}]}), json!({"rules": [{"matches": [{}]}]})] {
        assert_eq!(admitted(spec).body["spec"], json!({"rules": [{"matches": [prefix]}]}));
    }
    let object = admitted(json!({
        "parentRefs": [{"name": "g"}],
        "rules": [{
            "matches": [{"path": {"value": "/a"}, "headers": [{"name": "a", "value": "b"}], "queryParams": [{"name": "a", "value": "b"}]}],
            "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "m"}, "fraction": {"numerator": 1}}}],
            "backendRefs": [{"name": "b", "kind": "Backend", "port": 80}]
        }, {"filters": [{"type": "RequestRedirect", "requestRedirect": {}}]}]
    }));
    assert_eq!(
        object.body["spec"],
        json!({
            "parentRefs": [{"name": "g", "group": "gateway.networking.k8s.io", "kind": "Gateway"}],
            "rules": [{
                "matches": [{
                    "path": {"value": "/a", "type": "PathPrefix"},
                    "headers": [{"name": "a", "value": "b", "type": "Exact"}],
                    "queryParams": [{"name": "a", "value": "b", "type": "Exact"}]
                }],
                "filters": [{"type": "RequestMirror", "requestMirror": {
                    "backendRef": {"name": "m", "group": "", "kind": "Service"}, "fraction": {"numerator": 1, "denominator": 100}
                }}],
                "backendRefs": [{"name": "b", "kind": "Backend", "port": 80, "group": "", "weight": 1}]
            }, {
                "filters": [{"type": "RequestRedirect", "requestRedirect": {"statusCode": 302}}],
                "matches": [prefix]
            }]
        })
    );
    let apoxy = admit(&APOXY_HTTP_ROUTE, route(json!({"parentRefs": [{"name": "g"}]})), None).unwrap().object;
    assert_eq!(apoxy.body["spec"]["parentRefs"][0]["group"], "gateway.apoxy.dev");
}

#[test]
fn parents_differ() {
    let both = |a: Value, b: Value| json!({"parentRefs": [a, b]});
    admitted(both(json!({"name": "a"}), json!({"name": "b"})));
    admitted(both(json!({"name": "a", "sectionName": "x"}), json!({"name": "a", "sectionName": "y"})));
    admitted(both(json!({"name": "a", "port": 1}), json!({"name": "a", "port": 2})));
    admitted(both(json!({"name": "a", "namespace": "x"}), json!({"name": "a", "namespace": "y"})));
    let twice = errors(both(json!({"name": "a"}), json!({"name": "a", "group": "gateway.networking.k8s.io"})));
    assert!(twice[0].starts_with("spec.parentRefs[1]: Duplicate value: \"a\""), "{twice:?}");
    let mixed = errors(both(json!({"name": "a"}), json!({"name": "a", "port": 1})));
    assert!(mixed[0].contains("sectionName or port must be specified"), "{mixed:?}");
    assert_eq!(errors(json!({"parentRefs": [{}]})), ["spec.parentRefs[0].name: Required value"]);
    assert_eq!(errors(json!({"parentRefs": [{"name": "a", "port": 0, "sectionName": "X"}]})).len(), 2);
    let many: Vec<Value> = (0..33).map(|n| json!({"name": format!("g{n}")})).collect();
    assert_eq!(errors(json!({ "parentRefs": many })), ["spec.parentRefs: Too many: 33: must have at most 32 items"]);
}

#[test]
fn hostnames() {
    admitted(json!({"hostnames": ["a.b", "*.example.com"]}));
    for bad in ["10.0.0.1", "A.b", "a.b:80", "*", ""] {
        assert!(errors(json!({"hostnames": [bad]}))[0].starts_with("spec.hostnames[0]: Invalid value"), "{bad}");
    }
    assert_eq!(
        errors(json!({"hostnames": vec!["a"; 17]})),
        ["spec.hostnames: Too many: 17: must have at most 16 items"]
    );
}

#[test]
fn a_route_of_apoxy_may_be_for_every_host() {
    let admit = |hostnames: Value| admit(&APOXY_HTTP_ROUTE, route(json!({ "hostnames": hostnames })), None);
    let hostnames = json!(["*", "a.b"]);
    assert_eq!(admit(hostnames.clone()).unwrap().object.body["spec"]["hostnames"], hostnames);
    for bad in ["*.", "**", "a.*", "10.0.0.1"] {
        assert_eq!(admit(json!(["*", bad])).unwrap_err()[0].path.as_str(), "spec.hostnames[1]", "{bad}");
    }
}

#[test]
fn the_number_of_rules_and_matches_is_bounded() {
    assert_eq!(errors(json!({"rules": []})).len(), 1);
    assert_eq!(errors(json!({"rules": vec![json!({}); 17]})), ["spec.rules: Too many: 17: must have at most 16 items"]);
    refused(json!({"matches": vec![json!({}); 65]}), "matches: Too many: 65");
    let wide = json!({"matches": vec![json!({}); 50]});
    admitted(json!({"rules": [wide, wide]}));
    let found = errors(json!({"rules": [wide, wide, wide]}));
    assert_eq!(found, ["spec.rules: Invalid value: 150: all rules together must have at most 128 matches"]);
    refused(json!({"filters": vec![json!({"type": "CORS", "cors": {}}); 17]}), "filters: Too many: 17");
    refused(json!({"backendRefs": vec![json!({"name": "b"}); 17]}), "backendRefs: Too many: 17");
    let found = errors(json!({"rules": [{"name": "a"}, {"name": "a"}, {"name": "A"}]}));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], r#"spec.rules[1].name: Duplicate value: "a""#);
}

#[test]
fn paths() {
    for kind in ["Exact", "PathPrefix"] {
        for good in ["/", "/a", "/a/", "/a%20b", "/~a/b-c.d_e!$&'()*+,;=:@", "/..a", "/a./b"] {
            accepted(json!({"matches": [{"path": {"type": kind, "value": good}}]}));
        }
        for bad in [
            "a", "//a", "/a//b", "/./a", "/a/../b", "/a%2fb", "/a%2Fb", "/a#b", "/a/..", "/a/.", "/a b", "/a%zz",
            "/\u{e9}", "/a?b",
        ] {
            refused(
                json!({"matches": [{"path": {"type": kind, "value": bad}}]}),
                "matches[0].path.value: Invalid value",
            );
        }
        let long = format!("/{}", "a".repeat(1024));
        refused(json!({"matches": [{"path": {"type": kind, "value": long}}]}), "matches[0].path.value: Too long");
    }
    refused(json!({"matches": [{"path": {"type": "Suffix"}}]}), "matches[0].path.type: Unsupported value: \"Suffix\"");
}

#[test]
fn expressions_are_compiled_within_bounds() {
    accepted(json!({"matches": [{"path": {"type": "RegularExpression", "value": "/users/[0-9]+//x"}}]}));
    for (bad, why) in [
        ("/(", "is not a regular expression: unclosed group"),
        ("/(?=a)", "is not a regular expression: look-around"),
        (r"/(a)\1", "is not a regular expression: backreferences are not supported"),
        ("a{1000}{1000}", "is too complex"),
        (r"\w{1000}{9}", "is too complex"),
    ] {
        let start = format!("matches[0].path.value: Invalid value: {bad:?}: {why}");
        refused(json!({"matches": [{"path": {"type": "RegularExpression", "value": bad}}]}), &start);
    }
    for list in ["headers", "queryParams"] {
        let bad = json!([{"type": "RegularExpression", "name": "a", "value": "["}]);
        refused(json!({"matches": [{list: bad}]}), &format!("matches[0].{list}[0].value: Invalid value"));
    }
}

#[test]
fn the_number_of_expressions_is_bounded() {
    let header = |n: usize| json!({"type": "RegularExpression", "name": format!("h{n}"), "value": "a"});
    let headers: Vec<Value> = (0..16).map(header).collect();
    let rule = |count| json!({"matches": vec![json!({"headers": headers}); count]});
    accepted(rule(16));
    let found = errors(json!({"rules": [rule(17)]}));
    let detail = "all rules together must have at most 256 regular expressions";
    assert_eq!(found, [format!("spec.rules: Invalid value: 272: {detail}")]);
}

#[test]
fn headers_queries_and_methods() {
    accepted(
        json!({"matches": [{"method": "PATCH", "headers": [{"name": "X-a", "value": "b"}, {"name": "x-A", "value": "c"}]}]}),
    );
    refused(json!({"matches": [{"method": "get"}]}), "matches[0].method: Unsupported value: \"get\"");
    for list in ["headers", "queryParams"] {
        let of = |value: Value| json!({"matches": [{list: value}]});
        refused(of(json!([{"name": "a b", "value": "c"}])), &format!("matches[0].{list}[0].name: Invalid value"));
        refused(of(json!([{"value": "c"}])), &format!("matches[0].{list}[0].name: Required value"));
        refused(of(json!([{"name": "a"}])), &format!("matches[0].{list}[0].value: Required value"));
        refused(
            of(json!([{"name": "a", "value": "b"}, {"name": "a", "value": "c"}])),
            &format!("matches[0].{list}[1].name: Dup"),
        );
        refused(of(json!(vec![json!({"name": "a", "value": "b"}); 17])), &format!("matches[0].{list}: Too many: 17"));
    }
}

#[test]
fn a_filter_has_exactly_the_field_of_its_type() {
    refused(json!({"filters": [{"type": "URLRewrite"}]}), "filters[0].urlRewrite: Required value: must be specified");
    refused(
        json!({"filters": [{"type": "Other"}]}),
        "filters[0].type: Unsupported value: \"Other\": supported values: \"RequestH",
    );
    refused(json!({"filters": [{}]}), "filters[0].type: Required value");
    let both = json!({"type": "URLRewrite", "urlRewrite": {}, "requestRedirect": {}});
    refused(
        json!({"filters": [both]}),
        "filters[0].requestRedirect: Forbidden: must not be specified for a filter of type URLR",
    );
    accepted(json!({"filters": [{"type": "ExtensionRef", "extensionRef": {"group": "x", "kind": "Y", "name": "z"}}]}));
    accepted(json!({"filters": [{"type": "CORS", "cors": {"allowOrigins": ["*"]}}]}));
}

#[test]
fn filters_are_not_repeated_and_do_not_contradict() {
    for (kind, field) in [
        ("RequestHeaderModifier", "requestHeaderModifier"),
        ("URLRewrite", "urlRewrite"),
        ("RequestRedirect", "requestRedirect"),
    ] {
        let one = json!({"type": kind, field: {}});
        refused(
            json!({"filters": [one, one]}),
            &format!("filters[1]: Forbidden: a filter of type {kind} cannot be repeated"),
        );
    }
    let mirror = |name: &str| json!({"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name}}});
    accepted(json!({"filters": [mirror("a"), mirror("b")]}));
    let redirect = json!({"type": "RequestRedirect", "requestRedirect": {}});
    let rewrite = json!({"type": "URLRewrite", "urlRewrite": {}});
    refused(
        json!({"filters": [redirect, rewrite]}),
        "filters: Forbidden: may have a RequestRedirect or a URLRewrite filter",
    );
    refused(
        json!({"filters": [redirect], "backendRefs": [{"name": "b"}]}),
        "backendRefs: Forbidden: must not be used together",
    );
}

#[test]
fn changes_of_headers() {
    let of = |value: Value| json!({"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": value}]});
    let at = "filters[0].responseHeaderModifier";
    accepted(of(json!({"set": [{"name": "a", "value": "b"}], "add": [{"name": "a", "value": "b"}], "remove": ["c"]})));
    for list in ["set", "add"] {
        refused(of(json!({list: [{"name": "a:", "value": "b"}]})), &format!("{at}.{list}[0].name: Invalid value"));
        refused(
            of(json!({list: [{"name": "a", "value": "b\r\nc: d"}]})),
            &format!("{at}.{list}[0].value: Invalid value"),
        );
        refused(of(json!({list: [{"name": "a"}]})), &format!("{at}.{list}[0].value: Required value"));
        refused(
            of(json!({list: [{"name": "a", "value": "b"}, {"name": "a", "value": "c"}]})),
            &format!("{at}.{list}[1].name: Duplicate"),
        );
    }
    refused(of(json!({"remove": ["a", "a"]})), &format!("{at}.remove[1]: Duplicate value"));
    refused(of(json!({"remove": [""]})), &format!("{at}.remove[0]: Required value"));
}

#[test]
fn redirects_and_rewrites() {
    let redirect = |value: Value| json!({"filters": [{"type": "RequestRedirect", "requestRedirect": value}]});
    let at = "filters[0].requestRedirect";
    accepted(redirect(json!({"scheme": "https", "hostname": "a.b", "port": 8443, "statusCode": 308})));
    refused(
        redirect(json!({"scheme": "ftp"})),
        &format!("{at}.scheme: Unsupported value: \"ftp\": supported values: \"http\", \"https\""),
    );
    refused(redirect(json!({"hostname": "*.b"})), &format!("{at}.hostname: Invalid value"));
    refused(redirect(json!({"port": 0})), &format!("{at}.port: Invalid value: 0"));
    refused(
        redirect(json!({"statusCode": 200})),
        &format!("{at}.statusCode: Unsupported value: 200: supported values: \"301\""),
    );
    let rewrite = |path: Value| json!({"filters": [{"type": "URLRewrite", "urlRewrite": {"path": path}}]});
    let at = "filters[0].urlRewrite.path";
    accepted(rewrite(json!({"type": "ReplaceFullPath", "replaceFullPath": "/a?b"})));
    accepted(rewrite(json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": ""})));
    refused(rewrite(json!({})), &format!("{at}.type: Required value"));
    refused(rewrite(json!({"type": "Replace"})), &format!("{at}.type: Unsupported value"));
    refused(rewrite(json!({"type": "ReplaceFullPath"})), &format!("{at}.replaceFullPath: Required value"));
    refused(
        rewrite(json!({"type": "ReplaceFullPath", "replaceFullPath": "/a\r\nb"})),
        &format!("{at}.replaceFullPath: Invalid value"),
    );
    let both = json!({"type": "ReplaceFullPath", "replaceFullPath": "/", "replacePrefixMatch": "/"});
    refused(rewrite(both), &format!("{at}.replacePrefixMatch: Forbidden"));
}

#[test]
fn a_prefix_is_replaced_where_there_is_one() {
    let with = |matches: Value, of: &str, field: &str| json!({"matches": matches, "filters": [{"type": of, field: {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}}}]});
    let prefix = json!({"path": {"type": "PathPrefix", "value": "/a"}});
    for (of, field) in [("URLRewrite", "urlRewrite"), ("RequestRedirect", "requestRedirect")] {
        let at = format!("filters[0].{field}.path.replacePrefixMatch: Forbidden");
        accepted(with(json!([prefix]), of, field));
        refused(with(json!([prefix, prefix]), of, field), &at);
        refused(with(json!([{"path": {"type": "Exact", "value": "/a"}}]), of, field), &at);
    }
    let mut rule = with(json!([prefix, prefix]), "URLRewrite", "urlRewrite");
    let filters = rule.as_object_mut().unwrap().remove("filters").unwrap();
    rule["backendRefs"] = json!([{"name": "b", "filters": filters}]);
    refused(rule, "backendRefs[0].filters[0].urlRewrite.path.replacePrefixMatch: Forbidden");
}

#[test]
fn mirrors() {
    let of = |value: Value| {
        let mut mirror = json!({"backendRef": {"name": "m", "port": 80}});
        mirror.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        json!({"filters": [{"type": "RequestMirror", "requestMirror": mirror}]})
    };
    let at = "filters[0].requestMirror";
    for good in [
        json!({}),
        json!({"percent": 0}),
        json!({"percent": 100}),
        json!({"fraction": {"numerator": 1, "denominator": 3}}),
    ] {
        accepted(of(good));
    }
    refused(of(json!({"percent": 101})), &format!("{at}.percent: Invalid value: 101: must be between 0 and 100"));
    refused(of(json!({"percent": 1, "fraction": {"numerator": 1}})), &format!("{at}.fraction: Forbidden"));
    refused(of(json!({"fraction": {"numerator": 101}})), &format!("{at}.fraction.numerator: Invalid value: 101"));
    refused(of(json!({"fraction": {"numerator": -1}})), &format!("{at}.fraction.numerator: Invalid value: -1"));
    refused(
        of(json!({"fraction": {"numerator": 0, "denominator": 0}})),
        &format!("{at}.fraction.denominator: Invalid value: 0"),
    );
    refused(of(json!({"backendRef": {}})), &format!("{at}.backendRef.name: Required value"));
}

#[test]
fn backends_of_a_rule() {
    let of = |value: Value| json!({"backendRefs": [value]});
    for good in [
        json!({"name": "b"}),
        json!({"name": "b", "kind": "Backend", "group": "core.apoxy.dev", "port": 65535, "weight": 0}),
    ] {
        accepted(of(good));
    }
    refused(of(json!({"port": 80})), "backendRefs[0].name: Required value");
    refused(of(json!({"name": "b", "port": 65536})), "backendRefs[0].port: Invalid value: 65536");
    refused(of(json!({"name": "b", "weight": -1})), "backendRefs[0].weight: Invalid value: -1");
    refused(of(json!({"name": "b", "weight": 1_000_001})), "backendRefs[0].weight: Invalid value: 1000001");
    refused(of(json!({"name": "b", "namespace": "A"})), "backendRefs[0].namespace: Invalid value");
    refused(
        of(json!({"name": "b", "filters": [{"type": "Other"}]})),
        "backendRefs[0].filters[0].type: Unsupported value",
    );
}

#[test]
fn timeouts_are_durations_of_gateway_api() {
    let of = |request: &str, backend: &str| json!({"timeouts": {"request": request, "backendRequest": backend}});
    for (request, backend) in [("10s", "5s"), ("1m30s", "90s"), ("0s", "1h"), ("1h2m3s4ms", "99999ms"), ("5s", "0s")] {
        accepted(of(request, backend));
    }
    let kept = admitted(json!({"rules": [of("1500ms", "90ms")]}));
    assert_eq!(kept.body["spec"]["rules"][0]["timeouts"]["request"], "1500ms");
    for bad in ["1.5s", "100000s", "1d", "10us", "1h1m1s1ms1h", "-1s", "", "5", "s"] {
        refused(of(bad, "0s"), "timeouts.request: Invalid value");
    }
    refused(
        of("5s", "6s"),
        "timeouts.backendRequest: Invalid value: \"6s\": cannot be longer than the request timeout",
    );
}

#[test]
fn rows() {
    let untold = json!("");
    let cells = |spec| (HTTP_ROUTE.cells)(&admitted(spec));
    assert_eq!(cells(json!({})), [json!("*"), untold.clone(), untold.clone(), untold]);
    assert_eq!(cells(json!({"hostnames": ["a.b", "c.d"]}))[0], json!("a.b,c.d"));
}
