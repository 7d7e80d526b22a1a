use super::*;

#[test]
fn an_address_says_members_prefix_and_options() {
    let options =
        EtcdOptions::parse("etcd://a,b:1234,[::1]:5/east/?max-txn-ops=1000&max-request-bytes=4194304").unwrap();
    assert_eq!(options.endpoints, ["a:2379", "b:1234", "[::1]:5"]);
    assert_eq!(options.prefix, "/east");
    assert_eq!((options.limits.operations, options.limits.value_bytes), (998, 3 << 20));
    assert_eq!(EtcdOptions::parse("etcd://a").unwrap().prefix, "/backstay");
    let tls = EtcdOptions::parse("etcds://a?ca=/ca.pem&cert=/c.pem&key=/k.pem&server-name=etcd").unwrap().tls.unwrap();
    assert_eq!(tls.ca, Some("/ca.pem".into()));
    assert_eq!(tls.certificate, Some(("/c.pem".into(), "/k.pem".into())));
    assert_eq!(tls.server_name.as_deref(), Some("etcd"));
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    for (address, said) in [
        ("redis://a", "neither etcd:// nor etcds://"),
        ("etcd://", "is not HOST:PORT"),
        ("etcd://a,,b", "is not HOST:PORT"),
        ("etcd://root:secret@a", "user and password-file"),
        ("etcd://a?ca=/x", "ca is for etcds:// alone"),
        ("etcds://a?cert=/x", "cert and key are given together"),
        ("etcd://a?user=root", "user and password-file are given together"),
        ("etcd://a?max-txn-ops=2", "not a number above 2"),
        ("etcd://a?password-file=/nowhere/at/all&user=u", "cannot read /nowhere/at/all"),
        ("etcd://a?timeout=3", "\"timeout\" is none of"),
    ] {
        let error = EtcdOptions::parse(address).unwrap_err().to_string();
        assert!(error.contains(said), "{address}: {error}");
    }
}
