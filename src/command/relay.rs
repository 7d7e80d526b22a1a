//! `backstay relay`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use backstay_auth::TrustDomain;
use backstay_control_plane::{
    AccessOptions, AuthorityFrom, ControlPlane, DoorFiles, Limit, Limits, Options, RelayLimits, Security,
};
use backstay_guard::LogSwitch;
use backstay_model::FleetName;
use backstay_proxy::Keys;
use backstay_proxy::subscriber::{self, Subscriber};
use backstay_resources::GoDuration;
use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use tokio::sync::oneshot;

use super::AllowedHostArgs;
use super::proxy::{PlaneUri, WayArgs, node_id};
use crate::address_file::AddressFileArgs;
use crate::client::Segment;
use crate::shutdown::{Hangup, Shutdown};

/// Run a relay: pass the configuration of one fleet on to proxies that are far from the control plane
#[derive(Debug, clap::Args)]
#[command(after_help = "\
To the control plane a relay is a proxy: it shows what a proxy shows, and acknowledges what all of its own proxies have. To these it is the \
control plane: with the same bytes and versions, so that a proxy which moves between the two is sent nothing.

Examples:
  backstay relay --control-plane https://10.0.0.5:18000 --ca ca.pem --token-file token --state-dir /var/lib/backstay-relay
  backstay relay --fleet edge --control-plane https://10.0.0.5:18000 --ca ca.pem --token-file token --state-dir relay \
      --xds 10.1.0.5:18100 --tls-cert relay.pem --tls-key relay-key.pem --tokens tokens.yaml")]
pub(crate) struct Args {
    /// Where to fetch configuration from, over TLS where it begins with https; several, with commas between, are tried in this order
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:18000", value_delimiter = ',')]
    control_plane: Vec<PlaneUri>,
    #[command(flatten)]
    way: WayArgs,
    /// Fleet to relay: the name of a Proxy object
    #[arg(long, value_name = "NAME", default_value = FleetName::DEFAULT)]
    fleet: Segment,
    /// Name of this relay within the fleet [default: host name and process id]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    node_id: Option<String>,
    /// Directory to keep the last good configuration in
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
    /// Address of metrics, health and status
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7180")]
    api: SocketAddr,
    /// Address that proxies fetch their configuration from
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:18100")]
    xds: SocketAddr,
    /// Allow addresses beyond this machine without TLS and authentication
    #[arg(long)]
    insecure: bool,
    /// How long proxies may take to answer, before the control plane is told which have not
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    answer_timeout: GoDuration,
    /// A limit on proxies or on what is kept, as of the control plane, such as max-streams=20000; may be repeated
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<Limit>,
    #[command(flatten)]
    door: DoorArgs,
    #[command(flatten)]
    allowed_hosts: AllowedHostArgs,
    #[command(flatten)]
    address_file: AddressFileArgs,
}

/// TLS towards proxies, and which of them may join.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "TLS and authentication of proxies")]
struct DoorArgs {
    /// Certificate of both addresses, with those between it and its authority: PEM, read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key: PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities whose client certificates discovery takes, of proxies with a SPIFFE ID of their fleet
    #[arg(long, value_name = "FILE")]
    xds_client_ca: Option<PathBuf>,
    /// File of the tokens that proxies and requests are sent with [see: backstay token]
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Be a certificate authority for the proxies here, which join with tokens of this relay
    #[arg(long)]
    authority: bool,
    /// A name or address that certificates of the authority for both addresses carry, beside this machine's; may be repeated
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,
    /// Domain of the SPIFFE IDs of proxies: spiffe://DOMAIN/fleet/FLEET
    #[arg(long, value_name = "DOMAIN", default_value_t)]
    trust_domain: TrustDomain,
}

impl DoorArgs {
    fn options(self) -> (Security, AccessOptions) {
        let security = Security {
            api: DoorFiles { pair: self.tls_cert.zip(self.tls_key), client_authorities: None },
            xds: DoorFiles { pair: None, client_authorities: self.xds_client_ca },
            authority: if self.authority { AuthorityFrom::Store } else { AuthorityFrom::Nowhere },
            names: self.tls_names,
            trust_domain: self.trust_domain,
            ..Security::default()
        };
        (security, AccessOptions { tokens: self.tokens, ..AccessOptions::default() })
    }
}

impl Args {
    pub(crate) async fn run(self, log_switch: LogSwitch) -> Result<ExitCode> {
        let mut shutdown = Shutdown::listen(Hangup::Ends)?;
        let mut limits = Limits::default();
        self.limits.iter().for_each(|limit| limit.apply(&mut limits));
        let state_keys = self.way.state_key_file.as_deref().map(Keys::of_file).transpose();
        let subscriber = Subscriber::open(subscriber::Options {
            node_id: self.node_id.unwrap_or_else(node_id),
            agent: "backstay-relay",
            fleet: self.fleet.to_string(),
            control_planes: self.control_plane.into_iter().map(|PlaneUri(uri)| uri).collect(),
            access: self.way.access(),
            state_dir: self.state_dir.clone(),
            state_keys: state_keys.context("--state-key-file")?,
        })?;
        let (security, access) = self.door.options();
        let scheme = |is_tls| if is_tls { "https" } else { "http" };
        let (api_scheme, xds_scheme) = (scheme(security.api_is_tls()), scheme(security.xds_is_tls()));
        let options = Options {
            api: self.api,
            xds: self.xds,
            data_dir: self.state_dir,
            insecure: self.insecure,
            security,
            access,
            allowed_hosts: self.allowed_hosts.names,
            limits,
            log_switch: Some(log_switch),
            telemetry: super::telemetry("relay"),
            ..Options::default()
        };
        let patience = RelayLimits { patience: self.answer_timeout.0 };
        let (relay, mut inlet) = ControlPlane::relay(options, &self.fleet.to_string(), patience).await?;
        match subscriber.kept() {
            Ok(kept) if kept.is_empty() => {}
            Ok(kept) => {
                tracing::info!(resources = kept.len(), "serving the configuration kept on disk");
                inlet.restore(kept);
            }
            Err(error) => tracing::error!(%error, "the configuration kept on disk cannot be used"),
        }
        let (api, xds) = (relay.api_address(), relay.xds_address());
        self.address_file.write(&json!({"api": api.to_string(), "xds": xds.to_string()}))?;
        tracing::info!("API on {api_scheme}://{api}, configuration for proxies on {xds_scheme}://{xds}");
        let (stop, stopped) = oneshot::channel::<()>();
        let (in_force, changes, fares) = (inlet.in_force(), inlet.changes(), inlet.fares());
        let following = tokio::spawn(subscriber.follow(inlet, in_force, fares, changes, async move {
            // Gone without a word is as good as a word.
            let _ = stopped.await;
        }));
        shutdown.requested().await;
        tracing::info!("ending");
        let _ = stop.send(());
        let ended = async {
            let _ = following.await;
            relay.shutdown().await;
        };
        shutdown.drain(ended).await;
        Ok(ExitCode::SUCCESS)
    }
}
