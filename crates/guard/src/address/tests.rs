use super::check_address;

#[test]
fn loopback_alone_needs_no_word() {
    for address in ["127.0.0.1:1", "127.255.0.3:0", "[::1]:7080", "[::ffff:127.0.0.1]:7080"] {
        assert_eq!(check_address("--api", address.parse().unwrap(), "x"), Ok(()), "{address}");
    }
    for address in ["0.0.0.0:0", "[::]:0", "10.0.0.5:1", "[::ffff:10.0.0.5]:1", "[::ffff:0.0.0.0]:1", "[fe80::1%1]:1"] {
        let refused = check_address("--api", address.parse().unwrap(), "may change everything").unwrap_err();
        let said = refused.to_string();
        assert!(said.starts_with("--api ") && said.ends_with("whoever reaches it may change everything"), "{said}");
    }
}
