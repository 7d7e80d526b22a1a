use std::fmt;

use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::host;
use super::shape::{
    COMMENT, Encoding, Fallback, Field, Identity, LONG, MOST, NAME, Part, Rename, SHORT, Shape, Takes, settle,
};

/// An origin server. Times are in milliseconds unless a field says otherwise. Its debug output has no key.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Backend {
    /// Unique within the version.
    pub name: String,
    /// Host name or IP address.
    pub address: String,
    /// TCP port. 0 is stored, and cannot be connected to.
    pub port: u16,
    /// A comment.
    pub comment: String,
    /// Time for a connection, TLS included.
    pub connect_timeout: u32,
    /// From the sent request to the response's first byte.
    pub first_byte_timeout: u32,
    /// The longest silence within a body.
    pub between_bytes_timeout: u32,
    /// For the whole response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_timeout: Option<u32>,
    /// Connections at once, of each proxy.
    pub max_conn: u32,
    /// Requests that a connection is used for; 0 for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_use: Option<u32>,
    /// How long a connection is used; 0 for any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<u32>,
    /// Its part of what goes to the pool. 0: nothing.
    pub weight: u32,
    /// Stored, and not used: Fastly itself calls it a relic.
    pub error_threshold: u32,
    /// Whether it is a member of the pool, where it has no `request_condition`.
    pub auto_loadbalance: bool,
    /// Whether it speaks TLS.
    pub use_ssl: bool,
    /// Whether its certificate is verified.
    pub ssl_check_cert: bool,
    /// Whether IPv6 addresses are tried first.
    pub prefer_ipv6: bool,
    /// Name of the condition that selects it. Empty: none.
    pub request_condition: String,
    /// Name of its health check.
    pub healthcheck: Option<String>,
    /// The host that it sees. None: that of the request.
    pub override_host: Option<String>,
    /// A point of presence between. Stored, and not applicable.
    pub shield: Option<String>,
    /// Backends with equal keys share health checks.
    pub share_key: Option<String>,
    /// Stored; Fastly does not use it.
    pub client_cert: Option<String>,
    /// Stands for `ssl_cert_hostname` and `ssl_sni_hostname` where these are absent.
    pub ssl_hostname: Option<String>,
    /// The name that its certificate must have.
    pub ssl_cert_hostname: Option<String>,
    /// The name that it is asked for. An address is as good as none.
    pub ssl_sni_hostname: Option<String>,
    /// Authorities, PEM, in place of the system's.
    pub ssl_ca_cert: Option<String>,
    /// Client certificate, PEM.
    pub ssl_client_cert: Option<String>,
    /// Its key, PEM.
    pub ssl_client_key: Option<String>,
    /// Cipher suites by their OpenSSL names, with colons, commas or spaces between.
    pub ssl_ciphers: Option<String>,
    /// `1.0` to `1.3`.
    pub min_tls_version: Option<String>,
    /// `1.0` to `1.3`.
    pub max_tls_version: Option<String>,
    /// Seconds for which an idle connection is kept.
    pub keepalive_time: Option<u32>,
    /// Whether TCP keepalive is on. None: as the system does.
    pub tcp_keepalive_enable: Option<bool>,
    /// Seconds between two probes.
    pub tcp_keepalive_interval: Option<u32>,
    /// Probes without an answer that end a connection.
    pub tcp_keepalive_probes: Option<u32>,
    /// Seconds of silence before the first probe.
    pub tcp_keepalive_time: Option<u32>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Backend");
        shown.field("name", &self.name).field("address", &self.address).field("port", &self.port);
        shown.field("use_ssl", &self.use_ssl).field("request_condition", &self.request_condition);
        shown.finish_non_exhaustive()
    }
}

const TLS_VERSIONS: &[&str] = &["1.0", "1.1", "1.2", "1.3", "1"];

/// Text that is null when there is none, of one of these.
const fn tls_version(name: &'static str) -> Field {
    Field::new(name, Takes::Choice(TLS_VERSIONS), Fallback::Null)
}

const fn milliseconds(name: &'static str, default: i64) -> Field {
    Field::new(name, Takes::Number(0, 600_000), Fallback::Number(default))
}

const fn optional_number(name: &'static str) -> Field {
    Field::new(name, Takes::Number(0, MOST), Fallback::Null)
}

const fn newer_number(name: &'static str) -> Field {
    Field::new(name, Takes::Number(0, MOST), Fallback::Absent)
}

const fn boolean(name: &'static str, default: bool) -> Field {
    Field::new(name, Takes::Boolean, Fallback::Boolean(default))
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "backend",
    list: "backends",
    label: "Backend",
    fields: &[
        Field::new("address", Takes::Text(255), Fallback::Required),
        NAME,
        COMMENT,
        Field::new("port", Takes::Number(0, 65535), Fallback::Number(80)),
        milliseconds("connect_timeout", 1000),
        milliseconds("first_byte_timeout", 15_000),
        milliseconds("between_bytes_timeout", 10_000),
        Field::new("fetch_timeout", Takes::Number(0, MOST), Fallback::Absent),
        Field::number("max_conn", 200),
        newer_number("max_use"),
        newer_number("max_lifetime"),
        Field::number("weight", 100),
        Field::number("error_threshold", 0),
        boolean("auto_loadbalance", false),
        boolean("use_ssl", false),
        boolean("ssl_check_cert", true),
        boolean("prefer_ipv6", false),
        Field::new("request_condition", Takes::Text(SHORT), Fallback::Text("")),
        Field::optional("healthcheck"),
        Field::optional("override_host"),
        Field::optional("shield"),
        Field::optional("share_key"),
        Field::document("client_cert"),
        Field::optional("ssl_hostname"),
        Field::optional("ssl_cert_hostname"),
        Field::optional("ssl_sni_hostname"),
        Field::document("ssl_ca_cert"),
        Field::document("ssl_client_cert"),
        Field::document("ssl_client_key"),
        Field::new("ssl_ciphers", Takes::Text(LONG), Fallback::Null),
        tls_version("min_tls_version"),
        tls_version("max_tls_version"),
        optional_number("keepalive_time"),
        Field::new("tcp_keepalive_enable", Takes::Boolean, Fallback::Null),
        optional_number("tcp_keepalive_interval"),
        optional_number("tcp_keepalive_probes"),
        optional_number("tcp_keepalive_time"),
    ],
    version: Encoding::Native,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Backend>,
};

impl Part for Backend {
    fn normalise(&mut self) {
        if let Some(inner) = self.address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
            && inner.parse::<std::net::Ipv6Addr>().is_ok()
        {
            self.address = inner.to_owned();
        }
    }

    fn check(&self) -> Result<(), String> {
        if !host::is_address(&self.address) {
            return Err(format!("Address '{}' is not a valid IPv4, IPv6 or hostname", self.address));
        }
        if let Some(host) = self.override_host.as_deref().filter(|host| !host::is_host_header(host)) {
            return Err(format!("Override host '{host}' is not a valid Host header"));
        }
        let names = [
            ("Ssl hostname", &self.ssl_hostname),
            ("Ssl cert hostname", &self.ssl_cert_hostname),
            ("Ssl sni hostname", &self.ssl_sni_hostname),
        ];
        for (title, name) in names {
            if let Some(name) = name.as_deref().filter(|name| !host::is_certificate_name(name)) {
                return Err(format!("{title} '{name}' is not a valid hostname"));
            }
        }
        if self.ssl_client_cert.is_some() != self.ssl_client_key.is_some() {
            return Err("Ssl client cert and ssl client key must be set together".to_owned());
        }
        let by_number = |version: &Option<String>| version.as_deref().and_then(|version| version.parse::<f32>().ok());
        if let (Some(least), Some(most)) = (by_number(&self.min_tls_version), by_number(&self.max_tls_version))
            && least > most
        {
            return Err("Min tls version is above max tls version".to_owned());
        }
        Ok(())
    }
}
