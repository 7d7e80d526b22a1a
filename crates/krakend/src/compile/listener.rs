//! Where clients connect to, for a configuration with a listener of its own.

use std::time::Duration;

use backstay_proto::config;
use backstay_proto::config::listener::Protocol;

use super::{Scope, tls};
use crate::place::{Path, Place};

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

/// Tells of limits of clients, which are the proxy's.
pub(super) fn limits(scope: &Scope<'_>) {
    let wanted = &scope.plan.listener;
    let tell = |field: &'static str, instead: &str| {
        let message = format!("it is not applied: a proxy has one limit for all its clients, {instead}");
        scope.report.differs(Place::START, &Path::ROOT.key(field), message);
    };
    let spans: [(&'static str, Duration, &str); 4] = [
        ("read_timeout", wanted.read_timeout, "stream-idle-timeout, for a request that makes no progress"),
        ("write_timeout", wanted.write_timeout, "stream-idle-timeout, for an answer that makes no progress"),
        ("idle_timeout", wanted.idle_timeout, "idle-timeout"),
        ("read_header_timeout", wanted.read_header_timeout, "header-timeout"),
    ];
    for (field, _, instead) in spans.iter().filter(|(_, span, _)| !span.is_zero()) {
        tell(field, instead);
    }
}
