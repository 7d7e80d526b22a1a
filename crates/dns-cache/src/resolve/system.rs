//! What the system is set up with: its name servers, its hosts file, its certificate authorities.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use rustls::RootCertStore;

use super::RecordKind;
use super::error::ResolverError;
use super::server::DnsServer;

#[cfg(test)]
mod tests;

pub(super) const RESOLV_CONF: &str = "/etc/resolv.conf";
pub(super) const HOSTS: &str = "/etc/hosts";
/// RFC 1035 4.2.
const PORT: u16 = 53;

/// The name servers of resolv.conf(5), and whether they are asked with an OPT record.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct SystemServers {
    pub(super) servers: Vec<DnsServer>,
    pub(super) edns: bool,
}

impl SystemServers {
    /// What a file has of them.
    ///
    /// # Errors
    /// When there is none in it.
    pub(super) fn of_file(bytes: &[u8]) -> io::Result<Self> {
        let found = Self::parse(&String::from_utf8_lossy(bytes));
        if found.servers.is_empty() {
            return Err(io::Error::other("it names no name server"));
        }
        Ok(found)
    }

    /// `search`, `ndots` and the like are for names that are to be completed, which none is here; how often and for how long to ask
    /// is our own.
    fn parse(text: &str) -> Self {
        let mut found = Self { servers: Vec::new(), edns: false };
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.split('%').next()).map(str::parse::<IpAddr>);
                    match address {
                        Some(Ok(address)) => found.servers.push(SocketAddr::new(address, PORT).into()),
                        _ => tracing::warn!(line, "a name server of {RESOLV_CONF} has no address"),
                    }
                }
                Some("options") => found.edns |= words.any(|word| word == "edns0"),
                _ => {}
            }
        }
        found
    }
}

/// The names of hosts(5).
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<String, Vec<IpAddr>>);

impl Hosts {
    /// What a file has of them.
    pub(super) fn of_file(bytes: &[u8]) -> Self {
        Self::parse(&String::from_utf8_lossy(bytes))
    }

    fn parse(text: &str) -> Self {
        let mut names: HashMap<String, Vec<IpAddr>> = HashMap::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.trim_start_matches('\u{feff}').split_ascii_whitespace();
            let Some(address) = words.next() else {
                continue;
            };
            let Ok(address) = address.parse() else {
                tracing::warn!(line, "a line of {HOSTS} does not begin with an address");
                continue;
            };
            for name in words {
                let name = name.to_ascii_lowercase();
                let addresses = names.entry(name.strip_suffix('.').unwrap_or(&name).to_owned()).or_default();
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        Self(names)
    }

    /// The addresses of one family of `name`, which is in lower case and without a trailing dot. Empty if it has none here.
    pub(super) fn find(&self, name: &str, kind: RecordKind) -> Vec<IpAddr> {
        let of_family = |address: &&IpAddr| address.is_ipv4() == (kind == RecordKind::A);
        self.0.get(name).into_iter().flatten().filter(of_family).copied().collect()
    }
}

/// The authorities that the system trusts.
pub(super) fn roots() -> Result<RootCertStore, ResolverError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(ResolverError::Roots("the system's certificate authorities cannot be read".to_owned()));
    }
    Ok(roots)
}
