use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use backstay_proto::config::{Listener, listener::Protocol};

use super::fault::{Checked, Fault};
use super::resource::{Kind, kind_of};
use crate::config::HostPattern;

/// A listener, checked by itself: its secrets may not be there yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListenerPlan {
    pub(crate) address: SocketAddr,
    pub(crate) hosts: HostPattern,
    /// Names of the secrets with its certificates, never empty; `None` without TLS.
    pub(crate) secrets: Option<Vec<Arc<str>>>,
}

/// Checks a listener. `any` is the address that stands for all addresses of this host.
pub(crate) fn listener(listener: &Listener, any: IpAddr) -> Checked<ListenerPlan> {
    let ip = match listener.address.as_str() {
        "" => any,
        text => text.parse().map_err(|_| Fault::new("address", format!("{text:?} is not an IP address")))?,
    };
    let port = u16::try_from(listener.port).ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| Fault::new("port", "must be from 1 to 65535"))?;
    let hosts = HostPattern::parse(&listener.hostname).map_err(|error| Fault::new("hostname", error.to_string()))?;
    let secrets = match (Protocol::try_from(listener.protocol), &listener.tls) {
        (Ok(Protocol::Http), None) => None,
        (Ok(Protocol::Http), Some(_)) => return Err(Fault::new("tls", "must not be set when protocol is HTTP")),
        (Ok(Protocol::Https), None) => return Err(Fault::new("tls", "must be set when protocol is HTTPS")),
        (Ok(Protocol::Https), Some(tls)) => {
            if tls.secrets.is_empty() {
                return Err(Fault::new("tls.secrets", "must name at least one secret"));
            }
            let secrets = tls.secrets.iter().enumerate();
            let secrets = secrets.map(|(index, name)| secret_name(&format!("tls.secrets[{index}]"), name));
            Some(secrets.collect::<Checked<_>>()?)
        }
        (Ok(Protocol::Unspecified), _) => return Err(Fault::new("protocol", "must be set")),
        (Err(_), _) => return Err(Fault::unknown("protocol")),
    };
    Ok(ListenerPlan { address: SocketAddr::new(ip, port), hosts, secrets })
}

/// A reference to a secret.
pub(super) fn secret_name(field: &str, name: &str) -> Checked<Arc<str>> {
    match kind_of(name) {
        Some(Kind::Secret) => Ok(name.into()),
        _ => Err(Fault::new(field, format!("{name:?} is not the name of a secret"))),
    }
}
