//! For whom a view is, and what it cannot know of them.

use std::net::{IpAddr, Ipv6Addr};

/// For whom a view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// Envoy.
    #[default]
    Envoy,
    /// Envoy that is sent each virtual host by itself (VHDS), so that a route that changes does not bring all of its socket again. It
    /// takes the incremental variant of the protocol, aggregated, and version 1.39.
    EnvoyVhds,
    /// Clients of gRPC that balance by themselves.
    Grpc,
}

/// What a view cannot know of those that it is for.
#[derive(Clone, Debug)]
pub struct Options {
    /// File of the authorities that the system of an Envoy trusts. Default that of Debian and its relatives.
    pub system_authorities: String,
    /// Address that is bound where a listener binds all of a host's. Default `::`, for IPv4 as well.
    pub any_address: IpAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            system_authorities: "/etc/ssl/certs/ca-certificates.crt".to_owned(),
            any_address: Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}
