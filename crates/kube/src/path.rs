//! What a path means.

use std::sync::Arc;

use crate::api::{Api, Served};
use crate::review::Review;

/// What a path names.
#[derive(Debug)]
pub(crate) enum Target {
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
    Review(Review),
    /// Objects of a kind.
    Collection(Collection),
    /// One object.
    Object { served: Arc<Served>, namespace: String, name: String, part: Part },
}

/// Objects of a kind, in one namespace or in all. Cluster-scoped kinds have no namespace.
#[derive(Debug, Clone)]
pub(crate) struct Collection {
    pub(crate) served: Arc<Served>,
    /// `None` is all namespaces of a namespaced kind.
    pub(crate) namespace: Option<String>,
}

/// Which part of an object a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
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
pub(crate) fn parse(api: &Api, path: &str) -> Option<Target> {
    let decoded = path.trim_matches('/').split('/').map(decode).collect::<Option<Vec<_>>>()?;
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["openapi", "v2"] => Some(Target::OpenApiV2),
        ["openapi", "v3"] => Some(Target::OpenApiV3),
        ["openapi", "v3", "api", version] => {
            Some(Target::OpenApiV3Document { group: String::new(), version: (*version).to_owned() })
        }
        ["openapi", "v3", "apis", group, version] => {
            Some(Target::OpenApiV3Document { group: (*group).to_owned(), version: (*version).to_owned() })
        }
        ["api"] => Some(Target::CoreVersions),
        ["apis"] => Some(Target::Groups),
        ["api", version] => Some(Target::GroupVersion { group: String::new(), version: (*version).to_owned() }),
        ["apis", group] => Some(Target::Group((*group).to_owned())),
        ["apis", group, version] => {
            Some(Target::GroupVersion { group: (*group).to_owned(), version: (*version).to_owned() })
        }
        ["apis", group, version, plural] if Review::by_resource(group, version, plural).is_some() => {
            Review::by_resource(group, version, plural).map(Target::Review)
        }
        ["api", version, rest @ ..] => objects(api, "", version, rest),
        ["apis", group, version, rest @ ..] if !group.is_empty() => objects(api, group, version, rest),
        _ => None,
    }
}

fn objects(api: &Api, group: &str, version: &str, rest: &[&str]) -> Option<Target> {
    // `namespaces/NAME/status` is the status of a namespace, not a kind called `status` within it.
    if let ["namespaces", namespace, plural, rest @ ..] = rest
        && let Some(served) = api.served(group, version, plural)
    {
        if !served.kind.is_namespaced() || !is_name(namespace) {
            return None;
        }
        return match rest {
            [] => Some(Target::Collection(Collection { served, namespace: Some((*namespace).to_owned()) })),
            rest => object(served, namespace, rest),
        };
    }
    let [plural, rest @ ..] = rest else { return None };
    let served = api.served(group, version, plural)?;
    match rest {
        [] => {
            let namespace = (!served.kind.is_namespaced()).then(String::new);
            Some(Target::Collection(Collection { served, namespace }))
        }
        _ if served.kind.is_namespaced() => None,
        rest => object(served, "", rest),
    }
}

fn object(served: Arc<Served>, namespace: &str, rest: &[&str]) -> Option<Target> {
    let (name, part) = match rest {
        [name] => (*name, Part::Whole),
        [name, "status"] if served.kind.has_status => (*name, Part::Status),
        _ => return None,
    };
    is_name(name).then(|| Target::Object { served, namespace: namespace.to_owned(), name: name.to_owned(), part })
}

/// Whether anything can be called so. The store separates names by slashes.
fn is_name(segment: &str) -> bool {
    !segment.is_empty() && !segment.contains('/')
}

/// Undoes percent-encoding. `None` if it is malformed or not UTF-8.
fn decode(segment: &str) -> Option<String> {
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
