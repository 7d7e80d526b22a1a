use backstay_proto::config::{Resource, resource};
use bytes::Bytes;
use prost::Message;

use super::fault::{Checked, Fault};

/// The four kinds of resources, each with a prefix of its names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Secret,
    Backend,
    Route,
    Listener,
}

/// The kind that a name belongs to.
pub(crate) fn kind_of(name: &str) -> Option<Kind> {
    let (prefix, rest) = name.split_once('/')?;
    if rest.is_empty() {
        return None;
    }
    match prefix {
        "secret" => Some(Kind::Secret),
        "backend" => Some(Kind::Backend),
        "route" => Some(Kind::Route),
        "listener" => Some(Kind::Listener),
        _ => None,
    }
}

/// Decodes the resource called `name`, and checks that it is of the kind its name says: references go by name alone.
pub(crate) fn decode(name: &str, value: Bytes) -> Checked<resource::Kind> {
    let size = value.len();
    let resource =
        Resource::decode(value).map_err(|error| Fault::new("", format!("the resource cannot be decoded: {error}")))?;
    // Fields that this proxy does not know are dropped as they are read: what is left is shorter.
    if resource.encoded_len() < size {
        return Err(Fault::unknown(""));
    }
    let content = resource.kind.ok_or_else(|| Fault::unknown(""))?;
    let kind = match content {
        resource::Kind::Secret(_) => Kind::Secret,
        resource::Kind::Backend(_) => Kind::Backend,
        resource::Kind::Route(_) => Kind::Route,
        resource::Kind::Listener(_) => Kind::Listener,
    };
    if kind_of(name) != Some(kind) {
        return Err(Fault::new("", format!("a resource of kind {kind:?} cannot be called {name:?}")));
    }
    Ok(content)
}
