//! Options of a control plane's TLS, and of who may connect.

use std::path::PathBuf;

use backstay_auth::TrustDomain;
use backstay_control_plane::{
    Account, AuthorityFrom, DoorFiles, FrontProxies, ProxyAccounts, PublishAuthority, Security,
};
use clap::builder::NonEmptyStringValueParser;

/// TLS and authentication of the API and of discovery.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "TLS and authentication")]
pub(crate) struct SecurityArgs {
    /// Certificate of the API and of discovery, with those between it and its authority: PEM, read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key: PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Certificate of discovery alone
    #[arg(long, value_name = "FILE", requires = "xds_tls_key")]
    xds_tls_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "xds_tls_cert")]
    xds_tls_key: Option<PathBuf>,
    /// Authorities whose client certificates the API takes: PEM, read again when it changes
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Authorities of front proxies, which say by X-Remote-User and X-Remote-Group who sends a request to the API: PEM, read again when
    /// it changes
    #[arg(long, value_name = "FILE")]
    requestheader_client_ca: Option<PathBuf>,
    /// Common name of the certificate of a front proxy; may be repeated [default: any that --requestheader-client-ca vouches for]
    #[arg(
        long = "requestheader-allowed-name",
        value_name = "NAME",
        requires = "requestheader_client_ca",
        value_parser = NonEmptyStringValueParser::new()
    )]
    requestheader_names: Vec<String>,
    /// Authorities whose client certificates discovery takes, of proxies with a SPIFFE ID of their fleet
    #[arg(long, value_name = "FILE")]
    xds_client_ca: Option<PathBuf>,
    /// Be a certificate authority: sign certificates for both addresses, and for proxies that join with a token [see: backstay ca]
    #[arg(long, conflicts_with = "ca_cert")]
    authority: bool,
    /// Be one with this certificate instead of one of its own: PEM
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_cert: Option<PathBuf>,
    /// The private key of that authority: PEM
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// A name or address that certificates for both addresses carry, beside this machine's; may be repeated
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,
    /// Domain of the SPIFFE IDs of proxies: spiffe://DOMAIN/fleet/FLEET
    #[arg(long, value_name = "DOMAIN", default_value_t)]
    trust_domain: TrustDomain,
    /// Keys that the store is sealed with, a line each: NAME:KEY, the key as 64 hexadecimal digits; the first seals, all unseal. Control
    /// planes that share a store share them
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    /// A service account of a Kubernetes cluster whose pods may join a fleet with a token that the cluster's API server knows; may be
    /// repeated
    #[arg(long = "proxy-service-account", value_name = "NAMESPACE/NAME=FLEET")]
    proxy_service_accounts: Vec<Account>,
    /// Whom tokens of these service accounts must be for
    #[arg(long, value_name = "NAME", default_value = "backstay", value_parser = NonEmptyStringValueParser::new())]
    proxy_token_audience: String,
    /// Kubeconfig of the API server that is asked about them; in-cluster for that of the pod
    #[arg(long, value_name = "FILE|in-cluster", default_value = "in-cluster")]
    proxy_token_kubeconfig: PathBuf,
    /// ConfigMap of a Kubernetes cluster to keep the authority's certificate in, under the key ca.crt, so that pods can trust it
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = config_map)]
    publish_ca: Option<(String, String)>,
    /// Kubeconfig of the API server that has it; in-cluster for that of the pod
    #[arg(long, value_name = "FILE|in-cluster", default_value = "in-cluster", requires = "publish_ca")]
    publish_ca_kubeconfig: PathBuf,
}

fn config_map(text: &str) -> Result<(String, String), String> {
    let is_name = |name: &str| backstay_resources::name::subdomain(name).is_empty();
    match text.split_once('/') {
        Some((namespace, name)) if is_name(namespace) && is_name(name) => Ok((namespace.to_owned(), name.to_owned())),
        _ => Err("it must be the namespace and the name of a ConfigMap, such as backstay/backstay-ca".to_owned()),
    }
}

impl SecurityArgs {
    /// As settings.
    pub(crate) fn options(self) -> Security {
        let authority = match self.ca_cert.zip(self.ca_key) {
            Some((chain, key)) => AuthorityFrom::Files(chain, key),
            None if self.authority => AuthorityFrom::Store,
            None => AuthorityFrom::Nowhere,
        };
        Security {
            api: DoorFiles { pair: self.tls_cert.zip(self.tls_key), client_authorities: self.client_ca },
            xds: DoorFiles { pair: self.xds_tls_cert.zip(self.xds_tls_key), client_authorities: self.xds_client_ca },
            front_proxies: self
                .requestheader_client_ca
                .map(|authorities| FrontProxies { authorities, names: self.requestheader_names.into_iter().collect() }),
            authority,
            names: self.tls_names,
            trust_domain: self.trust_domain,
            encryption_keys: self.encryption_key_file,
            accounts: ProxyAccounts {
                listed: self.proxy_service_accounts,
                audience: self.proxy_token_audience,
                kubeconfig: self.proxy_token_kubeconfig,
            },
            publish_authority: self.publish_ca.map(|(namespace, name)| PublishAuthority {
                namespace,
                name,
                kubeconfig: self.publish_ca_kubeconfig,
            }),
        }
    }
}
