//! `backstay bootstrap`.

mod secured;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use backstay_resources::name::subdomain;
use serde_json::{Value, json};

use self::secured::Secured;
use crate::client::Segment;
use crate::output;

#[cfg(test)]
mod tests;

/// Print the file that another proxy starts with, to be served by this control plane
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    proxy: Proxy,
}

#[derive(Debug, clap::Subcommand)]
enum Proxy {
    Envoy(Envoy),
    Grpc(Grpc),
}

/// Who asks, and whom.
#[derive(Debug, clap::Args)]
struct Peers {
    /// Fleet that it joins: the name of a Proxy object
    #[arg(long, value_name = "NAME", default_value = backstay_model::FleetName::DEFAULT)]
    fleet: Segment,
    /// Where the control plane serves discovery
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:18000", value_parser = endpoint)]
    xds: (String, u16),
    #[command(flatten)]
    secured: Secured,
}

impl Peers {
    /// The control plane, as a host is written before a port.
    fn control_plane(&self) -> String {
        let (host, port) = &self.xds;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// For clients of gRPC that resolve xds:///TARGET by themselves
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  backstay bootstrap grpc > grpc.json && GRPC_XDS_BOOTSTRAP=grpc.json my-client xds:///orders:8080
  backstay bootstrap grpc --xds backstay.example:18000 --ca ca.pem --client-cert client.crt --client-key client.key > grpc.json")]
struct Grpc {
    #[command(flatten)]
    peers: Peers,
    /// What it calls itself, in statuses and logs; unique within the fleet
    #[arg(long, value_name = "NAME", default_value = "grpc", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    node: String,
}

impl Grpc {
    fn bootstrap(&self) -> Value {
        let server = json!({
            "server_uri": self.peers.control_plane(),
            "channel_creds": [self.peers.secured.channel_credentials()],
            "server_features": ["xds_v3"],
        });
        json!({"xds_servers": [server], "node": {"id": self.node, "cluster": self.peers.fleet.to_string()}})
    }
}

/// For Envoy
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  backstay bootstrap envoy > envoy.yaml && envoy -c envoy.yaml
  backstay bootstrap envoy --fleet edge --xds 10.0.0.5:18000 --node edge-1 > envoy.yaml
  backstay bootstrap envoy --fleet edge --xds backstay.example:18000 --ca ca.pem --token-file token --node edge-1 > envoy.yaml")]
struct Envoy {
    #[command(flatten)]
    peers: Peers,
    /// What it calls itself, in statuses and logs; unique within the fleet
    #[arg(long, value_name = "NAME", default_value = "envoy", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    node: String,
    /// Where it serves its own admin interface
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9901", value_parser = endpoint)]
    admin: (String, u16),
    /// Ask for the state of the world, in place of what has changed
    #[arg(long)]
    sotw: bool,
    /// Token that it shows: what is in the file now becomes a part of what is printed. It needs --ca
    #[arg(long, value_name = "FILE", requires = "ca", conflicts_with = "client_cert")]
    token_file: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.proxy {
            Proxy::Envoy(envoy) => {
                let token = envoy.token_file.as_deref().map(secured::token).transpose()?;
                output::line(envoy.bootstrap(token.as_deref()).trim_end())?;
            }
            Proxy::Grpc(grpc) if grpc.peers.secured.has_server_name() => super::usage(
                "--tls-server-name: clients of gRPC ask for the host of --xds; give the certificate of the control plane that name",
            ),
            Proxy::Grpc(grpc) => output::line(format_args!("{:#}", grpc.bootstrap()))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Envoy {
    /// YAML, of which each value is JSON: a line for each thing that somebody may want to change.
    fn bootstrap(&self, token: Option<&str>) -> String {
        let (host, port) = &self.peers.xds;
        let authority = self.peers.control_plane();
        let ads = json!({"ads": {}, "resource_api_version": "V3"});
        // Without an authority of its own, a request would be addressed to the name of the cluster.
        let mut service = json!({"envoy_grpc": {"cluster_name": "backstay", "authority": authority}});
        if let Some(token) = token {
            service["initial_metadata"] = json!([{"key": "authorization", "value": format!("Bearer {token}")}]);
        }
        let stream = json!({
            "api_type": if self.sotw { "GRPC" } else { "DELTA_GRPC" },
            "transport_api_version": "V3",
            "set_node_on_first_message_only": true,
            "grpc_services": [service],
        });
        let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {
                "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "10s"}},
            },
        }});
        let endpoint = json!({"endpoint": {"address": socket(host, *port)}});
        let mut node = json!({"id": self.node, "cluster": self.peers.fleet.to_string()});
        if !self.sotw {
            // Envoy takes virtual hosts by themselves on such a stream alone.
            node["metadata"] = json!({"backstay.dev/vhds": true});
        }
        let lines: [(&str, Value); 10] = [
            ("node", node),
            ("admin", json!({"address": socket(&self.admin.0, self.admin.1)})),
            ("dynamic_resources", Value::Null),
            ("  ads_config", stream),
            ("  cds_config", ads.clone()),
            ("  lds_config", ads),
            ("static_resources", Value::Null),
            ("  clusters", Value::Null),
            ("  - name", json!("backstay")),
            ("    type", json!("STRICT_DNS")),
        ];
        let more = [
            ("    load_assignment", json!({"cluster_name": "backstay", "endpoints": [{"lb_endpoints": [endpoint]}]})),
            ("    typed_extension_protocol_options", options),
        ];
        let mut text = String::new();
        let tls = self.peers.secured.transport_socket(host).map(|socket| ("    transport_socket", socket));
        for (key, value) in lines.into_iter().chain(more).chain(tls) {
            text.push_str(key);
            text.push(':');
            if !value.is_null() {
                text.push(' ');
                text.push_str(&value.to_string());
            }
            text.push('\n');
        }
        text
    }
}

fn socket(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

/// A host, which may be an IPv6 address in brackets, and a port.
fn endpoint(text: &str) -> Result<(String, u16), String> {
    let wrong = || "it must be a host and a port, such as 10.0.0.5:18000".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.parse::<std::net::Ipv4Addr>().is_ok() || subdomain(host).is_empty(),
    };
    let port = port.parse().ok().filter(|port| *port > 0);
    match (is_host, port) {
        (true, Some(port)) => Ok((bare.unwrap_or(host).to_owned(), port)),
        _ => Err(wrong()),
    }
}
