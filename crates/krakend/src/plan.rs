//! What a configuration asks for, with KrakenD's defaults filled in: values that are checked, and the input of whatever serves them.
//!
//! Nothing here is a wish of the text any more: a timeout is the one that applies, a list of hosts is the one that is called. What
//! components of `extra_config` ask for that have no type yet stays beside it as [`Extension`]s, as it is written.

mod backend;
mod endpoint;
mod files;
mod own;
mod template;

use std::net::IpAddr;
use std::time::Duration;

pub use self::backend::{Backend, Decoding, Errors, Filter, Host, Shadow, Upstream};
pub use self::endpoint::{
    Endpoint, Flatmap, FlatmapOperation, HeaderRule, Method, Order, Output, QueryRule, StaticResponse, Strategy,
};
pub use self::files::NamedFile;
pub use self::own::{BackendOwn, EndpointOwn};
pub use self::template::{RoutePath, RouteSegment, UrlPart, UrlPattern};
use crate::document::Node;
use crate::place::Place;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The name of the service, for people; it may be empty.
    pub name: String,
    /// Where clients connect to, and what bounds them.
    pub listener: Listener,
    /// Connections to backends.
    pub transport: Transport,
    /// What the router does beside routing.
    pub router: Router,
    /// The endpoints that are routed, in the order of the file. No two of them take the same requests.
    pub endpoints: Vec<Endpoint>,
    /// Components of the service that have no type of their own.
    pub extensions: Vec<Extension>,
}

/// Where clients connect to. Durations of zero bound nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    /// All addresses where there is none.
    pub address: Option<IpAddr>,
    /// The TCP port.
    pub port: u16,
    /// For a whole request.
    pub read_timeout: Duration,
    /// For a whole answer.
    pub write_timeout: Duration,
    /// Between requests of a connection.
    pub idle_timeout: Duration,
    /// For the head of a request.
    pub read_header_timeout: Duration,
    /// For the head of a request, in bytes.
    pub max_header_bytes: u64,
    /// How long requests are given when the service stops.
    pub max_shutdown_wait_time: Duration,
    /// HTTP/2 without TLS.
    pub h2c: bool,
    /// TLS, unless it is plain HTTP.
    pub tls: Option<ServerTls>,
}

/// TLS towards clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// Where it is written.
    pub place: Place,
    /// Files of certificate and key.
    pub keys: Vec<(String, String)>,
    /// Files of authorities that clients' certificates may be of.
    pub ca_certs: Vec<String>,
    /// Whether clients must show a certificate.
    pub mutual: bool,
    /// Whether the authorities of the system count as well.
    pub system_authorities: bool,
    /// The oldest version, in KrakenD's word.
    pub min_version: Option<String>,
    /// The newest version, in KrakenD's word.
    pub max_version: Option<String>,
    /// Curves by their numbers in the registry of TLS.
    pub curve_preferences: Vec<i64>,
    /// Cipher suites by their numbers in the registry of TLS.
    pub cipher_suites: Vec<i64>,
}

/// Connections to backends. Durations of zero bound nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Transport {
    /// How many idle connections are kept in all; 0 for any number.
    pub max_idle_connections: u64,
    /// How many idle connections are kept for each host.
    pub max_idle_connections_per_host: u64,
    /// How long a connection may be idle.
    pub idle_connection_timeout: Duration,
    /// For the head of an answer.
    pub response_header_timeout: Duration,
    /// For a `100 Continue`.
    pub expect_continue_timeout: Duration,
    /// For a connection to be made.
    pub dialer_timeout: Duration,
    /// How long IPv6 has before IPv4 is tried as well.
    pub dialer_fallback_delay: Duration,
    /// Between two keepalives of TCP.
    pub dialer_keep_alive: Duration,
    /// Whether each request has a connection of its own.
    pub disable_keep_alives: bool,
    /// Whether no compression is asked for.
    pub disable_compression: bool,
    /// How long an answer of DNS for SRV records is used.
    pub dns_cache_ttl: Duration,
    /// Whether certificates of backends are not checked.
    pub insecure: bool,
    /// TLS towards backends.
    pub tls: Option<ClientTls>,
}

/// TLS towards backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// Where it is written.
    pub place: Place,
    /// Files of authorities.
    pub ca_certs: Vec<String>,
    /// Whether the authorities of the system count as well.
    pub system_authorities: bool,
    /// The oldest version, in KrakenD's word.
    pub min_version: Option<String>,
    /// The newest version, in KrakenD's word.
    pub max_version: Option<String>,
    /// Curves by their numbers in the registry of TLS.
    pub curve_preferences: Vec<i64>,
    /// Cipher suites by their numbers in the registry of TLS.
    pub cipher_suites: Vec<i64>,
    /// Files of certificate and key that backends are shown.
    pub certificates: Vec<(String, String)>,
}

/// What the router does beside routing: the component `router`, and what the service says of its own endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Router {
    /// The texts of errors are told to clients.
    pub return_error_msg: bool,
    /// `OPTIONS` is answered for every endpoint.
    pub auto_options: bool,
    /// `X-Krakend` does not say a version.
    pub hide_version_header: bool,
    /// No access log.
    pub disable_access_log: bool,
    /// Paths that the access log leaves out.
    pub logger_skip_paths: Vec<String>,
    /// The client's address is taken from headers. Unless said otherwise it is.
    pub forwarded_by_client_ip: Option<bool>,
    /// The headers that it is taken from; KrakenD's own where empty.
    pub remote_ip_headers: Vec<String>,
    /// The networks whose headers are believed; all where empty.
    pub trusted_proxies: Vec<String>,
    /// The path of the health endpoint; none where it is turned off.
    pub health_path: Option<String>,
    /// A method that no endpoint has is 404, and not 405.
    pub disable_handle_method_not_allowed: bool,
    /// Values of path variables are taken as they are.
    pub disable_path_decoding: bool,
    /// No redirect to the path in another case.
    pub disable_redirect_fixed_path: bool,
    /// No redirect to the path with or without a slash at its end.
    pub disable_redirect_trailing_slash: bool,
    /// Slashes that are there twice do not count.
    pub remove_extra_slash: bool,
    /// Bodies of errors by status, as JSON.
    pub error_bodies: Vec<(u16, String)>,
    /// `/__debug` answers.
    pub debug_endpoint: bool,
    /// `/__echo` answers.
    pub echo_endpoint: bool,
}

/// A component that has no type of its own in the plan, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// Its name since KrakenD 2.
    pub namespace: &'static str,
    /// Where it is written.
    pub place: Place,
    /// What leads there, such as `endpoints[0].extra_config["auth/validator"]`.
    pub path: String,
    /// Its options: an object.
    pub settings: Node,
}
