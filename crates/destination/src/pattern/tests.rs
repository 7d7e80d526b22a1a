use super::*;

fn pattern(text: &str) -> HostPattern {
    HostPattern::parse(text).unwrap()
}

#[test]
fn reads_the_three_forms() {
    assert_eq!(pattern(""), HostPattern::Any);
    assert_eq!(pattern("*"), HostPattern::Any);
    assert_eq!(pattern("WWW.Example.com."), HostPattern::Exact("www.example.com".into()));
    assert_eq!(pattern("*.Example.com"), HostPattern::Wildcard(".example.com".into()));
    assert_eq!(pattern("::1"), HostPattern::Exact("::1".into()));
}

#[test]
fn refuses_what_no_authority_can_carry() {
    for text in ["a..b", ".a", "a b", "a/b", "*.1.2.3.4", "a.*.b", "user@host", &"a".repeat(64)] {
        assert!(HostPattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_wildcard_covers_every_depth_but_not_the_domain_itself() {
    let below = pattern("*.example.com");
    assert!(below.matches("a.example.com") && below.matches("a.b.example.com"));
    assert!(!below.matches("example.com") && !below.matches(".example.com") && !below.matches("aexample.com"));
}
