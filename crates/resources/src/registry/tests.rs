use super::Registry;
use crate::{Kind, apoxy};

static ELSEWHERE: Kind = Kind { group: "example.dev", ..apoxy::BACKEND };

#[test]
fn two_groups_may_call_a_kind_the_same() {
    let registry = Registry::new([&apoxy::BACKEND, &ELSEWHERE]).unwrap();
    assert_eq!(registry.by_kind("example.dev/v1alpha2", "Backend"), Some(&ELSEWHERE));
    assert_eq!(registry.by_kind("core.apoxy.dev/v1alpha2", "Backend"), Some(&apoxy::BACKEND));
    assert_eq!(registry.by_kind("example.dev/v1", "Backend"), None);
}

#[test]
fn one_group_may_not() {
    let error = Registry::new([&apoxy::BACKEND, &apoxy::PROXY, &apoxy::BACKEND]).unwrap_err();
    assert_eq!(error.to_string(), r#"two kinds are called backends or Backend in the API group "core.apoxy.dev""#);
}

#[test]
fn the_kinds_that_come_with_the_crate_can_be_served_together() {
    assert!(Registry::new(Registry::built_in().iter()).is_ok());
}
