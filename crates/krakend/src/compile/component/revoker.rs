//! `auth/revoker`: tokens that do not count any more.

use super::Component;

/// Not called: the table of namespaces does not have it as served.
pub(super) fn compile(component: Component<'_>) {
    let _ = component;
}

/// Where the validator of an endpoint looks its tokens up: the set, and the claims. Nowhere, as long as it is not served.
pub(super) fn lookup(component: Component<'_>) -> Option<(String, Vec<String>)> {
    let _ = component;
    None
}
