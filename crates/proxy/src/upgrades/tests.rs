use super::*;

#[test]
fn a_protocol_is_permitted_by_its_name_whatever_its_version() {
    let upgrades = Upgrades::new(["WebSocket", "foo", "http"]).unwrap();
    for (protocol, permitted) in [
        ("websocket", true),
        ("WEBSOCKET/13", true),
        ("foo/2", true),
        ("foobar", false),
        ("", false),
        ("/", false),
        ("http/1.1", true),
        ("HTTP/2.0", false),
        ("h2c", false),
    ] {
        assert_eq!(upgrades.permit(protocol.as_bytes()), permitted, "{protocol}");
    }
    assert!(Upgrades::default().permit(b"websocket") && !Upgrades::default().permit(b"foo"));
    assert!(!Upgrades::new([]).unwrap().permit(b"websocket"));
}

#[test]
fn what_cannot_be_changed_to_is_refused() {
    for (name, error) in [
        ("", "\"\" is not the name of a protocol"),
        ("foo/2", "\"foo/2\" is not the name of a protocol"),
        ("a b", "\"a b\" is not the name of a protocol"),
        ("H2C", "H2C cannot be changed to: HTTP/2 is spoken from the beginning of a connection"),
    ] {
        assert_eq!(Upgrades::new(["websocket", name]).unwrap_err().to_string(), error);
    }
}
