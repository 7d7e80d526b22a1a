use std::net::{IpAddr, SocketAddr};

use super::{AddressRules, Network};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn networks(list: &[&str]) -> Vec<Network> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn what_no_outside_name_should_lead_to_is_denied_by_default() {
    let rules = AddressRules::default();
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "192.0.0.192",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::0.0.0.2",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:ffff::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:a9fe:a9fe",
        "2001:db8::5efe:127.0.0.1",
        "2001:db8::200:5efe:a9fe:a9fe",
    ] {
        assert!(!rules.permits_address(ip(text)), "{text}");
    }
    for text in [
        "1.1.1.1",
        "10.0.0.1",
        "100.64.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "192.0.1.1",
        "198.20.0.1",
        "223.255.255.255",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "fd00::1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "64:ff9b:1::8.8.8.8",
        "::ffff:0:8.8.8.8",
        "2001:db8::5efe:8.8.8.8",
    ] {
        assert!(rules.permits_address(ip(text)), "{text}");
    }
}

#[test]
fn private_networks_are_denied_when_asked() {
    let rules = AddressRules { deny_private: true, ..AddressRules::default() };
    for text in [
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "fc00::1",
        "fdff::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:a00:1::",
        "64:ff9b:1::10.0.0.1",
    ] {
        assert!(!rules.permits_address(ip(text)), "{text}");
    }
    for text in ["100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "fe00::1", "8.8.8.8"] {
        assert!(rules.permits_address(ip(text)), "{text}");
    }
}

#[test]
fn allowed_networks_come_first_then_denied_ones() {
    let rules = AddressRules {
        allow: networks(&["127.0.0.1", "10.1.0.0/16", "fe80::/10"]),
        deny: networks(&["10.0.0.0/8", "8.8.8.8", "2001:db8::/32"]),
        ..AddressRules::default()
    };
    for text in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fe80::1", "9.9.9.9"] {
        assert!(rules.permits_address(ip(text)), "{text}");
    }
    for text in ["127.0.0.2", "10.2.0.1", "64:ff9b::10.2.0.1", "8.8.8.8", "::ffff:8.8.8.8", "2001:db8::7", "::1"] {
        assert!(!rules.permits_address(ip(text)), "{text}");
    }
    assert!(AddressRules::allow_all().permits_address(ip("::1")));
    assert!(AddressRules::allow_all().permits_address(ip("0.0.0.0")));
}

#[test]
fn ports_count_for_allowed_addresses_too() {
    let any = AddressRules::allow_all();
    assert!(any.permits_port(1) && any.permits_port(65_535) && !any.permits_port(0));
    let rules = AddressRules { ports: vec![80..=80, 8000..=8999], ..AddressRules::allow_all() };
    for (port, permitted) in
        [(0, false), (79, false), (80, true), (81, false), (8000, true), (8999, true), (9000, false)]
    {
        assert_eq!(rules.permits(SocketAddr::new(ip("8.8.8.8"), port)), permitted, "{port}");
    }
    let zero = AddressRules { ports: vec![0..=10], ..AddressRules::default() };
    assert!(!zero.permits_port(0));
}

#[test]
fn blocks_have_one_spelling_and_nonsense_is_named() {
    for (text, shown) in [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("1.2.3.4", "1.2.3.4/32"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::1/128", "::1/128"),
    ] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
    }
    for text in
        ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "::/129", "10/8", "a.example/8", "010.0.0.0/8"]
    {
        let error = text.parse::<Network>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("{text:?} is not a CIDR block")), "{error}");
    }
    assert!(!"0.0.0.0/0".parse::<Network>().unwrap().contains(ip("::1")));
}
