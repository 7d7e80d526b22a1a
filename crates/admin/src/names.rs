//! Names of resources: `namespaces/NAMESPACE/PLURAL/NAME`, or `PLURAL/NAME` of kinds that are in no namespace.
//!
//! Source: Google's API improvement proposal 122.

use backstay_kube::Failure;
use backstay_resources::Kind;

/// What stands for all namespaces (Google's API improvement proposal 159).
pub(crate) const ALL: &str = "-";

/// The name of a resource.
pub(crate) fn of(kind: &Kind, namespace: &str, name: &str) -> String {
    let plural = kind.plural;
    if kind.is_namespaced() { format!("namespaces/{namespace}/{plural}/{name}") } else { format!("{plural}/{name}") }
}

/// The namespace and the name of an object, from its name as a resource. `field` is where that was said.
pub(crate) fn parse<'a>(kind: &Kind, field: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let rest = if kind.is_namespaced() {
        text.strip_prefix("namespaces/").and_then(|rest| rest.split_once('/'))
    } else {
        Some(("", text))
    };
    let parsed = rest.and_then(|(namespace, rest)| Some((namespace, rest.split_once('/')?)));
    let sound = parsed.filter(|(namespace, (plural, name))| {
        *plural == kind.plural
            && namespace.is_empty() != kind.is_namespaced()
            && !name.is_empty()
            && !name.contains('/')
    });
    let sound = sound.map(|(namespace, (_, name))| (namespace, name));
    sound.ok_or_else(|| Failure::bad_field(field, format!("must be {}", of(kind, "NAMESPACE", "NAME"))))
}

/// The namespace of a collection, empty for all. Kinds that are in no namespace have no parent.
pub(crate) fn parent<'a>(kind: &Kind, text: &'a str) -> Result<&'a str, Failure> {
    if !kind.is_namespaced() {
        return if text.is_empty() { Ok("") } else { Err(Failure::bad_field("parent", "the kind is in no namespace")) };
    }
    match text.strip_prefix("namespaces/") {
        Some(ALL) => Ok(""),
        Some(namespace) if !namespace.is_empty() && !namespace.contains('/') => Ok(namespace),
        _ => Err(Failure::bad_field("parent", "must be namespaces/NAMESPACE, or namespaces/- for all")),
    }
}

#[cfg(test)]
mod tests;
