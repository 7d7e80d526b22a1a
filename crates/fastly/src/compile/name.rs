//! What discovery resources are called. No object of another dialect has a colon in its name, so none is called the same.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_model::{ResourceName, Scoped};

use crate::condition::vcl_name;

/// The pool of all backends that balance load.
pub(super) const POOL: &str = "autodirector_";

/// A backend as VCL calls it.
pub(super) fn of_backend(backend: &str) -> String {
    format!("F_{}", vcl_name(backend))
}

/// A director as VCL calls it.
pub(super) fn of_director(director: &str) -> String {
    vcl_name(director)
}

/// The resource of a backend: the same in every version, so that connections and health outlive an activation.
pub(super) fn backend(service: &str, backend: &str) -> Arc<str> {
    ResourceName::Backend(&format!("fastly:{service}:{}", segment(backend))).into()
}

/// The service, and its backend as the name has it, of a resource that is a backend of a service.
#[must_use]
pub fn backend_of(resource: &str) -> Option<(&str, &str)> {
    resource.strip_prefix("backend/fastly:")?.split_once(':')
}

/// The secret with the client certificate of a backend.
pub(super) fn certificate(service: &str, backend: &str) -> Arc<str> {
    ResourceName::Certificate { namespace: &format!("fastly:{service}"), secret: &segment(backend) }.into()
}

/// The route of a service.
pub(super) fn route(service: &str) -> Arc<str> {
    ResourceName::Route(Scoped { namespace: "", name: &format!("fastly:{service}") }).into()
}

/// The route that answers for hosts that no service of a Gateway has.
pub(super) fn unknown_hosts(namespace: &str, gateway: &str) -> Arc<str> {
    ResourceName::Route(Scoped { namespace, name: &format!("fastly:{gateway}") }).into()
}

/// The table of a dictionary.
pub(super) fn table(dictionary: &str) -> Arc<str> {
    format!("table/fastly:{dictionary}").into()
}

/// The address set of an access list.
pub(super) fn address_set(acl: &str) -> Arc<str> {
    format!("address-set/fastly:{acl}").into()
}

/// A name as one segment of another: what is not printed, and what separates, is percent-encoded.
fn segment(name: &str) -> String {
    let mut made = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() || character.is_whitespace() || "/:@%".contains(character) {
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
