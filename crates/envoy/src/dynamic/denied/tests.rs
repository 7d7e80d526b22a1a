use std::net::IpAddr;

use backstay_destination::{AddressRules, Network};

use super::networks;

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

fn denies(rules: &AddressRules, address: &str) -> bool {
    let address: IpAddr = address.parse().unwrap();
    networks(rules).iter().any(|network| network.contains(address))
}

/// First and last addresses of what is special or private, those beside them, and some of the outside world.
const ADDRESSES: [&str; 44] = [
    "0.0.0.0",
    "0.255.255.255",
    "1.0.0.0",
    "9.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.100.100.201",
    "100.127.255.255",
    "100.128.0.0",
    "127.0.0.1",
    "128.0.0.0",
    "168.63.129.16",
    "169.253.255.255",
    "169.254.169.254",
    "172.15.255.255",
    "172.16.0.0",
    "172.32.0.0",
    "192.0.0.8",
    "192.0.1.0",
    "192.168.0.1",
    "198.17.255.255",
    "198.19.255.255",
    "223.255.255.255",
    "224.0.0.1",
    "255.255.255.255",
    "8.8.8.8",
    "::",
    "::1",
    "::2:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "2002:7f00:1::",
    "2002:808:808::",
    "fe80::1",
    "fec0::1",
    "fd00:ec2::254",
    "2606:4700::1111",
    "fc00::1",
];

#[test]
fn the_networks_are_those_that_the_rules_deny() {
    let private = AddressRules { deny_private: true, ..AddressRules::default() };
    let some = AddressRules {
        allow: vec![network("127.0.0.0/30"), network("fe80::/64")],
        deny: vec![network("8.8.0.0/16")],
        ..AddressRules::default()
    };
    for rules in [AddressRules::default(), private, some, AddressRules::allow_all()] {
        for address in ADDRESSES {
            let permitted = rules.permits_address(address.parse().unwrap());
            assert_eq!(denies(&rules, address), !permitted, "{address} under {rules:?}");
        }
    }
}

#[test]
fn rules_that_deny_nothing_have_no_filter() {
    assert_eq!(super::filter(&AddressRules::allow_all()), None);
}
