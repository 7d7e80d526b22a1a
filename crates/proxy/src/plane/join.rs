//! A certificate for a join token, kept on disk and renewed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use backstay_certificate::authority::request;
use backstay_certificate::{Pair, Statement};
use backstay_proto::join::join_service_client::JoinServiceClient;
use backstay_proto::join::{JoinRequest, RenewRequest};
use backstay_xds::client::{self, Dialer, Link};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::read_token;
use crate::state;

/// The file in the state directory: the certificate, those of its authority, and the key, so that they change together.
const FILE: &str = "identity.pem";
/// How long the control plane may take to sign.
const PATIENCE: Duration = Duration::from_secs(30);
/// From a failed attempt to renew to the next.
const RETRY: Duration = Duration::from_secs(30);
/// How often it is looked whether the certificate has to be renewed, at least: a clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The certificate and the key that are kept in a state directory.
pub(super) fn pair(directory: &Path) -> (PathBuf, PathBuf) {
    (directory.join(FILE), directory.join(FILE))
}

/// A certificate that is obtained with a join token.
#[derive(Debug)]
pub(crate) struct Joined {
    directory: PathBuf,
    token: PathBuf,
    /// Connections without a certificate, and with the one that is kept.
    unproved: Endpoint,
    proved: Endpoint,
    /// One attempt at a time: a token is good once.
    joining: Mutex<()>,
}

/// Where the control plane is, and how it is reached.
struct Endpoint(client::Options);

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Endpoint").field(&self.0.endpoint).finish()
    }
}

impl Joined {
    pub(super) fn new(directory: &Path, token: &Path, unproved: client::Options, proved: client::Options) -> Self {
        let (directory, token) = (directory.to_owned(), token.to_owned());
        Self { directory, token, unproved: Endpoint(unproved), proved: Endpoint(proved), joining: Mutex::new(()) }
    }

    /// Sees to it that there is a certificate that holds.
    pub(super) async fn ensure(&self) -> io::Result<()> {
        let _one = self.joining.lock().await;
        if self.kept().is_some_and(|kept| !kept.left(SystemTime::now()).is_zero()) {
            return Ok(());
        }
        let token = read_token(&self.token).await?;
        let (key, certificate_request) = request().map_err(io::Error::other)?;
        let signing = async {
            let channel = reach(&self.unproved.0).await?;
            let answer = JoinServiceClient::new(channel)
                .join(JoinRequest { token, certificate_request: certificate_request.into() })
                .await;
            Ok::<_, io::Error>(answer.map_err(|status| refused(&status))?.into_inner())
        };
        let answer = in_time(signing).await?;
        self.keep(&answer.chain, &key)?;
        tracing::info!(fleet = answer.fleet, "joined: the control plane has signed a certificate for this proxy");
        Ok(())
    }

    /// Renews the certificate whenever half of its life is over, for as long as it is polled.
    pub(crate) async fn renew(&self) {
        loop {
            let kept = self.kept();
            let half = |kept: &Statement| kept.left(SystemTime::now()).saturating_sub(kept.life() / 2);
            let wait = match &kept {
                // Before there is one, connecting sees to it.
                None => Duration::from_secs(1),
                Some(kept) if half(kept).is_zero() => match self.renewed().await {
                    Ok(()) => continue,
                    Err(error) => {
                        tracing::warn!(%error, "the certificate of this proxy cannot be renewed");
                        RETRY
                    }
                },
                Some(kept) => half(kept).clamp(Duration::from_secs(1), LOOK_EVERY),
            };
            sleep(wait).await;
        }
    }

    async fn renewed(&self) -> io::Result<()> {
        let (key, certificate_request) = request().map_err(io::Error::other)?;
        let signing = async {
            let channel = reach(&self.proved.0).await?;
            let answer = JoinServiceClient::new(channel)
                .renew(RenewRequest { certificate_request: certificate_request.into() })
                .await;
            Ok::<_, io::Error>(answer.map_err(|status| refused(&status))?.into_inner())
        };
        let answer = in_time(signing).await?;
        self.keep(&answer.chain, &key)?;
        tracing::info!("the certificate of this proxy is renewed");
        Ok(())
    }

    /// What the certificate says that is kept, if there is one that can be used.
    fn kept(&self) -> Option<Statement> {
        let pem = std::fs::read(self.directory.join(FILE)).ok()?;
        match Pair::from_pem(&pem, &pem) {
            Ok(pair) => Some(pair.statement),
            Err(error) => {
                tracing::warn!(%error, file = FILE, "what is kept cannot be used");
                None
            }
        }
    }

    fn keep(&self, chain: &str, key: &str) -> io::Result<()> {
        // The control plane is believed as to the certificate, but not that it is one.
        Pair::from_pem(chain.as_bytes(), key.as_bytes()).map_err(io::Error::other)?;
        state::replace(&self.directory, FILE, &[chain.as_bytes(), key.as_bytes()])
    }
}

/// A connection to the first control plane that can be reached. The caller sees to it that this comes to an end.
async fn reach(options: &client::Options) -> io::Result<Link> {
    let mut dialer = Dialer::new(options.clone());
    let mut first = None;
    loop {
        match dialer.dial().await {
            Ok(dialed) => return Ok(dialed.link),
            Err((place, cause)) => {
                let wait = dialer.failed(&place, &cause).await;
                let cause = first.get_or_insert(cause);
                // All have been tried.
                if !wait.is_zero() {
                    return Err(io::Error::other(cause.to_string()));
                }
            }
        }
    }
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::Error::other("the control plane took too long to sign")))
}

fn refused(status: &tonic::Status) -> io::Error {
    io::Error::other(format!("the control plane signs no certificate: {} ({:?})", status.message(), status.code()))
}
