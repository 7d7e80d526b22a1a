//! What is asked of a request.

use std::net::IpAddr;
use std::num::NonZeroU32;

use bytes::Bytes;
use http::HeaderMap;

/// Position of a table in the list of those that an evaluation can look things up in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TableIndex(pub usize);

/// Position of an address set, likewise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SetIndex(pub usize);

/// Position of a destination, likewise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DestinationIndex(pub usize);

/// A request as expressions see it: as it is now, after what earlier steps have changed.
pub trait Request {
    /// Its method.
    fn method(&self) -> &[u8];

    /// Path and query.
    fn target(&self) -> &[u8];

    /// Its headers, `Host` among them whatever the protocol.
    fn headers(&self) -> &HeaderMap;

    /// The host that it names, lower case, without port and brackets.
    fn host(&self) -> &[u8];

    /// `http` or `https`: what the client spoke.
    fn scheme(&self) -> &'static str;

    /// `HTTP/1.1`, `HTTP/2`.
    fn protocol(&self) -> &'static str;

    /// The client's address.
    fn client(&self) -> IpAddr;

    /// The client's address as it is written.
    fn client_text(&self) -> &[u8];

    /// The time, in UTC: `2006-01-02 15:04:05.999999999 +0000 UTC`, without the zeros at the end of the fraction.
    fn now(&self) -> String;

    /// Name of the destination that is selected so far.
    fn selected(&self) -> Option<&[u8]>;

    /// Whether a destination could serve now: the one that is selected so far for `None`, false when there is none.
    fn is_healthy(&self, destination: Option<DestinationIndex>) -> bool;

    /// The value of `key` in a table.
    fn lookup(&self, table: TableIndex, key: &[u8]) -> Option<Bytes>;

    /// Whether a table has `key`.
    fn contains(&self, table: TableIndex, key: &[u8]) -> bool;

    /// Whether `address` is in an address set.
    fn is_within(&self, set: SetIndex, address: IpAddr) -> bool;

    /// A random number below `bound`, evenly distributed, another one each time.
    fn random_below(&self, bound: NonZeroU32) -> u32;
}
