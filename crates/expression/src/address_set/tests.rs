use proptest::prelude::*;

use super::*;

fn set(networks: &[(&str, bool)]) -> AddressSet {
    AddressSet::new(networks.iter().map(|(network, is_in)| (network.parse().unwrap(), *is_in))).unwrap()
}

fn has(set: &AddressSet, address: &str) -> bool {
    set.contains(address.parse().unwrap())
}

#[test]
fn the_longest_network_decides() {
    let set = set(&[("10.0.0.0/8", true), ("10.1.0.0/16", false), ("10.1.2.0/24", true), ("10.1.2.3", false)]);
    assert!(has(&set, "10.0.0.0") && has(&set, "10.255.255.255") && has(&set, "10.1.2.4"));
    assert!(!has(&set, "10.1.0.0") && !has(&set, "10.1.255.255") && !has(&set, "10.1.2.3"));
    assert!(!has(&set, "9.255.255.255") && !has(&set, "11.0.0.0"));
}

#[test]
fn embedded_addresses_are_what_they_embed() {
    let set = set(&[("10.0.0.0/8", true), ("::ffff:192.168.0.0/112", true), ("2001:db8::/32", true)]);
    assert!(has(&set, "::ffff:10.0.0.1") && has(&set, "192.168.0.9") && has(&set, "2001:db8::1"));
    assert!(!has(&set, "::a00:1") && !has(&set, "192.169.0.9") && !has(&set, "2001:db9::1"));
}

#[test]
fn the_ends_of_the_address_space_are_part_of_it() {
    let set = set(&[("0.0.0.0/0", true), ("255.255.255.255", false), ("::/0", true)]);
    assert!(has(&set, "0.0.0.0") && has(&set, "255.255.255.254") && !has(&set, "255.255.255.255"));
    assert!(has(&set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") && has(&set, "::"));
    assert!(!has(&AddressSet::default(), "::1"));
}

#[test]
fn a_network_cannot_be_both() {
    let network = "10.0.0.0/8".parse().unwrap();
    let networks = [(network, true), ("10.2.3.4/8".parse().unwrap(), false)];
    assert_eq!(AddressSet::new(networks).unwrap_err(), Conflict { network, position: 1 });
    assert!(AddressSet::new([(network, true), (network, true)]).is_ok());
}

/// Networks close to each other, so that many hold and touch one another.
fn network() -> impl Strategy<Value = (Network, bool)> {
    let v4 = (0_u32..64, 24_u8..=32).prop_map(|(bits, length)| (IpAddr::V4((bits << 2).into()), length));
    let v6 = (0_u128..64, 120_u8..=128).prop_map(|(bits, length)| (IpAddr::V6((bits << 2).into()), length));
    (prop_oneof![v4, v6], any::<bool>()).prop_map(|((address, length), is_in)| (Network::new(address, length), is_in))
}

proptest! {
    #[test]
    fn agrees_with_a_search_for_the_longest(networks in proptest::collection::vec(network(), 0..24)) {
        let Ok(set) = AddressSet::new(networks.clone()) else { return Ok(()) };
        for bits in 0_u32..300 {
            for address in [IpAddr::V4(bits.into()), IpAddr::V6(u128::from(bits).into())] {
                let holding = networks.iter().filter(|(network, _)| network.contains(address));
                let longest = holding.max_by_key(|(network, _)| network.length());
                prop_assert_eq!(set.contains(address), longest.is_some_and(|(_, is_in)| *is_in), "{}", address);
            }
        }
    }
}
