//! `qos/ratelimit/router`.

use backstay_proto::config;

use super::Component;

/// Not called: the table of namespaces does not have it as served.
pub(super) fn compile(component: Component<'_>) -> Vec<config::RequestRateLimit> {
    let _ = component;
    Vec::new()
}
