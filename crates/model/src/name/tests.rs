use super::*;

#[test]
fn names_are_read_as_they_are_written() {
    let gateway = Scoped { namespace: "n", name: "g" };
    let cluster = Scoped { namespace: "", name: "g" };
    for (text, name) in [
        ("listener/n/g/l", ResourceName::Listener { gateway, listener: "l", address: None }),
        ("listener/g/l", ResourceName::Listener { gateway: cluster, listener: "l", address: None }),
        ("listener/n/g/l@::1", ResourceName::Listener { gateway, listener: "l", address: Some("::1") }),
        ("route/n/g", ResourceName::Route(gateway)),
        ("route/g", ResourceName::Route(cluster)),
        ("backend/b.example", ResourceName::Backend("b.example")),
        ("table/t.1", ResourceName::Table("t.1")),
        ("address-set/s", ResourceName::AddressSet("s")),
        ("revocation/s", ResourceName::Revocations("s")),
        ("secret/n/s", ResourceName::Certificate { namespace: "n", secret: "s" }),
        ("secret/n/s/ca.crt", ResourceName::Authority { namespace: "n", secret: "s" }),
        ("secret/n/ca.crt", ResourceName::Certificate { namespace: "n", secret: "ca.crt" }),
    ] {
        assert_eq!(ResourceName::parse(text), Some(name), "{text}");
        assert_eq!(name.to_string(), text);
        assert_eq!(Kind::of(text), Some(name.kind()));
    }
}

#[test]
fn what_is_nobodys_name_is_none() {
    for text in ["", "backend", "backend/", "/b", "Backend/b", "service/b"] {
        assert_eq!(Kind::of(text), None, "{text}");
        assert_eq!(ResourceName::parse(text), None, "{text}");
    }
    // A proxy takes these: their kind is plain, and the rest is the business of whoever named them.
    for text in [
        "backend/a/b",
        "table/a/b",
        "address-set/a/b",
        "route/a/b/c",
        "route//b",
        "listener/l",
        "listener/a/b/c/d",
        "secret/s",
        "secret/a/b/c",
    ] {
        assert!(Kind::of(text).is_some(), "{text}");
        assert_eq!(ResourceName::parse(text), None, "{text}");
    }
}

#[test]
fn the_backend_of_a_name() {
    assert_eq!(ResourceName::backend("backend/a"), Some("a"));
    assert_eq!(ResourceName::backend("backends/a"), None);
    assert_eq!(ResourceName::backend("route/a"), None);
}

#[test]
fn who_names_no_fleet_means_the_default() {
    assert_eq!(FleetName::default().as_str(), "default");
    assert_eq!(FleetName::meant_by(""), FleetName::default());
    assert_eq!(FleetName::meant_by("edge").to_string(), "edge");
}
