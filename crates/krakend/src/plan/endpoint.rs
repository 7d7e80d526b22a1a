//! Endpoints.

use std::time::Duration;

use super::{Backend, EndpointOwn, Extension, RoutePath};
use crate::document::Value;
use crate::place::Place;

/// An endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Where it is written.
    pub place: Place,
    /// Its position among the endpoints of the file, from 0.
    pub index: usize,
    /// The requests that it takes.
    pub method: Method,
    /// The requests that it takes.
    pub path: RoutePath,
    /// For the whole of it. Parallel and sequential calls have 85 % of it.
    pub timeout: Duration,
    /// For `Cache-Control` of complete answers; zero for none.
    pub cache_ttl: Duration,
    /// How answers are written.
    pub output: Output,
    /// The headers of the client's that go on to backends.
    pub headers: HeaderRule,
    /// The query parameters of the client's that go on to backends.
    pub query: QueryRule,
    /// How many times each backend is called at once, at least 1: the first whole answer counts.
    pub concurrent_calls: u32,
    /// How backends are called, where there are several.
    pub order: Order,
    /// Data that is put into the answer.
    pub static_response: Option<StaticResponse>,
    /// What is done to the merged answer.
    pub flatmap: Option<Flatmap>,
    /// What is asked of Backstay alone.
    pub own: EndpointOwn,
    /// At least one.
    pub backends: Vec<Backend>,
    /// Components that have no type of their own here.
    pub extensions: Vec<Extension>,
}

/// The methods that endpoints are routed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The method of a name, in any case. `None` for one that KrakenD routes nothing by.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.to_uppercase().as_str() {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    /// As a request line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// A JSON object.
    Json,
    /// The list under `collection`.
    JsonCollection,
    /// XML.
    Xml,
    /// YAML.
    Yaml,
    /// What the client accepts.
    Negotiate,
    /// The text under `content`.
    Text,
    /// The answer of the only backend, as it is.
    NoOp,
}

/// Which headers of the client's go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HeaderRule {
    /// Nothing is said: `Content-Type` alone.
    ContentType,
    /// All.
    All,
    /// These, in canonical case. `Content-Type` goes on only if it is one of them.
    Only(Vec<String>),
}

/// Which query parameters of the client's go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum QueryRule {
    /// All.
    All,
    /// These; their case counts.
    Only(Vec<String>),
}

/// How several backends are called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Order {
    /// At once.
    Parallel,
    /// One after another; a failure ends it.
    Sequential {
        /// Fields of answers that later calls have as parameters, such as `resp0_id`.
        propagated: Vec<String>,
    },
}

/// Data that is put into an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticResponse {
    /// When.
    pub strategy: Strategy,
    /// An object; its fields go over those of the answer.
    pub data: Value,
}

/// When static data is put into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Always.
    Always,
    /// No backend failed.
    Success,
    /// A backend failed.
    Errored,
    /// The answer is complete.
    Complete,
    /// The answer is not complete.
    Incomplete,
}

/// What is done to the fields of an answer, one operation after another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flatmap {
    /// At least one.
    pub operations: Vec<FlatmapOperation>,
}

/// An operation on fields. Paths are the names between the dots; `*` is every member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FlatmapOperation {
    /// Moves a field.
    Move {
        /// From here.
        from: Vec<String>,
        /// To here.
        to: Vec<String>,
    },
    /// Drops fields.
    Delete(Vec<Vec<String>>),
    /// Puts a list at the end of another.
    Append {
        /// The list that is moved.
        from: Vec<String>,
        /// The list that grows.
        to: Vec<String>,
    },
}
