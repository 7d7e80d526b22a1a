use std::cell::Cell;
use std::net::IpAddr;
use std::num::NonZeroU32;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{AddressSet, DestinationIndex, Request, SetIndex, Table, TableIndex};

/// A request whose parts are all known.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) target: Vec<u8>,
    pub(super) headers: HeaderMap,
    pub(super) tables: Vec<Table>,
    pub(super) sets: Vec<AddressSet>,
    pub(super) healthy: Vec<bool>,
    pub(super) selected: Option<usize>,
    pub(super) next_random: Cell<u32>,
}

impl Example {
    pub(super) fn new(target: &str) -> Self {
        Self {
            target: target.into(),
            headers: HeaderMap::new(),
            tables: Vec::new(),
            sets: Vec::new(),
            healthy: Vec::new(),
            selected: None,
            next_random: Cell::new(0),
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }
}

impl Request for Example {
    fn method(&self) -> &[u8] {
        b"GET"
    }

    fn target(&self) -> &[u8] {
        &self.target
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn host(&self) -> &[u8] {
        b"example.com"
    }

    fn scheme(&self) -> &'static str {
        "https"
    }

    fn protocol(&self) -> &'static str {
        "HTTP/2"
    }

    fn client(&self) -> IpAddr {
        IpAddr::from([10, 0, 0, 1])
    }

    fn client_text(&self) -> &[u8] {
        b"10.0.0.1"
    }

    fn selected(&self) -> Option<&[u8]> {
        self.selected.map(|_| &b"selected"[..])
    }

    fn is_healthy(&self, destination: Option<DestinationIndex>) -> bool {
        let index = destination.map(|DestinationIndex(index)| index).or(self.selected);
        index.is_some_and(|index| self.healthy[index])
    }

    fn lookup(&self, table: TableIndex, key: &[u8]) -> Option<Bytes> {
        self.tables[table.0].get(key).cloned()
    }

    fn contains(&self, table: TableIndex, key: &[u8]) -> bool {
        self.tables[table.0].contains(key)
    }

    fn is_within(&self, set: SetIndex, address: IpAddr) -> bool {
        self.sets[set.0].contains(address)
    }

    fn now(&self) -> String {
        "2006-01-02 15:04:05 +0000 UTC".to_owned()
    }

    fn random_below(&self, bound: NonZeroU32) -> u32 {
        let drawn = self.next_random.get();
        self.next_random.set(drawn + 1);
        drawn % bound
    }
}
