//! The root.

use std::time::Duration;

use super::agent::Agent;
use super::{ClientTls, Endpoint, Extras, OF_BACKEND, OF_ENDPOINT, OF_EXTRA, ServerTls, meant};
use crate::document::{Node, Value};
use crate::namespace::Level;
use crate::object::{Field, Object};
use crate::place::{At, Path};
use crate::problem::Report;
use crate::weak;

/// A whole configuration.
#[derive(Debug)]
pub(crate) struct Service<'d> {
    pub(crate) name: Option<At<String>>,
    pub(crate) port: Option<At<i64>>,
    pub(crate) listen_ip: Option<At<String>>,
    pub(crate) host: Vec<At<String>>,
    pub(crate) timeout: Option<At<Duration>>,
    pub(crate) cache_ttl: Option<At<Duration>>,
    pub(crate) output_encoding: Option<At<String>>,
    pub(crate) endpoints: Vec<Endpoint<'d>>,
    pub(crate) agents: Vec<Agent<'d>>,
    pub(crate) extras: Extras<'d>,
    pub(crate) disable_rest: bool,
    pub(crate) debug_endpoint: bool,
    pub(crate) echo_endpoint: bool,
    pub(crate) use_h2c: bool,
    pub(crate) dns_cache_ttl: Option<At<Duration>>,
    pub(crate) server: ServerLimits,
    pub(crate) transport: Transport,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) client_tls: Option<ClientTls>,
    pub(crate) plugin: Option<Field<'d>>,
}

/// What the server bounds.
#[derive(Debug, Default)]
pub(crate) struct ServerLimits {
    pub(crate) read_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) read_header_timeout: Duration,
    pub(crate) max_header_bytes: u64,
    pub(crate) max_shutdown_wait_time: Duration,
}

/// Connections to backends.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    pub(crate) max_idle_connections: u64,
    pub(crate) max_idle_connections_per_host: u64,
    pub(crate) idle_connection_timeout: Duration,
    pub(crate) response_header_timeout: Duration,
    pub(crate) expect_continue_timeout: Duration,
    pub(crate) dialer_timeout: Duration,
    pub(crate) dialer_fallback_delay: Duration,
    pub(crate) dialer_keep_alive: Duration,
    pub(crate) disable_keep_alives: bool,
    pub(crate) disable_compression: bool,
    pub(crate) allow_insecure_connections: bool,
}

/// The version that a file says it has, 0 where it says none, before anything else of it is looked at.
pub(crate) fn version(root: &Node) -> Result<At<i64>, At<String>> {
    let named = |exact: bool| {
        root.entries().iter().find(|entry| match exact {
            true => entry.key == "version",
            false => entry.key.eq_ignore_ascii_case("version"),
        })
    };
    match named(true).or_else(|| named(false)) {
        None => Ok(At { place: root.place, value: 0 }),
        Some(entry) if entry.node.value == Value::Null => Ok(At { place: entry.place, value: 0 }),
        Some(entry) => match weak::integer(&entry.node) {
            Ok(value) => Ok(At { place: entry.place, value }),
            Err(value) => Err(At { place: entry.place, value }),
        },
    }
}

fn span(object: &mut Object<'_, '_>, name: &'static str) -> Duration {
    object.duration(name).map(|span| span.value).unwrap_or_default()
}

impl ServerLimits {
    fn read(object: &mut Object<'_, '_>) -> Self {
        Self {
            read_timeout: span(object, "read_timeout"),
            write_timeout: span(object, "write_timeout"),
            idle_timeout: span(object, "idle_timeout"),
            read_header_timeout: span(object, "read_header_timeout"),
            max_header_bytes: object.count("max_header_bytes"),
            max_shutdown_wait_time: span(object, "max_shutdown_wait_time"),
        }
    }
}

impl Transport {
    fn read(object: &mut Object<'_, '_>) -> Self {
        Self {
            max_idle_connections: object.count("max_idle_connections"),
            max_idle_connections_per_host: object.count("max_idle_connections_per_host"),
            idle_connection_timeout: span(object, "idle_connection_timeout"),
            response_header_timeout: span(object, "response_header_timeout"),
            expect_continue_timeout: span(object, "expect_continue_timeout"),
            dialer_timeout: span(object, "dialer_timeout"),
            dialer_fallback_delay: span(object, "dialer_fallback_delay"),
            dialer_keep_alive: span(object, "dialer_keep_alive"),
            disable_keep_alives: object.truth("disable_keep_alives"),
            disable_compression: object.truth("disable_compression"),
            allow_insecure_connections: object.truth("allow_insecure_connections"),
        }
    }
}

impl<'d> Service<'d> {
    /// Reads the root.
    pub(crate) fn read(root: &'d Node, report: &Report) -> Self {
        let path = &Path::ROOT;
        let mut object = Object::of(root, path, report);
        object.field("version");
        // What only agents are started by.
        object.truth("sequential_start");
        let server = ServerLimits::read(&mut object);
        let transport = Transport::read(&mut object);
        let tls = object.field("tls").map(|field| ServerTls::read(field.node, field.place, path, report));
        let client_tls = object.field("client_tls").map(|field| ClientTls::read(field.node, path, report));
        let service = Self {
            name: object.text("name"),
            port: object.integer("port"),
            listen_ip: object.text("listen_ip"),
            host: object.texts("host").map(|host| host.value).unwrap_or_default(),
            timeout: object.duration("timeout"),
            cache_ttl: object.duration("cache_ttl"),
            output_encoding: object.text("output_encoding"),
            endpoints: members(object.field("endpoints"))
                .map(|(index, node)| Endpoint::read(node, &path.key("endpoints").index(index), report))
                .collect(),
            agents: members(object.field("async_agent"))
                .map(|(index, node)| Agent::read(node, &path.key("async_agent").index(index), report))
                .collect(),
            extras: Extras::read(object.field("extra_config"), Level::Service, path, report),
            disable_rest: object.truth("disable_rest"),
            debug_endpoint: object.truth("debug_endpoint"),
            echo_endpoint: object.truth("echo_endpoint"),
            use_h2c: object.truth("use_h2c"),
            dns_cache_ttl: object.duration("dns_cache_ttl"),
            server,
            transport,
            tls,
            client_tls,
            plugin: object.field("plugin"),
        };
        object.finish(|key| {
            let elsewhere: &[(&str, &[&str])] =
                &[("an endpoint", OF_ENDPOINT), ("a backend", OF_BACKEND), ("extra_config", OF_EXTRA)];
            match key.to_ascii_lowercase().as_str() {
                "log_level" => Some("the level is an option of \"telemetry/logging\" in extra_config".to_owned()),
                "endpoint" => Some("did you mean endpoints?".to_owned()),
                "input_headers" | "input_query_strings" => Some("it belongs to an endpoint or a backend".to_owned()),
                _ => meant(key, elsewhere),
            }
        });
        service
    }
}

/// The members of a list of objects; a single object is a list of one.
pub(super) fn members<'d>(field: Option<Field<'d>>) -> impl Iterator<Item = (usize, &'d Node)> {
    field.map(|field| weak::list(field.node)).unwrap_or_default().iter().enumerate()
}
