//! Paths with variables.

/// The path of an endpoint, as the router takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoutePath {
    /// As the router writes it, such as `/users/:id`.
    pub pattern: String,
    /// Between the slashes. `/` has one, which is empty.
    pub segments: Vec<RouteSegment>,
}

/// What stands between two slashes of a path: text, and a variable that takes all that follows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteSegment {
    /// Text that a request has there, percent-decoded.
    pub literal: String,
    /// The variable that takes the rest of the segment.
    pub variable: Option<String>,
}

impl RoutePath {
    /// The names of the variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| segment.variable.as_deref())
    }
}

/// The path and query that a backend is asked for. It begins with a slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlPattern {
    /// One after another.
    pub parts: Vec<UrlPart>,
}

/// A part of a [`UrlPattern`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UrlPart {
    /// Text, as it is.
    Literal(String),
    /// The value of a variable of the endpoint's path.
    Variable(String),
    /// A field of an earlier answer of a sequential endpoint.
    Response {
        /// Which backend's, from 0.
        backend: usize,
        /// Dotted.
        field: String,
    },
    /// A claim of the client's token.
    Claim(String),
}
