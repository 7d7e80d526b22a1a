//! Where clients connect to, for a configuration with a listener of its own.

use std::time::Duration;

use backstay_proto::config;
use backstay_proto::config::listener::Protocol;

use super::{Scope, tls};
use crate::plan::Listener;

/// The default, of which nothing is said.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// Bytes that Go's server takes beyond what it is told.
const SLOP: u64 = 4096;
/// The longest head that a proxy can be told to take.
const MOST: u64 = 16 << 20;

/// The listener that a configuration asks for.
pub(super) fn listener(scope: &Scope<'_>) -> config::Listener {
    let wanted = &scope.plan.listener;
    let limits = limits(wanted);
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
        limits: (limits != config::ClientLimits::default()).then_some(limits),
        ..Default::default()
    }
}

/// What clients may ask, as Go's server has it: what the time for a head and the time between requests do not say, `read_timeout` says.
fn limits(wanted: &Listener) -> config::ClientLimits {
    let limit = |times: [Duration; 2]| {
        let time = times.into_iter().find(|time| !time.is_zero())?;
        // What is too long to be written is no limit.
        time.try_into().ok()
    };
    let size = (wanted.max_header_bytes != MAX_HEADER_BYTES).then_some(wanted.max_header_bytes);
    config::ClientLimits {
        header_timeout: limit([wanted.read_header_timeout, wanted.read_timeout]),
        idle_timeout: limit([wanted.idle_timeout, wanted.read_timeout]),
        request_timeout: limit([wanted.read_timeout; 2]),
        response_timeout: limit([wanted.write_timeout; 2]),
        max_head_size: size.map_or(0, |size| size.saturating_add(SLOP).min(MOST).try_into().unwrap_or_default()),
    }
}
