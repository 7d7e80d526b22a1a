//! Where clients connect to, for a configuration with a listener of its own.

use backstay_proto::config;
use backstay_proto::config::listener::Protocol;

use super::{Scope, tls};

/// The listener that a configuration asks for.
pub(super) fn listener(scope: &Scope<'_>) -> config::Listener {
    let wanted = &scope.plan.listener;
    let tls = wanted.tls.as_ref().map(|tls| tls::server(tls, scope));
    config::Listener {
        address: wanted
            .address
            .filter(|address| !address.is_unspecified())
            .map(|it| it.to_string())
            .unwrap_or_default(),
        port: wanted.port.into(),
        protocol: if tls.is_some() { Protocol::Https } else { Protocol::Http }.into(),
        tls,
        ..Default::default()
    }
}
