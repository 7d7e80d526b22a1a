//! The configuration as it is written: every field of KrakenD's with its type and its place, nothing filled in.

mod agent;
mod backend;
mod endpoint;
mod extra;
mod service;
mod tls;

pub(crate) use self::backend::Backend;
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::extra::{Extra, Extras};
pub(crate) use self::service::{Service, version};
pub(crate) use self::tls::{ClientTls, ServerTls};

/// What KrakenD 1.x called fields of endpoints and backends, and what became of them.
pub(crate) const RENAMED: &[(&str, &str)] = &[
    ("headers_to_pass", "input_headers"),
    ("querystring_params", "input_query_strings"),
    ("whitelist", "allow"),
    ("blacklist", "deny"),
];

/// What a field would be called today that KrakenD 1.x had.
fn renamed(key: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(before, _)| before.eq_ignore_ascii_case(key)).map(|(_, now)| *now)
}

/// Says what a key was meant to be that is not known where it stands.
fn meant(key: &str, elsewhere: &[(&str, &[&str])]) -> Option<String> {
    if let Some(now) = renamed(key) {
        return Some(format!("in version 3 it is called {now}, so nothing of it has an effect"));
    }
    let place = elsewhere.iter().find(|(_, keys)| keys.iter().any(|known| known.eq_ignore_ascii_case(key)));
    if let Some((place, _)) = place {
        return Some(format!("it belongs to {place}"));
    }
    if crate::namespace::named(key).is_some() {
        return Some("it belongs into extra_config".to_owned());
    }
    None
}

/// Fields of the service alone.
const OF_SERVICE: &[&str] = &[
    "port",
    "listen_ip",
    "endpoints",
    "async_agent",
    "disable_rest",
    "debug_endpoint",
    "echo_endpoint",
    "sequential_start",
    "read_timeout",
    "write_timeout",
    "idle_timeout",
    "tls",
    "client_tls",
    "plugin",
];
/// Fields of endpoints alone.
const OF_ENDPOINT: &[&str] = &["endpoint", "backend"];
/// Fields of backends alone.
const OF_BACKEND: &[&str] = &[
    "url_pattern",
    "encoding",
    "allow",
    "deny",
    "mapping",
    "group",
    "target",
    "is_collection",
    "sd",
    "sd_scheme",
    "disable_host_sanitize",
];
/// Options of components that are often written beside `extra_config`.
const OF_EXTRA: &[&str] = &[
    "return_error_msg",
    "return_error_code",
    "return_error_details",
    "sequential",
    "max_rate",
    "auto_options",
    "allow_origins",
    "flatmap_filter",
];
