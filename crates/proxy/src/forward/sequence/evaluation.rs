//! A request as the expressions of a sequence see it.

use std::cell::Cell;
use std::net::IpAddr;
use std::num::NonZeroU32;

use backstay_balancer::hash_of;
use backstay_expression::{DestinationIndex, Request, SetIndex, TableIndex};
use backstay_model::sequence::{DestinationKind, Selection};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Version};

use crate::config::{Destination, Sequence};
use crate::exchange::Exchange;
use crate::forward::destination;

/// A request as it is after the steps so far.
pub(super) struct Evaluation<'a, 'e> {
    pub(super) sequence: &'a Sequence,
    exchange: &'e Exchange,
    host: &'a str,
    pub(super) parts: Parts,
    /// Position of the destination that is selected so far.
    pub(super) selected: Option<usize>,
    /// Something was looked up in what is not there.
    pub(super) unknown: Cell<bool>,
}

impl<'a, 'e> Evaluation<'a, 'e> {
    pub(super) fn new(sequence: &'a Sequence, exchange: &'e Exchange, host: &'a str, parts: Parts) -> Self {
        Self { sequence, exchange, host, parts, selected: None, unknown: Cell::new(false) }
    }

    /// What the members of `destination` are chosen by, if it is by a hash.
    pub(super) fn key(&self, destination: &Destination) -> Option<u64> {
        match &destination.kind {
            DestinationKind::Pool(pool) => match &pool.selection {
                Selection::Hash(key) => Some(hash_of(key.of(self).as_deref().unwrap_or_default())),
                Selection::Random | Selection::Fallback => None,
            },
            DestinationKind::Backend(_) => None,
        }
    }
}

impl Request for Evaluation<'_, '_> {
    fn method(&self) -> &[u8] {
        self.parts.method.as_str().as_bytes()
    }

    fn target(&self) -> &[u8] {
        self.parts.uri.path_and_query().map_or(b"", |target| target.as_str().as_bytes())
    }

    fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    fn host(&self) -> &[u8] {
        self.host.as_bytes()
    }

    fn scheme(&self) -> &'static str {
        self.exchange.scheme()
    }

    fn protocol(&self) -> &'static str {
        match self.parts.version {
            Version::HTTP_2 => "HTTP/2",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        }
    }

    fn client(&self) -> IpAddr {
        self.exchange.address()
    }

    fn client_text(&self) -> &[u8] {
        self.exchange.address_value().as_bytes()
    }

    fn selected(&self) -> Option<&[u8]> {
        self.sequence.destinations.get(self.selected?).map(|destination| destination.name.as_bytes())
    }

    fn is_healthy(&self, destination: Option<DestinationIndex>) -> bool {
        let index = destination.map(|DestinationIndex(index)| index).or(self.selected);
        let meant = index.and_then(|index| self.sequence.destinations.get(index));
        meant.is_some_and(destination::is_healthy)
    }

    fn lookup(&self, table: TableIndex, key: &[u8]) -> Option<Bytes> {
        let Some(slot) = self.sequence.tables.get(table.0).and_then(|table| table.slot.as_ref()) else {
            self.unknown.set(true);
            return None;
        };
        slot.load().get(key).cloned()
    }

    fn contains(&self, table: TableIndex, key: &[u8]) -> bool {
        let Some(slot) = self.sequence.tables.get(table.0).and_then(|table| table.slot.as_ref()) else {
            self.unknown.set(true);
            return false;
        };
        slot.load().contains(key)
    }

    fn is_within(&self, set: SetIndex, address: IpAddr) -> bool {
        let Some(slot) = self.sequence.address_sets.get(set.0).and_then(|set| set.slot.as_ref()) else {
            self.unknown.set(true);
            return false;
        };
        slot.load().contains(address)
    }

    fn now(&self) -> String {
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string()
    }

    fn random_below(&self, bound: NonZeroU32) -> u32 {
        u32::try_from(self.exchange.client.thread.random_below(u64::from(bound.get()))).unwrap_or_default()
    }
}
