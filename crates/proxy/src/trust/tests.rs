use super::*;

fn told(trust: &Trust, peer: &str, secure: bool, lines: &[(&'static str, &str)]) -> Option<(String, bool, u16)> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    let peer_value = HeaderValue::from_str(peer).unwrap();
    let connection =
        Connection { peer: SocketAddr::new(peer.parse().unwrap(), 9), peer_value: &peer_value, secure, port: 8080 };
    trust.origin(&headers, connection).map(|origin| {
        assert_eq!(origin.client_value, origin.client.ip().to_string());
        (origin.client.to_string(), origin.secure, origin.port)
    })
}

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";

#[test]
fn nobody_is_believed_by_default() {
    for trust in [Trust::default(), Trust::hops(0), Trust::networks([]).unwrap()] {
        assert_eq!(told(&trust, "127.0.0.1", false, &[(FOR, "192.0.2.1"), (PROTO, "https")]), None);
    }
}

#[test]
fn of_trusted_networks_is_said_who_asks_and_how() {
    let trust = Trust::networks(["10.0.0.0/8", "2001:db8::1"]).unwrap();
    let list = [(FOR, "192.0.2.7, 192.0.2.1"), (FOR, "10.1.1.1"), (PROTO, "https")];
    assert_eq!(told(&trust, "10.9.9.9", false, &list), Some(("192.0.2.1:0".to_owned(), true, 443)));
    assert_eq!(told(&trust, "2001:db8::1", false, &list), Some(("192.0.2.1:0".to_owned(), true, 443)));
    // Strangers are not believed, whatever they say.
    assert_eq!(told(&trust, "192.0.2.9", false, &list), None);
    // Who names nobody, or nobody that is one, asks for itself.
    for list in [&[][..], &[(FOR, "192.0.2.1, unknown")], &[(PROTO, "gopher")]] {
        assert_eq!(told(&trust, "10.9.9.9", true, list), Some(("10.9.9.9:9".to_owned(), true, 8080)), "{list:?}");
    }
    assert!(Trust::networks(["10.0.0.0/40"]).is_err());
}

#[test]
fn so_many_hops_are_counted_from_the_end() {
    let list = [(FOR, "192.0.2.3,  192.0.2.2"), (FOR, "192.0.2.1")];
    let at = |hops| told(&Trust::hops(hops), "127.0.0.1", false, &list).unwrap().0;
    assert_eq!([at(1), at(2), at(3)], ["192.0.2.1:0", "192.0.2.2:0", "192.0.2.3:0"]);
    // Fewer than there should be: as Envoy has it, the peer itself.
    assert_eq!(at(4), "127.0.0.1:9");
    assert_eq!(at(u8::MAX), "127.0.0.1:9");
}

#[test]
fn the_nearest_proxy_has_the_last_word_on_scheme_and_port() {
    let trust = Trust::hops(1);
    let port = |list: &[(&'static str, &str)], secure| {
        told(&trust, "127.0.0.1", secure, list).map(|(_, tls, port)| (tls, port))
    };
    assert_eq!(port(&[(PROTO, "http, HTTPS")], false), Some((true, 443)));
    assert_eq!(port(&[(PROTO, "https"), (PROTO, "http")], true), Some((false, 80)));
    assert_eq!(port(&[(PROTO, "https"), ("x-forwarded-port", "8443")], false), Some((true, 8443)));
    for odd in ["0", "65536", "x", ""] {
        assert_eq!(port(&[(PROTO, "http"), ("x-forwarded-port", odd)], false), Some((false, 8080)), "{odd}");
    }
}
