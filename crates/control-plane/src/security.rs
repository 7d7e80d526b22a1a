//! How the two addresses are protected, as whoever starts a control plane says it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use backstay_auth::{Account, Tokens, TrustDomain};
use backstay_guard::check_address;

use crate::access::AccessOptions;
use crate::error::StartError;

/// How the two addresses are protected. Default not at all, which is for loopback.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// The API.
    pub api: DoorFiles,
    /// Discovery. Where it names no certificate, that of the API is shown.
    pub xds: DoorFiles,
    /// Who may say, at the API, who sends a request. Default nobody.
    pub front_proxies: Option<FrontProxies>,
    /// Who signs where no certificate is named, and the certificates of proxies that join with a token. Default nobody.
    pub authority: AuthorityFrom,
    /// Names and addresses for certificates of servers that the authority signs, beside `localhost`, the host's name, and the addresses that
    /// are listened on.
    pub names: Vec<String>,
    /// The domain of the SPIFFE IDs of proxies. Default `backstay`.
    pub trust_domain: TrustDomain,
    /// Keys that what is secret is sealed with on disk; the first seals. Default nothing is sealed.
    pub encryption_keys: Option<PathBuf>,
    /// Service accounts of a cluster whose pods may join fleets. Default none.
    pub accounts: ProxyAccounts,
    /// Where the authority's certificate is published, for those that are to trust it. Default nowhere.
    pub publish_authority: Option<PublishAuthority>,
}

/// Service accounts of a Kubernetes cluster as proxies.
#[derive(Debug, Clone)]
pub struct ProxyAccounts {
    /// Which may join which fleet. None: no token is asked about.
    pub listed: Vec<Account>,
    /// Whom their tokens must be for. Default `backstay`.
    pub audience: String,
    /// Kubeconfig of the API server that knows the tokens. Default that of the pod.
    pub kubeconfig: PathBuf,
}

impl Default for ProxyAccounts {
    fn default() -> Self {
        Self { listed: Vec::new(), audience: "backstay".to_owned(), kubeconfig: PathBuf::from(IN_CLUSTER) }
    }
}

/// A ConfigMap of a Kubernetes cluster that has the authority's certificate, under the key `ca.crt`.
#[derive(Debug, Clone)]
pub struct PublishAuthority {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Kubeconfig of the API server that has it.
    pub kubeconfig: PathBuf,
}

/// In place of a kubeconfig: the API server that this process is a pod of.
const IN_CLUSTER: &str = "in-cluster";

/// The files of an address.
#[derive(Debug, Clone, Default)]
pub struct DoorFiles {
    /// The certificate that is shown, with those between it and its authority, and its key: PEM.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// Authorities of clients: PEM. With them a client may show a certificate.
    pub client_authorities: Option<PathBuf>,
}

/// Proxies before the API, such as an API server that hands on what is asked of it.
#[derive(Debug, Clone)]
pub struct FrontProxies {
    /// Authorities that vouch for their certificates: PEM, followed.
    pub authorities: PathBuf,
    /// Common names of these certificates. Empty: any.
    pub names: BTreeSet<String>,
}

/// Who signs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AuthorityFrom {
    /// Nobody.
    #[default]
    Nowhere,
    /// An authority that is made once, and kept in the store.
    Store,
    /// The authority whose certificate and key are in these files: PEM.
    Files(PathBuf, PathBuf),
}

impl Security {
    /// Whether the API speaks TLS.
    #[must_use]
    pub fn api_is_tls(&self) -> bool {
        self.api.pair.is_some() || self.authority != AuthorityFrom::Nowhere
    }

    /// Whether discovery speaks TLS.
    #[must_use]
    pub fn xds_is_tls(&self) -> bool {
        self.xds.pair.is_some() || self.api_is_tls()
    }

    /// Whether these addresses may be listened on: beyond this machine there must be TLS, and something that is asked for.
    pub(crate) fn check(
        &self,
        api: SocketAddr,
        xds: SocketAddr,
        access: &AccessOptions,
        tokens: &Tokens,
    ) -> Result<(), StartError> {
        let certificates = self.xds.client_authorities.is_some()
            || self.authority != AuthorityFrom::Nowhere
            || !self.accounts.listed.is_empty();
        let checked = |option, address, harm, is_tls, asks, help| match check_address(option, address, harm) {
            Err(exposed) if !(is_tls && asks) => Err(StartError::Exposed { exposed, lacks: lacks(is_tls, asks), help }),
            _ => Ok(()),
        };
        let help = "--tls-cert or --authority, and --client-ca, --tokens or --oidc-issuer";
        checked("--api", api, "may change everything", self.api_is_tls(), access.authenticates(), help)?;
        let help = "--tls-cert or --authority, and --xds-client-ca, --authority, --proxy-service-account or --tokens with fleets";
        let harm = "receives every fleet's configuration, private keys included";
        checked("--xds", xds, harm, self.xds_is_tls(), certificates || tokens.any_joins(), help)
    }
}

/// What an exposed address has not.
fn lacks(is_tls: bool, asks: bool) -> &'static str {
    match (is_tls, asks) {
        (false, false) => "TLS and authentication",
        (false, true) => "TLS",
        _ => "authentication",
    }
}

#[cfg(test)]
mod tests;
