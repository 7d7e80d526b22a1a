//! Sets of addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use backstay_destination::Network;

/// A set of addresses, made of networks that are in it or excluded from it. The longest network that holds an address decides.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressSet {
    v4: Ranges,
    v6: Ranges,
}

/// A network is both in a set and excluded from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{network} is in the set and excluded from it")]
pub struct Conflict {
    /// The network.
    pub network: Network,
    /// Its second position among the networks given.
    pub position: usize,
}

/// Whether what begins at an address is in the set, up to the next one. Sorted; what precedes the first is not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Ranges(Box<[(u128, bool)]>);

impl AddressSet {
    /// A set of `networks`, each in it for `true`, excluded for `false`.
    ///
    /// # Errors
    /// When one network is given with both.
    pub fn new(networks: impl IntoIterator<Item = (Network, bool)>) -> Result<Self, Conflict> {
        // In order of the first address, the wider network first: each is preceded by those that hold it.
        let (mut v4, mut v6) = (BTreeMap::new(), BTreeMap::new());
        for (position, (network, is_in)) in networks.into_iter().enumerate() {
            let plain = unmapped(network);
            let (start, bits, into) = match plain.address() {
                IpAddr::V4(address) => (u128::from(address.to_bits()), 32, &mut v4),
                IpAddr::V6(address) => (address.to_bits(), 128, &mut v6),
            };
            let free = bits - u32::from(plain.length());
            let size = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
            let end = start.saturating_add(size);
            let before = into.insert((start, plain.length()), (end, is_in));
            if before.is_some_and(|(_, before)| before != is_in) {
                return Err(Conflict { network, position });
            }
        }
        Ok(Self { v4: Ranges::new(v4), v6: Ranges::new(v6) })
    }

    /// Whether it holds `address`. An IPv4 address embedded in IPv6 (`::ffff:10.0.0.1`) is that IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.contains(address.to_bits().into()),
            IpAddr::V6(address) => self.v6.contains(address.to_bits()),
        }
    }
}

/// The IPv4 network that a network of IPv4 addresses embedded in IPv6 is.
fn unmapped(network: Network) -> Network {
    match (network.address().to_canonical(), network.length().checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(length)) if network.address().is_ipv6() => Network::new(address, length),
        _ => network,
    }
}

impl Ranges {
    fn new(networks: BTreeMap<(u128, u8), (u128, bool)>) -> Self {
        let mut ranges = Vec::new();
        // Networks that hold the place that has been come to, the widest first.
        let mut around: Vec<(u128, bool)> = Vec::new();
        for ((start, _), (end, is_in)) in networks {
            close(&mut around, &mut ranges, Some(start));
            begin(&mut ranges, start, is_in);
            around.push((end, is_in));
        }
        close(&mut around, &mut ranges, None);
        Self(ranges.into())
    }

    fn contains(&self, address: u128) -> bool {
        let at = self.0.partition_point(|(start, _)| *start <= address);
        at.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, is_in)| *is_in)
    }
}

/// Leaves networks that end before `next`; all of them for `None`.
fn close(around: &mut Vec<(u128, bool)>, ranges: &mut Vec<(u128, bool)>, next: Option<u128>) {
    while let Some((end, _)) = around.pop_if(|(end, _)| next.is_none_or(|next| *end < next)) {
        let Some(after) = end.checked_add(1) else { continue };
        begin(ranges, after, around.last().is_some_and(|(_, is_in)| *is_in));
    }
}

/// From `start` on, addresses are in the set or not. A later word on the same start takes the place of an earlier one.
fn begin(ranges: &mut Vec<(u128, bool)>, start: u128, is_in: bool) {
    while ranges.pop_if(|(before, _)| *before >= start).is_some() {}
    if ranges.last().is_some_and(|(_, before)| *before) != is_in {
        ranges.push((start, is_in));
    }
}

#[cfg(test)]
mod tests;
