//! The requests of the typed services. Those of all services have the same fields under the same numbers, and a resource in one is,
//! on the wire, so many bytes: one type does for all of them.

use bytes::Bytes;
use prost_types::FieldMask;

/// `Get…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Get {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) read_mask: Option<FieldMask>,
}

/// `List…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct List {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(int32, tag = "2")]
    pub(crate) page_size: i32,
    #[prost(string, tag = "3")]
    pub(crate) page_token: String,
    #[prost(string, tag = "4")]
    pub(crate) filter: String,
    #[prost(string, tag = "5")]
    pub(crate) order_by: String,
    #[prost(message, optional, tag = "6")]
    pub(crate) read_mask: Option<FieldMask>,
}

/// `Create…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Create {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) resource: Bytes,
    #[prost(bool, tag = "4")]
    pub(crate) validate_only: bool,
    #[prost(string, tag = "5")]
    pub(crate) manager: String,
}

/// `Update…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Update {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) resource: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(crate) update_mask: Option<FieldMask>,
    #[prost(bool, tag = "3")]
    pub(crate) validate_only: bool,
    #[prost(string, tag = "4")]
    pub(crate) manager: String,
}

/// `Apply…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Apply {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) resource: Bytes,
    #[prost(string, tag = "2")]
    pub(crate) manager: String,
    #[prost(bool, tag = "3")]
    pub(crate) force: bool,
    #[prost(bool, tag = "4")]
    pub(crate) validate_only: bool,
}

/// `Delete…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Delete {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) etag: String,
    #[prost(string, tag = "3")]
    pub(crate) uid: String,
    #[prost(int32, tag = "4")]
    pub(crate) propagation: i32,
    #[prost(bool, tag = "5")]
    pub(crate) validate_only: bool,
}

/// `Delete…CollectionRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeleteCollection {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(string, tag = "2")]
    pub(crate) filter: String,
    #[prost(int32, tag = "3")]
    pub(crate) propagation: i32,
    #[prost(bool, tag = "4")]
    pub(crate) validate_only: bool,
}

/// `Watch…Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Watch {
    #[prost(string, tag = "1")]
    pub(crate) parent: String,
    #[prost(string, tag = "2")]
    pub(crate) filter: String,
    #[prost(uint64, tag = "3")]
    pub(crate) revision: u64,
    #[prost(message, optional, tag = "4")]
    pub(crate) read_mask: Option<FieldMask>,
    #[prost(bool, tag = "5")]
    pub(crate) bookmarks: bool,
}
