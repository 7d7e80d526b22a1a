//! Whom a request is from, where proxies before this one say so.

use std::borrow::Cow;
use std::net::IpAddr;

use backstay_destination::{Network, NetworkError};
use backstay_proto::config;
use http::{HeaderMap, HeaderName};

use crate::fault::{Checked, Together, all, refuse};
use crate::scalar::header_name;

/// How the client's address is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientAddress {
    /// Headers that may name it; the first that does counts.
    pub headers: Box<[HeaderName]>,
    /// Networks of proxies whose headers are believed.
    pub trusted: Box<[Network]>,
}

impl ClientAddress {
    /// The client of a request that came from `peer` with these headers, as it is written there; `None` if it is the peer. Of the
    /// addresses in a header (several lines of it are one list) it is the last that no trusted proxy has, else the first. One with
    /// anything else behind it names nobody.
    pub fn find<'h>(&self, headers: &'h HeaderMap, peer: IpAddr) -> Option<Cow<'h, str>> {
        if !self.trusts(peer) {
            return None;
        }
        self.headers.iter().find_map(|name| self.named(headers, name))
    }

    fn named<'h>(&self, headers: &'h HeaderMap, name: &HeaderName) -> Option<Cow<'h, str>> {
        let mut lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("-"));
        let first = lines.next()?;
        match lines.next() {
            None => self.last_untrusted(first).map(Cow::Borrowed),
            Some(second) => {
                let mut joined = format!("{first},{second}");
                for line in lines {
                    joined.push(',');
                    joined.push_str(line);
                }
                self.last_untrusted(&joined).map(|found| Cow::Owned(found.to_owned()))
            }
        }
    }

    fn last_untrusted<'l>(&self, list: &'l str) -> Option<&'l str> {
        let mut items = list.split(',').rev().map(str::trim).peekable();
        while let Some(item) = items.next() {
            let address: IpAddr = item.parse().ok()?;
            if items.peek().is_none() || !self.trusts(address) {
                return Some(item);
            }
        }
        None
    }

    /// Whether `address` is one of the proxies that are believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// How the client's address is found, checked.
pub(super) fn client_address(message: &config::ClientAddress) -> Checked<ClientAddress> {
    let headers = message.headers.iter().enumerate();
    let headers = all(headers.map(|(index, name)| header_name(&format!("headers[{index}]"), name)));
    let trusted = message.trusted.iter().enumerate().map(|(index, text)| {
        text.parse::<Network>().or_else(|error: NetworkError| refuse(format!("trusted[{index}]"), error.to_string()))
    });
    let (headers, trusted): (Vec<_>, Vec<_>) = (headers, all(trusted)).together()?;
    Ok(ClientAddress { headers: headers.into(), trusted: trusted.into() })
}

#[cfg(test)]
mod tests;
