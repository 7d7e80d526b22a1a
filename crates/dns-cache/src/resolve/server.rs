use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use backstay_destination::hostname::is_dns_name;

#[cfg(test)]
mod tests;

/// RFC 1035 4.2.
const PORT: u16 = 53;
/// RFC 7858 3.1.
const TLS_PORT: u16 = 853;

/// A DNS server, and how it is asked: `IP[:PORT]`, `tcp://IP[:PORT]` over TCP alone, or `tls://IP[:PORT]#NAME` over TLS
/// (RFC 7858).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DnsServer {
    /// Over UDP, and TCP for what does not fit. The port is 53 unless it is written.
    Plain(SocketAddr),
    /// Over TCP alone, for networks that lose UDP. The port is 53 unless it is written.
    Tcp(SocketAddr),
    /// Over TLS. The port is 853 unless it is written.
    Tls {
        /// Address of the server.
        address: SocketAddr,
        /// The name, or address, that its certificate must carry.
        name: Arc<str>,
    },
}

/// A text does not say how to ask a DNS server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DnsServerError {
    /// There is no address in it.
    #[error("must be IP, IP:PORT, tcp://IP[:PORT], or tls://IP[:PORT]#NAME")]
    Form,
    /// Over TLS it must be known who is spoken to.
    #[error("over TLS it must end in #NAME, the name that the server's certificate carries")]
    NoName,
    /// No certificate carries such a name.
    #[error("the part after # must be a host name or an IP address")]
    Name,
}

impl DnsServer {
    /// Address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Plain(address) | Self::Tcp(address) | Self::Tls { address, .. } => *address,
        }
    }
}

impl From<SocketAddr> for DnsServer {
    fn from(address: SocketAddr) -> Self {
        Self::Plain(address)
    }
}

impl FromStr for DnsServer {
    type Err = DnsServerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix("tcp://") {
            return address(rest, PORT).map(Self::Tcp);
        }
        let Some(rest) = text.strip_prefix("tls://") else {
            return address(text, PORT).map(Self::Plain);
        };
        let (rest, name) = rest.split_once('#').ok_or(DnsServerError::NoName)?;
        if name.is_empty() {
            return Err(DnsServerError::NoName);
        }
        if !is_dns_name(name) && name.parse::<IpAddr>().is_err() {
            return Err(DnsServerError::Name);
        }
        Ok(Self::Tls { address: address(rest, TLS_PORT)?, name: name.into() })
    }
}

fn address(text: &str, port: u16) -> Result<SocketAddr, DnsServerError> {
    let address = text.parse().or_else(|_| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse().map(|ip| SocketAddr::new(ip, port))
    });
    address.ok().filter(|address: &SocketAddr| address.port() != 0).ok_or(DnsServerError::Form)
}

impl fmt::Display for DnsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(address) => write!(f, "{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Tls { address, name } => write!(f, "tls://{address}#{name}"),
        }
    }
}
