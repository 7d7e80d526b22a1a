//! What both addresses are protected with: certificates that are shown, authorities that are believed, and who may join which fleet.
//!
//! # Layout
//!
//! - `door`: TLS of one address. `pace`: how many handshakes it begins.
//! - `kept_authority`: the authority that is made once. `published`: its certificate, where a cluster's pods find it. `join_tokens`: good for one certificate each.
//! - `join`: the service that hands out certificates. `admission`: who may send requests to discovery at all.

mod admission;
mod door;
mod join;
mod join_tokens;
mod kept_authority;
mod pace;
mod published;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backstay_auth::failures::FailureLimits;
use backstay_auth::{Accounts, Proxies, Tokens};
use backstay_certificate::{
    Authority, AuthorityError, FileError, Followed, MaterialError, Pair, ServerProtocols, Trust,
};
use backstay_store::Store;

pub(crate) use self::admission::{Admission, AdmissionLayer, until};
use self::door::Believed;
pub use self::door::DoorLimits;
pub(crate) use self::door::{Chain, Door, Shown};
pub(crate) use self::join::Joining;
pub(crate) use self::join_tokens::{JoinTokens, is_id};
use self::published::Published;
use crate::access::remote::token_review;
use crate::error::StartError;
use crate::metrics::Metrics;
use crate::security::{AuthorityFrom, DoorFiles, ProxyAccounts, Security};

/// How long a certificate of a server holds that the authority signs; it is renewed when half of it is over.
const SERVER_LIFE: Duration = Duration::from_secs(24 * 3600);

/// What protects the two addresses of a control plane.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) api: Option<Arc<Door>>,
    pub(crate) xds: Option<Arc<Door>>,
    /// Whoever signs here.
    pub(crate) authority: Option<Arc<Authority>>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) join_tokens: JoinTokens,
    leaf: Option<Arc<Leaf>>,
    published: Option<Published>,
}

impl Doors {
    /// Reads the files, and makes the authority if there is to be one.
    ///
    /// # Errors
    /// [`StartError`] names the option at fault.
    pub(crate) async fn open(
        security: &Security,
        (limits, failures): (DoorLimits, FailureLimits),
        (api, xds): (SocketAddr, SocketAddr),
        tokens: &Tokens,
        store: &Arc<dyn Store>,
        metrics: &Metrics,
    ) -> Result<Self, StartError> {
        let authority = authority(&security.authority, store).await?.map(Arc::new);
        if let Some(authority) = &authority {
            tracing::info!(fingerprint = authority.statement().fingerprint, "signs certificates as an authority");
        }
        let leaf = match &authority {
            Some(authority) => Some(Arc::new(Leaf::new(authority.clone(), names(security, [api, xds]))?)),
            None => None,
        };
        let signed = leaf.as_ref().map(|leaf| leaf.pair.clone());
        let api_pair = match pair("--tls-cert", &security.api).await? {
            Some(pair) => Some(pair),
            None => signed,
        };
        let xds_pair = match pair("--xds-tls-cert", &security.xds).await? {
            Some(pair) => Some(pair),
            None => api_pair.clone(),
        };
        let api_clients = authorities("--client-ca", security.api.client_authorities.as_deref()).await?;
        let xds_clients = authorities("--xds-client-ca", security.xds.client_authorities.as_deref()).await?;
        let front_proxies = security.front_proxies.as_ref().map(|front_proxies| front_proxies.authorities.as_path());
        let front_proxies = authorities("--requestheader-client-ca", front_proxies).await?;
        let own = authority.as_ref().map(|authority| authority.trust());
        let own = own.transpose().map_err(|source| StartError::Authority { option: "--ca-cert", source })?;
        let certificates = xds_clients.is_some() || own.is_some();
        let door = |name, pair: Option<Shown>, believed, protocols| {
            pair.map(|pair| Door::new(name, pair, believed, protocols, limits, metrics).map(Arc::new)).transpose()
        };
        let believed = Believed { clients: api_clients, front_proxies, own: None };
        let api = door("api", api_pair, believed, ServerProtocols::Http)?;
        let believed = Believed { clients: xds_clients, front_proxies: None, own };
        let xds = door("xds", xds_pair, believed, ServerProtocols::Grpc)?;
        let accounts = accounts(&security.accounts, failures)?;
        let proxies = Proxies::new(tokens.clone(), security.trust_domain.clone()).with_accounts(accounts);
        let join_tokens = JoinTokens::new(store.clone());
        let admission = Admission::new(proxies, certificates, xds.clone(), join_tokens.clone(), metrics.clone());
        let admission = Arc::new(admission);
        let published = match (&security.publish_authority, &authority) {
            (Some(place), Some(authority)) => {
                Some(Published::new(place, authority.pem(), metrics.authority_publish_failures.clone())?)
            }
            (Some(_), None) => return Err(StartError::NothingToPublish),
            (None, _) => None,
        };
        Ok(Self { api, xds, authority, admission, join_tokens, leaf, published })
    }

    /// Reads files again as they change, and renews what is signed here, for as long as it is polled.
    pub(crate) async fn keep(&self) {
        let door = async |door: &Option<Arc<Door>>| match door {
            Some(door) => door.keep().await,
            None => std::future::pending().await,
        };
        let leaf = async {
            match &self.leaf {
                Some(leaf) => leaf.renew().await,
                None => std::future::pending().await,
            }
        };
        let published = async {
            match &self.published {
                Some(published) => published.keep().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(door(&self.api), door(&self.xds), leaf, published);
    }
}

/// Service accounts that may join fleets, if there are any.
fn accounts(accounts: &ProxyAccounts, failures: FailureLimits) -> Result<Option<Accounts>, StartError> {
    let ProxyAccounts { listed, audience, kubeconfig } = accounts;
    if listed.is_empty() {
        return Ok(None);
    }
    let review = token_review(kubeconfig, Some(audience))?;
    Ok(Some(Accounts::new(listed, review, failures)))
}

async fn authority(from: &AuthorityFrom, store: &Arc<dyn Store>) -> Result<Option<Authority>, StartError> {
    match from {
        AuthorityFrom::Nowhere => Ok(None),
        AuthorityFrom::Store => kept_authority::open(store).await.map(Some),
        AuthorityFrom::Files(chain, key) => {
            let read = async |option, path| {
                let bytes = backstay_certificate::follow::read(path).await;
                let bytes = bytes.map_err(|source| StartError::File { option, source })?;
                Ok::<_, StartError>(String::from_utf8_lossy(&bytes).into_owned())
            };
            let (chain, key) = (read("--ca-cert", chain).await?, read("--ca-key", key).await?);
            let authority = Authority::from_pem(&chain, &key);
            authority.map(Some).map_err(|source| StartError::Authority { option: "--ca-cert with --ca-key", source })
        }
    }
}

async fn pair(option: &'static str, files: &DoorFiles) -> Result<Option<Shown>, StartError> {
    let Some((chain, key)) = &files.pair else { return Ok(None) };
    let parse = |contents: &[Vec<u8>]| match contents {
        [chain, key] => Pair::from_pem(chain, key),
        _ => Err(MaterialError::NoCertificate),
    };
    followed(option, vec![chain.clone(), key.clone()], parse).await.map(Some)
}

async fn authorities(option: &'static str, path: Option<&Path>) -> Result<Option<Arc<Followed<Trust>>>, StartError> {
    let Some(path) = path else { return Ok(None) };
    followed(option, vec![path.to_owned()], |contents| Trust::from_pem(&contents.concat())).await.map(Some)
}

async fn followed<T>(
    option: &'static str,
    files: Vec<PathBuf>,
    parse: fn(&[Vec<u8>]) -> Result<T, MaterialError>,
) -> Result<Arc<Followed<T>>, StartError> {
    let read: Result<_, FileError> = Followed::of_files(files, parse).await;
    read.map(Arc::new).map_err(|source| StartError::File { option, source })
}

/// Names that a server may be reached by.
fn names(security: &Security, addresses: [SocketAddr; 2]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let host = Some(host.trim().to_owned()).filter(|host| !host.is_empty() && host.bytes().all(is_name));
    let own = addresses.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    for name in host.into_iter().chain(own).chain(security.names.iter().cloned()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The certificate of the servers that the authority signs.
#[derive(Debug)]
struct Leaf {
    authority: Arc<Authority>,
    names: Vec<String>,
    pair: Shown,
}

impl Leaf {
    fn new(authority: Arc<Authority>, names: Vec<String>) -> Result<Self, StartError> {
        let refused = |source: AuthorityError| StartError::Authority { option: "--tls-name", source };
        let pair = Arc::new(Followed::new(authority.server(&names, SERVER_LIFE).map_err(refused)?));
        Ok(Self { authority, names, pair })
    }

    /// Signs another one whenever half the life of the last is over.
    async fn renew(&self) {
        loop {
            let statement = self.pair.get().statement.clone();
            let wait = statement.left(SystemTime::now()).saturating_sub(statement.life() / 2);
            // In steps: a clock may be set, and a machine may sleep.
            tokio::time::sleep(wait.clamp(Duration::from_secs(1), Duration::from_secs(60))).await;
            if statement.left(SystemTime::now()) > statement.life() / 2 {
                continue;
            }
            match self.authority.server(&self.names, SERVER_LIFE) {
                Ok(pair) => self.pair.set(pair),
                Err(error) => tracing::error!(%error, "the certificate of the servers cannot be renewed"),
            }
        }
    }
}
