use super::*;

#[test]
fn names_of_objects() {
    for good in ["a", "a-b", "0", "example.com", "1.2.3", &"a".repeat(253)] {
        assert!(subdomain(good).is_empty(), "{good}");
    }
    for bad in ["", "A", "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "\u{e9}", &"a".repeat(254)] {
        assert!(!subdomain(bad).is_empty(), "{bad}");
    }
    assert!(label("a-1").is_empty());
    assert_eq!(label("a.b").len(), 1);
    assert_eq!(label(&"a".repeat(64)), ["must be no more than 63 bytes"]);
}

#[test]
fn the_sentence_is_the_one_of_kubernetes() {
    assert_eq!(
        subdomain("X"),
        [concat!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start ",
            "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is ",
            r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        )]
    );
}

#[test]
fn hosts() {
    for good in ["example.com", "*.example.com", "localhost", "*.com"] {
        assert!(hostname(good).is_empty(), "{good}");
    }
    for bad in ["", "*", "*.", "a.*.com", "**.com", "10.0.0.1", "Example.com", "example.com."] {
        assert!(!hostname(bad).is_empty(), "{bad}");
    }
    assert!(!precise_hostname("*.example.com").is_empty());
}
