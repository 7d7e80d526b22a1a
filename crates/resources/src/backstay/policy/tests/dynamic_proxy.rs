use serde_json::{Value, json};

use super::{section_accepted, section_refused};

#[track_caller]
fn bad(section: &str, content: Value, start: &str) {
    section_refused("dynamicProxy", json!({ section: content }), &format!(".{section}{start}"));
}

#[test]
fn blocks() {
    for good in ["0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "::/0", "fd00::/8", "2001:db8::1/128", "::ffff:0:0:0/96"] {
        for list in ["allow", "deny"] {
            section_accepted("dynamicProxy", json!({"addresses": {list: [good]}}));
        }
    }
    let cases = [
        ("10.0.0.1", "must be a CIDR block (e.g. '10.0.0.0/8' or 'fd00::/8'): for the one address write '10.0.0.1/32'"),
        ("::1", "must be a CIDR block (e.g. '10.0.0.0/8' or 'fd00::/8'): for the one address write '::1/128'"),
        ("10.0.0.0/33", "must be a CIDR block"),
        ("::/129", "must be a CIDR block"),
        ("10.0.0.0/", "must be a CIDR block"),
        ("10.0.0.0/+8", "must be a CIDR block"),
        ("10.0.0.0/8/8", "must be a CIDR block"),
        ("010.0.0.0/8", "must be a CIDR block"),
        ("10.0.0/8", "must be a CIDR block"),
        ("example.com/8", "must be a CIDR block"),
        ("", "must be a CIDR block"),
        ("10.1.2.3/8", "has bits beyond its prefix: write '10.0.0.0/8'"),
        ("10.1.2.3/0", "has bits beyond its prefix: write '0.0.0.0/0'"),
        ("fd00::1/8", "has bits beyond its prefix: write 'fd00::/8'"),
        ("::ffff:10.0.0.0/104", "is of IPv4 addresses within IPv6: write the IPv4 block"),
    ];
    for (block, why) in cases {
        bad("addresses", json!({"allow": [block]}), &format!(".allow[0]: Invalid value: {block:?}: {why}"));
    }
    bad("addresses", json!({"deny": ["10.0.0.0/8", "10.0.0.0/8"]}), ".deny[1]: Duplicate value");
    bad("addresses", json!({"deny": vec!["10.0.0.0/8"; 257]}), ".deny: Too many: 257");
}

#[test]
fn what_is_allowed_cannot_be_denied() {
    let rules = |allow: &str, deny: &str| json!({"allow": ["192.0.2.0/24", allow], "deny": [deny]});
    for (allow, deny) in [("10.0.0.0/8", "10.1.0.0/16"), ("::/0", "fd00::/8"), ("10.0.0.0/8", "10.0.0.0/8")] {
        let start = format!(".deny[0]: Invalid value: {deny:?}: has no effect: allow has {allow}, and comes first");
        bad("addresses", rules(allow, deny), &start);
    }
    for (allow, deny) in [("10.1.0.0/16", "10.0.0.0/8"), ("0.0.0.0/0", "fd00::/8"), ("10.0.0.0/8", "11.0.0.0/8")] {
        section_accepted("dynamicProxy", json!({"addresses": rules(allow, deny)}));
    }
}

#[test]
fn ports() {
    section_accepted("dynamicProxy", json!({"addresses": {"ports": [{"start": 443}, {"start": 1, "end": 65535}]}}));
    bad("addresses", json!({"ports": [{}]}), ".ports[0].start: Invalid value: 0");
    bad("addresses", json!({"ports": [{"start": 1, "end": 65536}]}), ".ports[0].end: Invalid value: 65536");
    bad(
        "addresses",
        json!({"ports": [{"start": 2, "end": 1}]}),
        ".ports[0].end: Invalid value: \"1\": must not be below",
    );
}

#[test]
fn passes() {
    for passes in [0, 1, 100] {
        section_accepted("dynamicProxy", json!({ "maxPasses": passes }));
    }
    bad("maxPasses", json!(101), ": Invalid value: 101: must be between 0 and 100, inclusive");
}

#[test]
fn the_dns_cache() {
    section_accepted(
        "dynamicProxy",
        json!({"dns": {"maxStale": "0s", "maxAbsent": "0s", "maxFailedHosts": 0, "strictAuto": true}}),
    );
    bad("dns", json!({"failureBase": "0s"}), ".failureBase: Invalid value: \"0s\": must be at least 1ms");
    bad("dns", json!({"failureMax": "999us"}), ".failureMax: Invalid value");
    bad(
        "dns",
        json!({"failureBase": "2s", "failureMax": "1s"}),
        ".failureMax: Invalid value: \"1s\": must not be shorter",
    );
    bad("dns", json!({"maxPendingRequests": 0}), ".maxPendingRequests: Invalid value: 0");
}
