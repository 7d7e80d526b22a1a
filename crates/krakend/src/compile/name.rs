//! What discovery resources are called. No object of another dialect has a colon in its name, so none is called the same.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_model::{ResourceName, Scoped};

use super::ConfigName;

/// The route of a configuration.
pub(crate) fn route(config: &ConfigName) -> Arc<str> {
    ResourceName::Route(Scoped { namespace: "", name: &format!("krakend:{config}") }).into()
}

/// The listener of a configuration that has one of its own.
pub(crate) fn listener(config: &ConfigName) -> Arc<str> {
    let gateway = Scoped { namespace: &config.namespace, name: &format!("krakend:{}", config.name) };
    ResourceName::Listener { gateway, listener: "own", address: None }.into()
}

/// A backend of a configuration: `part` tells it from its others.
pub(super) fn backend(config: &ConfigName, part: &str) -> Arc<str> {
    ResourceName::Backend(&format!("krakend:{config}:{}", segment(part))).into()
}

/// Namespace and name of a configuration, and its backend as the name has it, of a resource that is a backend of a configuration.
#[must_use]
pub fn backend_of(resource: &str) -> Option<(&str, &str, &str)> {
    let (namespace, rest) = resource.strip_prefix("backend/krakend:")?.split_once(':')?;
    let (name, backend) = rest.split_once(':')?;
    Some((namespace, name, backend))
}

/// The tokens that a configuration revokes.
pub(super) fn revocations(config: &ConfigName) -> Arc<str> {
    ResourceName::Revocations(&format!("krakend:{config}")).into()
}

/// A certificate that comes with a configuration: `part` tells it from its others.
pub(super) fn certificate(config: &ConfigName, part: &str) -> Arc<str> {
    ResourceName::Certificate { namespace: &format!("krakend:{config}"), secret: &segment(part) }.into()
}

/// A text as one segment of a name: what is not printed, and what separates, is percent-encoded.
fn segment(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || character.is_whitespace() || "/@%".contains(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a text cannot fail.
                let _ = write!(made, "%{byte:02X}");
            }
        } else {
            made.push(character);
        }
    }
    made
}
