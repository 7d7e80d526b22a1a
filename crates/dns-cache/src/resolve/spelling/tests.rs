use super::*;

#[test]
fn names_that_are_no_host_names_are_asked_as_they_are() {
    for name in ["-a.example", "a-.example", "_http._tcp.example", "my_service", "--", "xn--bcher-kva.example", "_"] {
        let wire = to_wire(name).unwrap();
        assert!(wire.is_fqdn());
        let labels: Vec<_> = wire.iter().map(|label| std::str::from_utf8(label).unwrap()).collect();
        assert_eq!(labels.join("."), name);
        assert_eq!(from_wire(&wire).as_deref(), Some(name));
    }
}

#[test]
fn what_no_name_server_knows_is_not_asked() {
    for name in ["", ".", "h.", "h..", "a..b", "a b", "a\\.b", "10.0.0.1", "0x7f", "b\u{fc}cher.example"] {
        assert_eq!(to_wire(name), None, "{name:?}");
    }
    let odd = |label: &[u8]| Name::from_labels([label, b"example"]).unwrap();
    for label in [b"a.b".as_slice(), b"a b", b"\xff", b"*"] {
        assert_eq!(from_wire(&odd(label)), None, "{label:?}");
    }
    assert_eq!(from_wire(&odd(b"UPPER")).as_deref(), Some("upper.example"));
    assert_eq!(from_wire(&Name::root()), None);
}
