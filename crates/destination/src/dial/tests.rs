use super::{AuthorityError, Target};

fn key(authority: &str) -> String {
    match Target::parse(authority, 80) {
        Ok(Target::Name(name)) => name.key().to_owned(),
        other => panic!("{authority}: {other:?}"),
    }
}

#[test]
fn names_have_one_spelling() {
    for authority in
        ["example.com", "EXAMPLE.com", "example.com.", "example.com:80", "Example.COM.:80", "example.com:00080"]
    {
        assert_eq!(key(authority), "example.com:80", "{authority}");
    }
    assert_eq!(key("example.com:443"), "example.com:443");
    assert_eq!(key("h:7"), "h:7");
    assert_eq!(key("_dmarc.a-b.example:65535"), "_dmarc.a-b.example:65535");
}

#[test]
fn default_port_is_the_callers() {
    let Ok(Target::Name(name)) = Target::parse("example.com", 443) else { panic!() };
    assert_eq!((name.key(), name.name(), name.port()), ("example.com:443", "example.com", 443));
}

#[test]
fn literals() {
    for (authority, address) in [
        ("127.0.0.1", "127.0.0.1:80"),
        ("127.0.0.1:19000", "127.0.0.1:19000"),
        ("[::1]", "[::1]:80"),
        ("[::1]:8080", "[::1]:8080"),
        ("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1"),
    ] {
        match Target::parse(authority, 80) {
            Ok(Target::Literal(found)) => assert_eq!(found.to_string(), address),
            other => panic!("{authority}: {other:?}"),
        }
    }
}

#[test]
fn what_leads_nowhere() {
    for authority in ["", ":80", ":", "::1"] {
        assert_eq!(Target::parse(authority, 80).unwrap_err(), AuthorityError::Empty, "{authority}");
    }
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = format!("{}a", "ab.".repeat(90));
    for authority in [
        "h:0",
        "h:70000",
        "h:abc",
        "h:",
        "h:+80",
        "h:-1",
        "h:000080",
        "user@h:80",
        "h:80:1",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[h]:80",
        "[fe80::1%eth0]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "1.2.3.0x4",
        "0x",
        "a..b",
        ".",
        ".a",
        "a b",
        "ä.example",
        "a\0b",
        "a/b",
        "a%2eb",
        "h?x",
        "h#x",
        "*",
        &long_label,
        &long_name,
    ] {
        assert_eq!(Target::parse(authority, 80).unwrap_err(), AuthorityError::Malformed, "{authority}");
    }
}

#[test]
fn longest_name_fits() {
    let name = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
    assert_eq!(name.len(), 253);
    assert_eq!(key(&format!("{name}.:65535")), format!("{name}:65535"));
    assert_eq!(Target::parse(&format!("{name}d"), 80).unwrap_err(), AuthorityError::Malformed);
}
