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

#[test]
fn backends_may_have_underscores() {
    for good in ["a", "dynamic_forward_proxy", "_a", "a_.b", "my_service.example"] {
        assert_eq!(super::backend(good), [""; 0], "{good}");
    }
    for bad in ["", "A", "a b", "a..b", "-a", "a-", ".a", "a/b", "ä"] {
        assert_eq!(super::backend(bad).len(), 1, "{bad}");
    }
    assert!(super::backend(&"a_".repeat(127))[0].contains("253"));
}
