//! Listeners.

mod limits;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_destination::HostPattern;
use backstay_proto::config::{self, listener::Protocol};

use crate::fault::{Checked, Fault, Faults, Together, all, refuse, unknown};
use crate::name::{Kind, reference};

pub use limits::ClientLimits;
pub use tls::TlsTerms;

/// A listener, checked by itself: its secrets may not be there yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listener {
    /// Address to bind; `None` stands for all of the host's.
    pub address: Option<IpAddr>,
    /// Port to bind.
    pub port: NonZeroU16,
    /// Host names that it serves.
    pub hosts: HostPattern,
    /// Names of the secrets with its certificates, never empty; `None` without TLS.
    pub secrets: Option<Vec<Arc<str>>>,
    /// On what terms it speaks TLS.
    pub terms: TlsTerms,
    /// What its clients may ask.
    pub limits: ClientLimits,
}

impl Listener {
    /// The socket that it shares with the other listeners of its address and port. `any` is the address that stands for all
    /// addresses of a host.
    #[must_use]
    pub fn socket(&self, any: IpAddr) -> SocketAddr {
        SocketAddr::new(self.address.unwrap_or(any), self.port.get())
    }

    /// Why it cannot share a socket with `other`, which is called `name`: they do not agree on
    /// whether and how it speaks TLS, or on what clients may ask.
    #[must_use]
    pub fn conflict(&self, name: &str, other: &Self, any: IpAddr) -> Option<Fault> {
        if self.socket(any) != other.socket(any) {
            return None;
        }
        if self.secrets.is_some() == other.secrets.is_some() {
            let field = if self.terms != other.terms {
                "tls"
            } else if self.limits != other.limits {
                "limits"
            } else {
                return None;
            };
            // Both hold before it is known whom a client asks for.
            let message = format!("must be those of {name:?}, which has the same address and port");
            return Some(Fault::new(field, message));
        }
        let spoken = if other.secrets.is_some() { "HTTPS" } else { "HTTP" };
        let address = self.socket(any);
        let message = format!("{address} already speaks {spoken} for {name:?}, and a port cannot speak both");
        Some(Fault::new("protocol", message))
    }
}

impl TryFrom<&config::Listener> for Listener {
    type Error = Faults;

    fn try_from(message: &config::Listener) -> Checked<Self> {
        let address = match message.address.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).or_else(|_| refuse("address", format!("{text:?} is not an IP address"))),
        };
        let port = u16::try_from(message.port).ok().and_then(NonZeroU16::new);
        let port = port.map_or_else(|| refuse("port", "must be from 1 to 65535"), Ok);
        let hosts = HostPattern::parse(&message.hostname).or_else(|error| refuse("hostname", error.to_string()));
        let settings = (tls::terms(message.tls.as_ref()), limits::limits(message.limits.as_ref())).together();
        let (address, port, hosts, secrets, (terms, limits)) =
            (address, port, hosts, secrets(message), settings).together()?;
        Ok(Self { address, port, hosts, secrets, terms, limits })
    }
}

fn secrets(message: &config::Listener) -> Checked<Option<Vec<Arc<str>>>> {
    let tls = match (Protocol::try_from(message.protocol), &message.tls) {
        (Ok(Protocol::Http), None) => return Ok(None),
        (Ok(Protocol::Http), Some(_)) => return refuse("tls", "must not be set when protocol is HTTP"),
        (Ok(Protocol::Https), None) => return refuse("tls", "must be set when protocol is HTTPS"),
        (Ok(Protocol::Https), Some(tls)) => tls,
        (Ok(Protocol::Unspecified), _) => return refuse("protocol", "must be set"),
        (Err(_), _) => return unknown("protocol"),
    };
    if tls.secrets.is_empty() {
        return refuse("tls.secrets", "must name at least one secret");
    }
    let secrets = tls.secrets.iter().enumerate();
    all(secrets.map(|(index, name)| reference(Kind::Secret, format!("tls.secrets[{index}]"), name))).map(Some)
}
