//! Proxies in front of this one that are believed.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;

use backstay_destination::{Network, NetworkError};
use backstay_model::ClientAddress;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Whom requests have passed on their way.
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Scheme that the client used.
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Port that the client connected to.
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// Which proxies in front of this one are believed when they say for whom they ask: in `X-Forwarded-For`, `X-Forwarded-Proto` and
/// `X-Forwarded-Port`. Default none, since whoever is believed can be anyone.
#[derive(Clone, Debug, Default)]
pub struct Trust(Option<Believed>);

#[derive(Clone, Debug)]
enum Believed {
    /// Those in these networks, and whom they name among them.
    Networks(ClientAddress),
    /// So many, whoever they are; as Envoy's `xff_num_trusted_hops`.
    Hops(NonZeroU8),
}

/// Where a request comes from, as the proxies say that passed it on.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The client's address. Its port is not known, and 0.
    pub(crate) client: SocketAddr,
    /// The client's address as a header carries it.
    pub(crate) client_value: HeaderValue,
    /// Whether the client speaks TLS.
    pub(crate) secure: bool,
    /// The port that it connected to.
    pub(crate) port: u16,
}

/// The connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) peer_value: &'a HeaderValue,
    pub(crate) secure: bool,
    pub(crate) port: u16,
}

impl Trust {
    /// Believes the proxies of these networks: addresses, or as in `10.0.0.0/8`. Without any, nobody.
    ///
    /// # Errors
    /// When one is no network.
    pub fn networks<'n>(networks: impl IntoIterator<Item = &'n str>) -> Result<Self, NetworkError> {
        let trusted = networks.into_iter().map(str::parse).collect::<Result<Box<[Network]>, _>>()?;
        let believed = ClientAddress { headers: Box::new([FORWARDED_FOR]), trusted };
        Ok(Self((!believed.trusted.is_empty()).then_some(Believed::Networks(believed))))
    }

    /// Believes the last `hops` proxies that a request passed, whoever they are: right only where nobody can get past them.
    #[must_use]
    pub fn hops(hops: u8) -> Self {
        Self(NonZeroU8::new(hops).map(Believed::Hops))
    }

    /// Where the request with `headers` comes from that came on `connection`; `None` where that is for the connection alone to say.
    #[inline]
    pub(crate) fn origin(&self, headers: &HeaderMap, connection: Connection<'_>) -> Option<Box<Origin>> {
        self.0.as_ref().and_then(|believed| believed.origin(headers, connection))
    }
}

impl Believed {
    fn origin(&self, headers: &HeaderMap, connection: Connection<'_>) -> Option<Box<Origin>> {
        let client = match self {
            Self::Networks(networks) => {
                if !networks.trusts(connection.peer.ip()) {
                    return None;
                }
                networks.find(headers, connection.peer.ip()).and_then(|found| found.parse().ok())
            }
            Self::Hops(hops) => passed(headers, hops.get()),
        };
        let secure = last(headers, &FORWARDED_PROTO).and_then(|scheme| {
            let is = |known: &str| scheme.eq_ignore_ascii_case(known.as_bytes());
            (is("https") || is("http")).then(|| is("https"))
        });
        let secure = secure.unwrap_or(connection.secure);
        let told = last(headers, &FORWARDED_PORT).and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
        let port = told.filter(|port| *port != 0).unwrap_or(match (secure, connection.secure) {
            // The port of this proxy is none that a client of another scheme has connected to.
            (true, false) => 443,
            (false, true) => 80,
            _ => connection.port,
        });
        let (client, client_value) = match client {
            Some(client) => (SocketAddr::new(client, 0), HeaderValue::try_from(client.to_string()).ok()),
            None => (connection.peer, None),
        };
        let client_value = client_value.unwrap_or_else(|| connection.peer_value.clone());
        Some(Box::new(Origin { client, client_value, secure, port }))
    }
}

/// The address at the given place from the end of `X-Forwarded-For`, counted from 1. Lines are one list (RFC 9110, 5.3).
fn passed(headers: &HeaderMap, place: u8) -> Option<IpAddr> {
    let lines = headers.get_all(&FORWARDED_FOR).into_iter().rev();
    let mut items = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let item = items.nth(usize::from(place) - 1)?;
    let address: IpAddr = std::str::from_utf8(item.trim_ascii()).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

/// The last element of a list, which the nearest proxy has written.
fn last<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let line = headers.get_all(name).into_iter().next_back()?;
    line.as_bytes().rsplit(|byte| *byte == b',').next().map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
