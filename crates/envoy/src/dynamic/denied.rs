//! Which addresses are not dialled, as the list of networks that Envoy's cache takes out of every answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use backstay_destination::{AddressRules, Network};
use envoy_types::pb::envoy::r#type::matcher::v3::AddressMatcher;
use envoy_types::pb::google::protobuf::UInt32Value;
use envoy_types::pb::xds::core::v3::CidrRange;

#[cfg(test)]
mod tests;

/// As [`AddressRules::is_special`] has them, and all that may lead to IPv4 addresses which stand where no network can tell them (RFC 8215).
const SPECIAL: [&str; 20] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "198.18.0.0/15",
    "224.0.0.0/3",
    "100.100.100.200",
    "168.63.129.16",
    "::",
    "::1",
    "ff00::/8",
    "fe80::/10",
    "fec0::/10",
    "100::/64",
    "2001::/32",
    "fd00:ec2::/32",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "64:ff9b:1::/48",
];

/// As [`AddressRules::is_private`] has them.
const PRIVATE: [&str; 5] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

/// Where IPv4 addresses stand in IPv6 ones that lead to them, with how many bits before: mapped, compatible, translated twice, tunnelled.
const EMBEDDING: [(&str, u8); 5] =
    [("::ffff:0:0", 96), ("::", 96), ("64:ff9b::", 96), ("::ffff:0:0:0", 96), ("2002::", 16)];

/// `None` where nothing is denied.
pub(super) fn filter(rules: &AddressRules) -> Option<AddressMatcher> {
    let ranges: Vec<CidrRange> = networks(rules).iter().map(range).collect();
    (!ranges.is_empty()).then_some(AddressMatcher { ranges, ..Default::default() })
}

fn range(network: &Network) -> CidrRange {
    let prefix_len = Some(UInt32Value { value: network.length().into() });
    CidrRange { address_prefix: network.address().to_string(), prefix_len }
}

/// The networks that are denied, those that are allowed taken out of them, in order and once.
fn networks(rules: &AddressRules) -> Vec<Network> {
    let texts = SPECIAL.iter().chain(if rules.deny_private { &PRIVATE[..] } else { &[] });
    let own = texts.filter_map(|text| text.parse().ok());
    let denied: Vec<Network> = own.chain(rules.deny.iter().copied()).collect();
    let mut left = Vec::new();
    for network in &denied {
        subtract(*network, &rules.allow, &mut left);
    }
    let embedded: Vec<Network> = left.iter().flat_map(embedded).collect();
    for network in embedded {
        subtract(network, &rules.allow, &mut left);
    }
    left.sort_by_key(|network| (network.address(), network.length()));
    left.dedup();
    left
}

/// What of a network none of `allowed` holds.
fn subtract(network: Network, allowed: &[Network], left: &mut Vec<Network>) {
    if allowed.iter().any(|allowed| covers(*allowed, network)) {
        return;
    }
    if !allowed.iter().any(|allowed| covers(network, *allowed)) {
        return left.push(network);
    }
    for half in halves(network) {
        subtract(half, allowed, left);
    }
}

fn covers(outer: Network, inner: Network) -> bool {
    outer.length() <= inner.length() && outer.contains(inner.address())
}

fn halves(network: Network) -> [Network; 2] {
    let length = network.length() + 1;
    let upper = match network.address() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() | 1 << (32 - u32::from(length)))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() | 1 << (128 - u32::from(length)))),
    };
    [Network::new(network.address(), length), Network::new(upper, length)]
}

/// The networks of IPv6 that lead to a network of IPv4.
fn embedded(network: &Network) -> Vec<Network> {
    let IpAddr::V4(inner) = network.address() else { return Vec::new() };
    let place = |(prefix, before): &(&str, u8)| {
        let prefix: Ipv6Addr = prefix.parse().ok()?;
        let bits = u128::from(inner.to_bits()) << (96 - u32::from(*before));
        Some(Network::new(Ipv6Addr::from_bits(prefix.to_bits() | bits).into(), before + network.length()))
    };
    EMBEDDING.iter().filter_map(place).collect()
}
