use super::*;

fn parse(text: &str) -> Option<(String, Option<u16>)> {
    Authority::parse(text.as_bytes()).map(|authority| (authority.host.into_owned(), authority.port))
}

#[test]
fn reads_hosts_with_and_without_port() {
    assert_eq!(parse("a.example"), Some(("a.example".into(), None)));
    assert_eq!(parse("A.Example.:8080"), Some(("a.example".into(), Some(8080))));
    assert_eq!(parse("a:"), Some(("a".into(), None)));
    assert_eq!(parse("127.0.0.1:1"), Some(("127.0.0.1".into(), Some(1))));
    assert_eq!(parse("[::1]"), Some(("::1".into(), None)));
    assert_eq!(parse("[2001:DB8::1]:443"), Some(("2001:db8::1".into(), Some(443))));
}

#[test]
fn refuses_what_is_no_host() {
    for text in [
        "",
        ":80",
        ".",
        "..",
        "h..",
        "h..:80",
        "user@host",
        "user:pass@host",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "a,b",
        "a:0",
        "a:65536",
        "a:+1",
        "a:b",
        "a:80:80",
        "[::1",
        "[::1]80",
        "[a]",
        "::1",
        "a\\b",
        "a\tb",
        "ä",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}
