//! `auth/revoker`.

use super::Component;

/// Not called: the table of namespaces does not have it as served.
pub(super) fn compile(component: Component<'_>) {
    let _ = component;
}
