use std::net::SocketAddr;

/// An address is reached by other machines, and nothing protects what is behind it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {address} can be reached from other machines, and whoever reaches it {harm}")]
pub struct Exposed {
    /// The option that gave the address, such as `--api`.
    pub option: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// What whoever reaches it does, such as `may change everything`.
    pub harm: &'static str,
}

/// Whether only this machine reaches what listens on `address`: it is of loopback, in the forms of IPv4, of IPv6, and of
/// IPv4 within IPv6 (RFC 4291, section 2.5.5.2).
///
/// # Errors
/// [`Exposed`] for every other address, `0.0.0.0` and `[::]` included.
pub fn check_address(option: &'static str, address: SocketAddr, harm: &'static str) -> Result<(), Exposed> {
    if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(Exposed { option, address, harm }) }
}

#[cfg(test)]
mod tests;
