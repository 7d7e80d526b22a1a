//! What a path means.

use std::sync::Arc;

use crate::access_review::Question;
use crate::served::{ServedKind, ServedKinds};

/// What a path names.
#[derive(Debug)]
pub(crate) enum RequestTarget {
    /// `/`
    Paths,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/VERSION`, `/apis/GROUP/VERSION`
    GroupVersion { group: String, version: String },
    /// `/openapi/v2`
    OpenApiV2,
    /// `/openapi/v3`
    OpenApiV3,
    /// `/openapi/v3/apis/GROUP/VERSION`
    OpenApiV3Document { group: String, version: String },
    /// A question that is asked by creating it.
    Review(Question),
    /// Objects of a kind.
    Collection(Collection),
    /// One object.
    Object(Subject),
}

impl RequestTarget {
    /// The kind of the objects that are meant, if any are.
    pub(crate) fn served(&self) -> Option<&Arc<ServedKind>> {
        match self {
            Self::Collection(collection) => Some(&collection.served),
            Self::Object(subject) => Some(&subject.served),
            _ => None,
        }
    }
}

/// The object that a request is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its kind.
    pub served: Arc<ServedKind>,
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    /// Never empty, and without a slash.
    pub name: String,
    /// Which part of it is meant.
    pub part: Part,
}

/// Objects of a kind, in one namespace or in all. Cluster-scoped kinds have no namespace.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Their kind.
    pub served: Arc<ServedKind>,
    /// `None` is all namespaces of a namespaced kind.
    pub namespace: Option<String>,
}

/// Which part of an object a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The object, save its status.
    Whole,
    /// Its status alone.
    Status,
}

/// Whether a name in a path came out empty: at its end, or between two slashes. Reads pass over a slash at the end, as
/// Kubernetes does. What changes something must not: it would be a collection instead of an object, or a whole namespace
/// instead of what is in it.
pub(crate) fn has_empty_segment(path: &str) -> bool {
    path.strip_prefix('/').unwrap_or(path).split('/').any(str::is_empty)
}

/// Reads a path, still percent-encoded. `None` if nothing is served there.
pub(crate) fn parse(kinds: &ServedKinds, path: &str) -> Option<RequestTarget> {
    let decoded = path.trim_matches('/').split('/').map(decode).collect::<Option<Vec<_>>>()?;
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [""] => Some(RequestTarget::Paths),
        ["openapi", "v2"] => Some(RequestTarget::OpenApiV2),
        ["openapi", "v3"] => Some(RequestTarget::OpenApiV3),
        ["openapi", "v3", "api", version] => {
            Some(RequestTarget::OpenApiV3Document { group: String::new(), version: (*version).to_owned() })
        }
        ["openapi", "v3", "apis", group, version] => {
            Some(RequestTarget::OpenApiV3Document { group: (*group).to_owned(), version: (*version).to_owned() })
        }
        ["api"] => Some(RequestTarget::CoreVersions),
        ["apis"] => Some(RequestTarget::Groups),
        ["api", version] => Some(RequestTarget::GroupVersion { group: String::new(), version: (*version).to_owned() }),
        ["apis", group] => Some(RequestTarget::Group((*group).to_owned())),
        ["apis", group, version] => {
            Some(RequestTarget::GroupVersion { group: (*group).to_owned(), version: (*version).to_owned() })
        }
        ["apis", group, version, rest @ ..] if Question::by_resource(group, version, rest).is_some() => {
            Question::by_resource(group, version, rest).map(RequestTarget::Review)
        }
        ["api", version, rest @ ..] => objects(kinds, "", version, rest),
        ["apis", group, version, rest @ ..] if !group.is_empty() => objects(kinds, group, version, rest),
        _ => None,
    }
}

fn objects(kinds: &ServedKinds, group: &str, version: &str, rest: &[&str]) -> Option<RequestTarget> {
    // `namespaces/NAME/status` is the status of a namespace, not a kind called `status` within it.
    if let ["namespaces", namespace, plural, rest @ ..] = rest
        && let Some(served) = kinds.find(group, version, plural)
    {
        if !served.kind.is_namespaced() || !is_name(namespace) {
            return None;
        }
        return match rest {
            [] => Some(RequestTarget::Collection(Collection { served, namespace: Some((*namespace).to_owned()) })),
            rest => object(served, namespace, rest),
        };
    }
    let [plural, rest @ ..] = rest else { return None };
    let served = kinds.find(group, version, plural)?;
    match rest {
        [] => {
            let namespace = (!served.kind.is_namespaced()).then(String::new);
            Some(RequestTarget::Collection(Collection { served, namespace }))
        }
        _ if served.kind.is_namespaced() => None,
        rest => object(served, "", rest),
    }
}

fn object(served: Arc<ServedKind>, namespace: &str, rest: &[&str]) -> Option<RequestTarget> {
    let (name, part) = match rest {
        [name] => (*name, Part::Whole),
        [name, "status"] if served.kind.has_status => (*name, Part::Status),
        _ => return None,
    };
    let object = |name: &str| Subject { served, namespace: namespace.to_owned(), name: name.to_owned(), part };
    is_name(name).then(|| RequestTarget::Object(object(name)))
}

/// Whether anything can be called so. The store separates names by slashes.
pub(crate) fn is_name(segment: &str) -> bool {
    !segment.is_empty() && !segment.contains('/')
}

/// Undoes percent-encoding. `None` if it is malformed or not UTF-8.
pub(crate) fn decode(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}
