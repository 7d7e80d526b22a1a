//! Which addresses may be dialled, whatever a name resolves to.
//!
//! A name is not a promise: whoever owns it decides where it leads, and may decide anew between two lookups. So what is
//! checked is each address that came of a lookup, and only addresses that passed are ever handed out.

mod network;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

pub use network::{Network, NetworkError};

#[cfg(test)]
mod tests;

/// Which addresses and ports may be dialled.
///
/// The default denies what no name of the outside world has any business to lead to ([`AddressRules::is_special`]).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressRules {
    /// Networks that may be dialled, before all other rules about addresses.
    pub allow: Vec<Network>,
    /// Networks that may not.
    pub deny: Vec<Network>,
    /// Whether private networks (RFC 1918, RFC 4193, RFC 6598) are denied as well.
    pub deny_private: bool,
    /// Ports that may be dialled, whatever the address. Empty: all but 0, which never may.
    pub ports: Vec<RangeInclusive<u16>>,
}

impl AddressRules {
    /// Rules that deny nothing, as Envoy's default.
    #[must_use]
    pub fn allow_all() -> Self {
        let everything = |address: IpAddr| Network::new(address, 0);
        Self {
            allow: vec![everything(Ipv4Addr::UNSPECIFIED.into()), everything(Ipv6Addr::UNSPECIFIED.into())],
            ..Self::default()
        }
    }

    /// Whether `address` may be dialled.
    #[must_use]
    pub fn permits(&self, address: SocketAddr) -> bool {
        self.permits_port(address.port()) && self.permits_address(address.ip())
    }

    /// Whether `port` may be dialled at any address.
    #[must_use]
    pub fn permits_port(&self, port: u16) -> bool {
        port != 0 && (self.ports.is_empty() || self.ports.iter().any(|range| range.contains(&port)))
    }

    /// Whether `address` may be dialled at any port. An IPv4 address that is embedded in an IPv6 one is judged like itself:
    /// that is where packets end up.
    #[must_use]
    pub fn permits_address(&self, address: IpAddr) -> bool {
        let embedded = embedded(address).map(IpAddr::V4);
        let any = |networks: &[Network]| {
            networks
                .iter()
                .any(|network| network.contains(address) || embedded.is_some_and(|inner| network.contains(inner)))
        };
        if any(&self.allow) {
            return true;
        }
        let judged = |judge: fn(IpAddr) -> bool| judge(address) || embedded.is_some_and(judge);
        !(any(&self.deny) || judged(Self::is_special) || self.deny_private && judged(Self::is_private))
    }

    /// Loopback, link-local, unspecified, multicast, broadcast and reserved addresses, and those at which clouds serve metadata
    /// and credentials.
    #[must_use]
    pub fn is_special(address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => match address.octets() {
                // This network, loopback, link-local (where most metadata services are).
                [0 | 127, ..] | [169, 254, ..] |
                // IETF protocol assignments (RFC 6890), benchmarks (RFC 2544).
                [192, 0, 0, _] | [198, 18 | 19, ..] |
                // Multicast, reserved, broadcast.
                [224..=255, ..] |
                // Metadata of Alibaba Cloud and of Azure, which are not at a link-local address.
                [100, 100, 100, 200] | [168, 63, 129, 16] => true,
                _ => false,
            },
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let top = |length: u32| bits >> (128 - length);
                address.is_unspecified()
                    || address.is_loopback()
                    || address.is_multicast()
                    || address.is_unicast_link_local()
                    // Site-local (RFC 3879), discard (RFC 6666), Teredo (RFC 4380), whose endpoint is hidden in its bits.
                    || top(10) == 0xfec0 >> 6
                    || top(64) == 0x0100_0000_0000_0000
                    || top(32) == 0x2001_0000
                    // Metadata and credentials: Amazon, which has several there, Google, Oracle and Scaleway.
                    || top(32) == 0xfd00_0ec2
                    || address == Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)
                    || address == Ipv6Addr::new(0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)
                    || address == Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042)
            }
        }
    }

    /// Networks of one organisation: RFC 1918, RFC 6598 (carriers), RFC 4193, and RFC 8215, through which a translator may
    /// reach any of them.
    #[must_use]
    pub fn is_private(address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                let [one, two, ..] = address.octets();
                address.is_private() || one == 100 && two & 0xc0 == 64
            }
            IpAddr::V6(address) => address.is_unique_local() || address.to_bits() >> 80 == 0x0064_ff9b_0001,
        }
    }
}

/// The IPv4 address in an IPv6 one that leads to it: mapped (`::ffff:0:0/96`), compatible (`::/96`), translated
/// (`64:ff9b::/96`, RFC 6052, the last bits of `64:ff9b:1::/48`, RFC 8215, and `::ffff:0:0:0/96`, RFC 7915) or tunnelled
/// (`2002::/16`, RFC 3056, and `5efe:` before it in the last half, RFC 5214).
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    let bits = address.to_bits();
    // Truncation takes the bits that are meant.
    match bits >> 32 {
        // `::` and `::1` are not IPv4 addresses, and are judged by themselves.
        0 if bits <= 1 => None,
        0 | 0xffff | 0xffff_0000 | 0x0064_ff9b_0000_0000_0000_0000 => Some(Ipv4Addr::from_bits(bits as u32)),
        _ if bits >> 112 == 0x2002 => Some(Ipv4Addr::from_bits((bits >> 80) as u32)),
        prefix if prefix >> 48 == 0x0064_ff9b_0001 || matches!(prefix as u32, 0x5efe | 0x0200_5efe) => {
            Some(Ipv4Addr::from_bits(bits as u32))
        }
        _ => None,
    }
}
