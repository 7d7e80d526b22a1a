use std::collections::HashSet;

use super::*;

#[test]
fn no_name_stands_for_two_components() {
    let mut names = HashSet::new();
    for namespace in NAMESPACES {
        for name in std::iter::once(&namespace.name).chain(namespace.legacy).chain(namespace.former) {
            assert!(names.insert(*name), "{name} is there twice");
        }
        assert!(!namespace.levels.is_empty(), "{} is of no use anywhere", namespace.name);
        let options: HashSet<_> = namespace.options.iter().map(|option| option.name).collect();
        assert_eq!(options.len(), namespace.options.len(), "an option of {} is there twice", namespace.name);
    }
}

#[test]
fn keys_are_components_by_the_names_that_krakend_takes() {
    let known = |key: &str| match look_up(key) {
        Lookup::Known(namespace) => Some(namespace.name),
        _ => None,
    };
    for (key, name) in [
        ("auth/validator", Some("auth/validator")),
        ("github.com/devopsfaith/krakend-jose/validator", Some("auth/validator")),
        ("github_com/devopsfaith/krakend-cors", Some("security/cors")),
        ("github_com/luraproject/lura/router/gin", Some("router")),
        ("qos/ratelimit/router", Some("qos/ratelimit/router")),
        ("github.com/devopsfaith/krakend-ratelimit/juju/router", None),
        ("github_com/devopsfaith/krakend-jose/validator", None),
        ("github.com/devopsfaith/krakend-cors", None),
        ("Auth/Validator", None),
        ("security/jwt", None),
    ] {
        assert_eq!(known(key), name, "{key}");
    }
}

#[test]
fn what_krakend_does_not_take_is_told_apart() {
    let Lookup::Swapped(namespace, right) = look_up("github_com/devopsfaith/krakend-jose/validator") else {
        panic!("the other kind of dot is known")
    };
    assert_eq!((namespace.name, right), ("auth/validator", "github.com/devopsfaith/krakend-jose/validator"));
    for former in
        ["github.com/devopsfaith/krakend-ratelimit/juju/proxy", "github_com/devopsfaith/krakend-ratelimit/juju/proxy"]
    {
        assert!(matches!(look_up(former), Lookup::Former(namespace) if namespace.name == "qos/ratelimit/proxy"));
    }
    assert_eq!(look_up("auth/validater"), Lookup::Unknown);
    assert_eq!(close_to("auth/validater").map(|namespace| namespace.name), Some("auth/validator"));
    assert_eq!(close_to("com/example/own"), None);
}
