//! How another proxy trusts the control plane, and what it shows.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// TLS to the control plane.
#[derive(Debug, clap::Args)]
pub(super) struct Secured {
    /// Speak TLS, and trust these authorities for the control plane: PEM; the proxy reads the file itself
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Certificate that it shows, with the SPIFFE ID of its fleet: PEM; the proxy reads the file itself
    #[arg(long, value_name = "FILE", requires_all = ["ca", "client_key"])]
    client_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Name that the certificate of the control plane has, where that is not the host of --xds
    #[arg(long, value_name = "NAME", requires = "ca")]
    tls_server_name: Option<String>,
}

impl Secured {
    /// Envoy's transport socket to `host`; none without TLS.
    pub(super) fn transport_socket(&self, host: &str) -> Option<Value> {
        let ca = self.ca.as_deref()?;
        let name = self.tls_server_name.as_deref().unwrap_or(host);
        let kind = if name.parse::<IpAddr>().is_ok() { "IP_ADDRESS" } else { "DNS" };
        let mut common = json!({
            "alpn_protocols": ["h2"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "validation_context": {
                "trusted_ca": {"filename": path(ca)},
                "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": name}}],
            },
        });
        if let Some((certificate, key)) = self.client_cert.as_deref().zip(self.client_key.as_deref()) {
            common["tls_certificates"] =
                json!([{"certificate_chain": {"filename": path(certificate)}, "private_key": {"filename": path(key)}}]);
        }
        let mut context = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": common,
        });
        // An address is no server name (RFC 6066, section 3).
        if kind == "DNS" {
            context["sni"] = json!(name);
        }
        Some(json!({"name": "envoy.transport_sockets.tls", "typed_config": context}))
    }

    /// The credentials of a gRPC client.
    ///
    /// Source: gRFC A65 (mTLS credentials in xDS bootstrap files).
    pub(super) fn channel_credentials(&self) -> Value {
        let Some(ca) = self.ca.as_deref() else { return json!({"type": "insecure"}) };
        let mut config = json!({"ca_certificate_file": path(ca), "refresh_interval": "60s"});
        if let Some((certificate, key)) = self.client_cert.as_deref().zip(self.client_key.as_deref()) {
            config["certificate_file"] = json!(path(certificate));
            config["private_key_file"] = json!(path(key));
        }
        json!({"type": "tls", "config": config})
    }

    /// Whether a name is given that is not the host's.
    pub(super) fn has_server_name(&self) -> bool {
        self.tls_server_name.is_some()
    }
}

/// As whoever reads the file finds it, wherever it runs.
fn path(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The token in a file.
pub(super) fn token(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("{}: it must have a token, and nothing else", path.display());
    }
    Ok(token.to_owned())
}
