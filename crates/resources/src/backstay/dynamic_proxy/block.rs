//! CIDR blocks.

use std::net::IpAddr;

/// A CIDR block, RFC 4632 and RFC 4291 section 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Block {
    /// The address as a number of 128 bits; IPv4 in the upper 32.
    bits: u128,
    length: u32,
    is_v4: bool,
}

impl Block {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "must be a CIDR block (e.g. '10.0.0.0/8' or 'fd00::/8')";
        let (address, length) = match text.split_once('/') {
            Some(parts) => parts,
            None => match text.parse::<IpAddr>() {
                Ok(address) => return Err(format!("{FORM}: for the one address write '{address}/{}'", width(address))),
                Err(_) => return Err(FORM.into()),
            },
        };
        let address: IpAddr = address.parse().map_err(|_| FORM)?;
        let is_number = (1..=3).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_digit());
        let length: u32 = length.parse().ok().filter(|_| is_number).ok_or(FORM)?;
        if length > width(address) {
            return Err(format!("{FORM}: the length of its prefix is {} at most", width(address)));
        }
        let bits = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
                return Err("is of IPv4 addresses within IPv6: write the IPv4 block".into());
            }
            IpAddr::V6(address) => address.to_bits(),
        };
        let block = Self { bits, length, is_v4: address.is_ipv4() };
        if bits & !block.mask() != 0 {
            return Err(format!("has bits beyond its prefix: write '{}/{length}'", block.first()));
        }
        Ok(block)
    }

    /// Whether every address of `other` is one of this block.
    pub(super) fn covers(self, other: Self) -> bool {
        self.is_v4 == other.is_v4 && self.length <= other.length && other.bits & self.mask() == self.bits
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - self.length).unwrap_or(0)
    }

    fn first(self) -> IpAddr {
        let bits = self.bits & self.mask();
        match u32::try_from(bits >> 96) {
            Ok(bits) if self.is_v4 => IpAddr::V4(bits.into()),
            _ => IpAddr::V6(bits.into()),
        }
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}
