use backstay_resources::{apoxy, core};

use super::{of, parent, parse};

#[test]
fn names_are_read_as_they_are_written() {
    assert_eq!(parse(&apoxy::BACKEND, "name", "backends/web").unwrap(), ("", "web"));
    assert_eq!(parse(&core::SECRET, "name", &of(&core::SECRET, "shop", "web")).unwrap(), ("shop", "web"));
}

#[test]
fn what_is_no_name_is_refused_with_the_field() {
    for text in ["", "web", "backends/", "proxies/web", "namespaces/a/backends/web", "backends/a/b"] {
        let failure = parse(&apoxy::BACKEND, "name", text).unwrap_err();
        assert_eq!(failure.causes()[0].field, "name", "{text}");
    }
    for text in ["secrets/web", "namespaces//secrets/web", "namespaces/a/secrets/"] {
        assert!(parse(&core::SECRET, "name", text).is_err(), "{text}");
    }
}

#[test]
fn a_dash_is_all_namespaces() {
    assert_eq!(parent(&core::SECRET, "namespaces/-").unwrap(), "");
    assert_eq!(parent(&core::SECRET, "namespaces/a").unwrap(), "a");
    assert!(parent(&core::SECRET, "").is_err());
    assert!(parent(&apoxy::BACKEND, "namespaces/a").is_err());
    assert_eq!(parent(&apoxy::BACKEND, "").unwrap(), "");
}
