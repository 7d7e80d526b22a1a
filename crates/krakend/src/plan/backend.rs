//! Backends.

use std::sync::Arc;
use std::time::Duration;

use super::{BackendOwn, Extension, Flatmap, UrlPattern};
use crate::place::Place;

/// One call of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Backend {
    /// Where it is written.
    pub place: Place,
    /// Whom it calls.
    pub upstream: Upstream,
    /// With which method, in capital letters. Any will do.
    pub method: String,
    /// What it asks for.
    pub url: UrlPattern,
    /// How the answer is read.
    pub decoding: Decoding,
    /// Whether the answer is a list.
    pub is_collection: bool,
    /// The part of the answer that is kept: a path of names, empty for all of it.
    pub target: Vec<String>,
    /// The fields of it that are kept.
    pub filter: Filter,
    /// Fields of the top level that get another name, in the order of the file.
    pub mapping: Vec<(String, String)>,
    /// The name that the answer is put under.
    pub group: Option<String>,
    /// What is done to the answer in place of filter and mapping.
    pub flatmap: Option<Flatmap>,
    /// The headers that go on, of those that the endpoint lets pass and the gateway's own. All where there is no list.
    pub headers: Option<Vec<String>>,
    /// The query parameters that go on, of those that the endpoint lets pass. All where there is no list.
    pub query: Option<Vec<String>>,
    /// What becomes of an answer that is no success.
    pub errors: Errors,
    /// Whether nobody waits for it.
    pub shadow: Option<Shadow>,
    /// What is asked of Backstay alone.
    pub own: BackendOwn,
    /// Components that have no type of their own here.
    pub extensions: Vec<Extension>,
}

/// Whom a backend calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// One of these. One that is there twice has twice the share. Without any, each request fails. Backends without
    /// hosts of their own share the service's.
    Hosts(Arc<[Host]>),
    /// What the SRV records of a name say.
    Srv {
        /// The whole name, such as `_http._tcp.shop.example`.
        name: String,
        /// The scheme of their URLs.
        scheme: String,
    },
}

/// A host, and what its URLs begin with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// `http`, `https` or, where hosts are not sanitised, another; empty where there is none, which no request survives.
    pub scheme: String,
    /// Name or address, and port where it is written.
    pub authority: String,
    /// What comes before the path of the backend. Empty unless hosts are not sanitised.
    pub base: String,
}

/// How answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decoding {
    /// An object of JSON, or a list for a collection.
    Json,
    /// Any JSON.
    SafeJson,
    /// XML.
    Xml,
    /// RSS, Atom or JSON Feed.
    Rss,
    /// Text.
    Text,
    /// Not at all: the answer passes as it is.
    NoOp,
}

/// The fields that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All.
    All,
    /// These; paths of names.
    Allow(Vec<Vec<String>>),
    /// All but these; paths of names.
    Deny(Vec<Vec<String>>),
}

/// What becomes of an answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Errors {
    /// It counts as none: 500 to the client, where nothing else came.
    Hidden,
    /// Its status goes to the client.
    Status,
    /// What it was is told in the data under `error_` and this name.
    Details(String),
}

/// A call that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shadow {
    /// How long it may take.
    pub timeout: Duration,
}
