//! Versions as public services have them, and what is done to requests.

use backstay_proto::config;
use backstay_proto::config::destination::Kind as Destination;
use backstay_proto::config::pool::Selection;
use serde_json::{Value, json};

use super::{backend, compiled_without, condition, sound, steps, version, with};
use crate::condition::tests::shown;

fn domains() -> Value {
    json!([{"name": "www.Example.com"}, {"name": "api.example.com"}])
}

/// The steps of a version of these parts.
fn of(parts: Value) -> Vec<String> {
    steps(&sound(&version(with(parts, json!({"domains": domains()})))).0.sequence)
}

#[test]
fn a_single_origin_behind_tls() {
    let made = of(json!({
        "backends": [backend("origin")],
        "request_settings": [{"name": "Force TLS", "force_ssl": "1"}],
        "headers": [{
            "name": "HSTS", "type": "response", "action": "set", "dst": "http.Strict-Transport-Security",
            "src": "\"max-age=300\"",
        }],
    }));
    assert_eq!(
        made,
        [
            r#"response strict-transport-security replace "max-age=300""#,
            r#"if equal(scheme, "http"): redirect 301 https"#,
            "select F_origin",
        ]
    );
}

#[test]
fn backends_by_host_without_a_default() {
    let made = of(json!({
        "conditions": [
            condition("b", 100, r#"std.tolower(req.http.host) == "api.example.com""#),
            condition("a", 10, r#"req.http.host == "www.example.com""#),
        ],
        "backends": [
            with(backend("api"), json!({"request_condition": "b", "auto_loadbalance": true})),
            with(backend("www"), json!({"request_condition": "a"})),
        ],
    }));
    assert_eq!(
        made,
        [
            r#"if equal(host, "www.example.com"): select F_www"#,
            r#"if equal(lower(host), "api.example.com"): select F_api"#,
        ]
    );
}

#[test]
fn conditions_are_looked_at_by_priority_and_then_as_they_were_made() {
    let made = of(json!({
        "conditions": [
            condition("images / all", 20, r#"req.url.ext ~ "png""#),
            condition("z", 10, r#"req.url ~ "^/z""#),
            condition("a", 10, r#"req.url ~ "^/a""#),
            condition("never", 100, "!req.url"),
            condition("unused", 1, "req.http.X"),
        ],
        "backends": [
            backend("Main 5/DA Origin"),
            with(backend("images"), json!({"request_condition": "images / all"})),
            with(backend("a"), json!({"request_condition": "a"})),
            with(backend("z"), json!({"request_condition": "z"})),
            with(backend("parked"), json!({"request_condition": "never"})),
            backend("second"),
        ],
    }));
    assert_eq!(
        made,
        [
            "select F_Main_5_DA_Origin",
            "if match(target, ^/z): select F_z",
            "if match(target, ^/a): select F_a",
            "if match(extension, png): select F_images",
            "if not(target): select F_parked",
        ]
    );
}

#[test]
fn a_block_has_its_settings_then_headers_then_backend_then_response() {
    let header = |fields: Value| with(json!({"type": "request", "action": "set", "request_condition": "c"}), fields);
    let made = of(json!({
        "conditions": [condition("c", 10, "req.http.X")],
        "backends": [backend("main"), with(backend("other"), json!({"request_condition": "c"}))],
        "response_objects": [{
            "name": "no", "status": "403", "response": "Forbidden", "content": "<p>no</p>", "content_type": "text/html",
            "request_condition": "c",
        }],
        "headers": [
            header(json!({"name": "2", "action": "delete", "dst": "http.B", "priority": "20"})),
            header(json!({"name": "1", "dst": "http.A", "src": "req.url", "priority": "10", "ignore_if_set": "1"})),
            {"name": "all", "type": "request", "action": "append", "dst": "http.C", "src": "\"c\""},
            header(json!({"name": "sent", "type": "fetch", "dst": "http.D", "src": "\"d\""})),
        ],
        "request_settings": [
            {"name": "r", "default_host": "in.example.com", "xff": "overwrite", "force_ssl": "1", "request_condition": "c"},
        ],
    }));
    let block = [
        r#"if header(x): request host replace "in.example.com""#,
        "request x-forwarded-for replace client_address",
        "request a if_absent target",
        "request b remove",
        "select F_other",
        r#"respond 403 Forbidden "text/html" "<p>no</p>""#,
    ];
    assert_eq!(
        made,
        [
            r#"select F_main; request c append "c""#,
            r#"if all(equal(scheme, "http"), header(x)): redirect 301 https"#,
            &block.join("; "),
            r#"if header(x): request d replace "d""#,
        ]
    );
}

#[test]
fn a_header_object_selects_a_backend_and_rewrites_the_target() {
    let header = |fields: Value| with(json!({"type": "request", "action": "set"}), fields);
    let made = of(json!({
        "healthchecks": [{"name": "hc", "host": "a", "path": "/"}],
        "conditions": [
            condition("down", 11, "req.restarts > 0 || !req.backend.healthy"),
            condition("both", 12, "req.backend == F_mirror && !req.backend.healthy"),
        ],
        "backends": [with(backend("primary"), json!({"healthcheck": "hc"})), backend("mirror")],
        "headers": [
            header(json!({"name": "m", "dst": "backend", "src": "F_mirror", "request_condition": "down"})),
            header(json!({"name": "u", "action": "regex", "dst": "url", "src": "req.url", "regex": "^/a/", "substitution": "/b/"})),
            header(json!({"name": "p", "dst": "url", "src": "\"/p\" req.url"})),
            header(json!({"name": "r", "action": "regex_repeat", "dst": "http.X", "regex": "a(.)", "substitution": "\\1"})),
        ],
        "response_objects": [{"name": "d", "status": "503", "response": "Down", "content": "", "request_condition": "both"}],
    }));
    let always = [
        "select F_primary",
        r#"target replace(target, "^/a/", "/b/")"#,
        r#"target join("/p", target)"#,
        r#"request x replace replace_all(header(x), "a(.)", "\\1")"#,
    ];
    assert_eq!(made[0], always.join("; "));
    assert_eq!(made[1], "if any(greater(0, 0), not(healthy())): select F_mirror");
    assert!(
        made[2].starts_with(r#"if all(equal(selected, "F_mirror"), not(healthy())): respond 503 Down"#),
        "{made:?}"
    );
}

#[test]
fn the_pool_comes_before_the_first_backend_and_is_weighted() {
    let version = version(json!({
        "domains": domains(),
        "conditions": [condition("c", 1, "req.http.X")],
        "backends": [
            backend("alone"),
            with(backend("blue"), json!({"auto_loadbalance": "1", "weight": 50})),
            with(backend("green"), json!({"auto_loadbalance": true, "weight": 0})),
            with(backend("apart"), json!({"auto_loadbalance": true, "request_condition": "c"})),
        ],
    }));
    let sequence = sound(&version).0.sequence;
    assert_eq!(steps(&sequence), ["select autodirector_", "if header(x): select F_apart"]);
    let names: Vec<_> = sequence.destinations.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["F_alone", "F_blue", "F_green", "F_apart", "autodirector_"]);
    let Some(Destination::Pool(pool)) = &sequence.destinations[4].kind else { panic!("a pool") };
    let members: Vec<_> = pool.members.iter().map(|it| (it.name.as_str(), it.weight)).collect();
    assert_eq!(members, [("F_blue", 50), ("F_green", 0)]);
    assert_eq!((pool.selection(), pool.quorum, pool.retries), (Selection::Random, 0, 1));
    assert_eq!(pool.members[0].backend.as_ref().unwrap().backend, "backend/fastly:s:blue");
}

#[test]
fn a_director_stands_for_its_backends() {
    let director = |kind: u8| {
        let version = version(json!({
            "domains": domains(), "backends": [backend("o1"), backend("o2")],
            "directors": [{"name": "my-director", "type": kind, "quorum": 75, "retries": 5, "backends": ["o1", "o2"]}],
        }));
        let mut sequence = sound(&version).0.sequence;
        assert_eq!(steps(&sequence), ["select my_director"]);
        match sequence.destinations.pop().unwrap().kind {
            Some(Destination::Pool(pool)) => pool,
            other => panic!("{other:?}"),
        }
    };
    let random = director(1);
    assert_eq!((random.selection(), random.quorum, random.retries), (Selection::Random, 75, 5));
    assert_eq!(shown(&director(3).hash_key.unwrap()), "join(host, target)");
    assert_eq!(shown(&director(4).hash_key.unwrap()), "client_address");
    assert_eq!(director(4).selection(), Selection::Hash);
}

#[test]
fn lists_and_dictionaries_are_looked_up_by_their_identifiers() {
    let version = version(json!({
        "domains": domains(), "backends": [backend("o")],
        "acls": [{"name": "blocked", "id": "aid"}, {"name": "other", "id": "oid"}],
        "dictionaries": [{"name": "redirects", "id": "did"}],
        "conditions": [condition("c", 0, "client.ip ~ blocked && table.contains(redirects, req.url.path)")],
        "response_objects": [{"name": "no", "status": "403", "request_condition": "c"}],
        "headers": [
            {"name": "h", "type": "request", "action": "set", "dst": "http.T", "src": "table.lookup(redirects, req.url)"},
        ],
    }));
    let compiled = sound(&version).0;
    let lookups: Vec<_> = compiled.lookups.iter().map(|it| &**it).collect();
    assert_eq!(lookups, ["address-set/fastly:aid", "table/fastly:did"], "and not the list that nothing names");
    assert_eq!(compiled.domains, ["www.example.com", "api.example.com"]);
}

#[test]
fn the_addresses_of_clients_are_told_as_is_asked_for() {
    let xff = |mode: &str| of(json!({"backends": [backend("o")], "request_settings": [{"name": "r", "xff": mode}]}));
    assert_eq!(xff("append"), ["select F_o"]);
    assert_eq!(xff("append_all"), ["select F_o"]);
    assert_eq!(xff("clear"), ["select F_o; request x-forwarded-for remove"]);
    assert_eq!(xff("overwrite"), ["select F_o; request x-forwarded-for replace client_address"]);
    let header = "header(x-forwarded-for)";
    let leave = [
        format!("if not(match({header}, ,)): request x-forwarded-for remove"),
        format!("if match({header}, ,): request x-forwarded-for replace replace({header}, \", *[^,]*$\", \"\")"),
        "select F_o".to_owned(),
    ];
    assert_eq!(xff("leave"), leave);
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let version = version(json!({
        "domains": [{"name": "*.example.com"}, {"name": "a.b.example.com"}], "backends": [backend("o")],
    }));
    let made = steps(&sound(&version).0.sequence);
    let served = r#"any(match(host, ^[^.]+\.example\.com$), equal(host, "a.b.example.com"))"#;
    assert!(made[0].starts_with(&format!("if not({served}): respond 500 ")), "{made:?}");
    assert_eq!(made[1], "select F_o");
}

#[test]
fn failures_are_worded_as_clients_know_them() {
    let replies = super::super::reply::replies();
    assert!(replies.iter().all(|reply| reply.status == 503 && reply.body.contains("<h3>Error 54113</h3>")));
    let first_byte = replies.iter().find(|reply| reply.reason == "first byte timeout").unwrap();
    assert!(first_byte.body.contains("<title>503 first byte timeout</title>"), "{}", first_byte.body);
    assert!(!first_byte.body.contains("Varnish"));
}

#[test]
fn a_drained_backend_has_no_share_and_a_director_with_an_order_has_no_quorum() {
    let version = version(json!({
        "backends": [
            with(backend("a"), json!({"auto_loadbalance": true})),
            with(backend("b"), json!({"auto_loadbalance": true, "weight": 7})),
            backend("c"),
        ],
        "directors": [{"name": "d", "fallback": true, "type": 3, "retries": 2, "backends": ["c", "b"]}],
    }));
    let (compiled, verdict) = compiled_without(&version, &["b", "c", "gone"]);
    let pools: Vec<_> = compiled
        .sequence
        .destinations
        .iter()
        .filter_map(|it| match &it.kind {
            Some(config::destination::Kind::Pool(pool)) => Some((it.name.as_str(), pool)),
            _ => None,
        })
        .collect();
    let shares =
        |pool: &config::Pool| pool.members.iter().map(|it| format!("{} {}", it.name, it.weight)).collect::<Vec<_>>();
    assert_eq!(
        pools.iter().map(|(name, pool)| (*name, shares(pool))).collect::<Vec<_>>(),
        [
            ("autodirector_", vec!["F_a 100".to_owned(), "F_b 0".to_owned()]),
            ("d", vec!["F_c 0".to_owned(), "F_b 0".to_owned()]),
        ]
    );
    let ordered = pools[1].1;
    assert_eq!((ordered.selection(), ordered.quorum, ordered.retries), (config::pool::Selection::Fallback, 0, 2));
    let warnings: Vec<_> = verdict.warnings.iter().map(ToString::to_string).collect();
    let drained = "is drained: the pool and directors give it nothing";
    assert_eq!(warnings, [format!("Backend 'b': {drained}"), format!("Backend 'c': {drained}")]);
}
