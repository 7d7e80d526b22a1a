use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

#[test]
fn an_absolute_target_gets_the_slash_that_it_lacks() {
    for (target, expected) in [
        ("http://a?q=1", Some("http://a/?q=1")),
        ("http://a?", Some("http://a/?")),
        ("http://a:80?a?b/c", Some("http://a:80/?a?b/c")),
        ("*", None),
        ("a:80", None),
    ] {
        assert!(!is_valid(&Method::GET, &uri(target)), "{target}");
        assert_eq!(normalized(Version::HTTP_11, &uri(target)), expected.map(uri), "{target}");
        assert_eq!(normalized(Version::HTTP_2, &uri(target)), None, "{target}");
    }
}

#[test]
fn what_begins_with_a_slash_is_a_target() {
    for target in ["http://a", "http://a/", "http://a/b?c", "/", "/?q", "//a"] {
        assert!(is_valid(&Method::GET, &uri(target)), "{target}");
    }
    assert!(is_valid(&Method::OPTIONS, &uri("*")));
}

#[test]
fn other_schemes_and_other_characters_are_no_targets() {
    for target in ["ftp://a/", "ftp://a?q", "ws://a/", "http://a/\u{e9}", "/\u{e9}", "/?q=\u{e9}", "http://a?\u{e9}"] {
        let target = uri(target);
        assert!(!is_valid(&Method::GET, &target), "{target}");
        assert_eq!(normalized(Version::HTTP_11, &target), None, "{target}");
    }
    assert!(is_valid(&Method::GET, &uri("HTTPS://a/%C3%A9")));
}
