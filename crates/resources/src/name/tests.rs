use super::*;

#[test]
fn keys_and_values_of_labels() {
    for good in ["app", "app.kubernetes.io/name", "A_b.c", "x/0"] {
        assert!(qualified(good).is_empty(), "{good}");
    }
    for bad in ["", "/a", "a/", "a/b/c", "Prefix/a", "-a", &"a".repeat(64)] {
        assert!(!qualified(bad).is_empty(), "{bad}");
    }
    for good in ["", "a", "A_b.c-d"] {
        assert!(label_value(good).is_empty(), "{good}");
    }
    for bad in ["-", "a b", "a/b", &"a".repeat(64)] {
        assert!(!label_value(bad).is_empty(), "{bad}");
    }
}
