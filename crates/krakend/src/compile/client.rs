//! Whom KrakenD's router takes for the client.

use backstay_proto::config;

use crate::plan::Router;

/// The headers that it looks at where nothing is said.
const HEADERS: [&str; 2] = ["X-Forwarded-For", "X-Real-Ip"];
/// The networks that it trusts where nothing is said: all, so that whatever a client says of itself counts.
const EVERYBODY: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// What the component `router` says of it.
pub(super) fn address(router: &Router) -> config::ClientAddress {
    if router.forwarded_by_client_ip == Some(false) {
        return config::ClientAddress::default();
    }
    let or = |list: &[String], default: [&str; 2]| match list.is_empty() {
        true => default.map(str::to_owned).to_vec(),
        false => list.to_vec(),
    };
    config::ClientAddress {
        headers: or(&router.remote_ip_headers, HEADERS),
        trusted: or(&router.trusted_proxies, EVERYBODY),
    }
}
