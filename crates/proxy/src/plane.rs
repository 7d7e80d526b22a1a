//! The way to the control plane: TLS, what is shown there, and how a proxy comes by something to show.
//!
//! # Layout
//!
//! - [`Access`]: how it is asked for. `Way`: the connections.
//! - `join`: a certificate for a join token, kept on disk and renewed.

mod join;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_certificate::{Client, ClientFiles};
use backstay_xds::client::{self, Connection, Transport, Work};
use http::Uri;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tonic::metadata::MetadataMap;

pub(crate) use self::join::Joined;

/// What is spoken to the control plane.
const ALPN: &[&[u8]] = &[b"h2"];

/// What is believed of the control plane, and what is shown to it. Default: the system's authorities, and nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Authorities that the control plane's certificate must come from, as PEM. Read for each connection.
    pub authorities: Option<PathBuf>,
    /// The name that its certificate must carry, if not that of its address.
    pub server_name: Option<ServerName<'static>>,
    /// The file with the token that is sent with each call, and read for each.
    pub token: Option<PathBuf>,
    /// A certificate and its key, as PEM. Read for each connection.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// The file with a join token, which is exchanged once for a certificate that is kept in the state directory and renews itself.
    pub join_token: Option<PathBuf>,
}

/// Why the control plane cannot be reached in that way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The scheme is not known, or there is no host.
    #[error("{0} is not the address of a control plane; write it as https://HOST:PORT or http://HOST:PORT")]
    Address(Uri),
    /// TLS is not spoken there.
    #[error("{0} needs https: the address of the control plane begins with http")]
    Plain(&'static str),
    /// A secret would go over the network as it is.
    #[error("a token would be sent to {0} without TLS, for all on the way to read: use https")]
    TokenInClear(String),
    /// There is nowhere to keep a certificate.
    #[error("a join token needs a state directory: its certificate is kept there")]
    NoStateDirectory,
    /// A certificate comes from one place.
    #[error("there may be a client certificate or a join token, not both")]
    TwoCertificates,
}

impl Access {
    /// Whether it fits to an address.
    ///
    /// # Errors
    /// What does not.
    pub(crate) fn check(&self, uri: &Uri, state_dir: Option<&Path>) -> Result<(), AccessError> {
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return Err(AccessError::Address(uri.clone()));
        };
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") => {
                let needs = [
                    (self.authorities.is_some(), "--ca"),
                    (self.server_name.is_some(), "--tls-server-name"),
                    (self.pair.is_some(), "--client-cert"),
                    (self.join_token.is_some(), "--join-token-file"),
                ];
                if let Some((_, option)) = needs.iter().find(|(given, _)| *given) {
                    return Err(AccessError::Plain(option));
                }
                if self.token.is_some() && !is_near(host) {
                    return Err(AccessError::TokenInClear(host.to_owned()));
                }
            }
            _ => return Err(AccessError::Address(uri.clone())),
        }
        if self.join_token.is_some() && self.pair.is_some() {
            return Err(AccessError::TwoCertificates);
        }
        if self.join_token.is_some() && state_dir.is_none() {
            return Err(AccessError::NoStateDirectory);
        }
        Ok(())
    }

    fn files(&self) -> ClientFiles {
        let (authorities, pair) = (self.authorities.clone(), self.pair.clone());
        ClientFiles { authorities, pair, server_name: self.server_name.clone() }
    }
}

fn is_near(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Gives a subscription its way to the control plane, and yields what has to be kept up for it, if anything.
pub(crate) fn equip(options: &mut client::Options, access: &Access, state_dir: Option<&Path>) -> Option<Arc<Joined>> {
    // Each address says for itself whether it is spoken to over TLS; a fallback may where the first does not.
    let is_tls = |uri: &Uri| uri.scheme_str() == Some("https");
    if !std::iter::once(&options.endpoint).chain(&options.fallbacks).any(is_tls) && access.token.is_none() {
        return None;
    }
    let joined = access.join_token.as_ref().zip(state_dir).map(|(token, directory)| {
        let without = Way::new(access.files(), None, None);
        let unproved = client::Options { transport: Some(Arc::new(without)), ..options.clone() };
        let with = ClientFiles { pair: Some(join::pair(directory)), ..access.files() };
        let proved = Way::new(with, None, None);
        let proved = client::Options { transport: Some(Arc::new(proved)), ..options.clone() };
        Arc::new(Joined::new(directory, token, unproved, proved))
    });
    let pair = joined.is_some().then_some(state_dir).flatten().map(join::pair).or_else(|| access.pair.clone());
    let files = ClientFiles { pair, ..access.files() };
    options.transport = Some(Arc::new(Way::new(files, access.token.clone(), joined.clone())));
    joined
}

/// Connections to the control plane.
#[derive(Debug)]
struct Way {
    tls: Arc<Client>,
    token: Option<PathBuf>,
    joined: Option<Arc<Joined>>,
}

impl Way {
    fn new(files: ClientFiles, token: Option<PathBuf>, joined: Option<Arc<Joined>>) -> Self {
        Self { tls: Arc::new(Client::new(files, ALPN)), token, joined }
    }
}

impl Transport for Way {
    fn connect(&self, endpoint: Uri, address: SocketAddr) -> Work<Box<dyn Connection>> {
        let (tls, joined) = (self.tls.clone(), self.joined.clone());
        Box::pin(async move {
            let host = endpoint.host().unwrap_or_default();
            if endpoint.scheme_str() != Some("https") {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                return Ok(Box::new(stream) as Box<dyn Connection>);
            }
            if let Some(joined) = joined {
                joined.ensure().await?;
            }
            let stream = tls.connect_to(host, address).await.map_err(io::Error::other)?;
            Ok(Box::new(stream) as Box<dyn Connection>)
        })
    }

    fn metadata(&self) -> Work<MetadataMap> {
        let token = self.token.clone();
        Box::pin(async move {
            let mut metadata = MetadataMap::new();
            if let Some(path) = token {
                let token = read_token(&path).await?;
                // The error could quote it.
                let unfit = |_| io::Error::other(format!("{}: a token is one line of visible ASCII", path.display()));
                let mut value: tonic::metadata::AsciiMetadataValue =
                    format!("Bearer {token}").parse().map_err(unfit)?;
                value.set_sensitive(true);
                metadata.insert("authorization", value);
            }
            Ok(metadata)
        })
    }
}

/// The token in a file, without the space around it.
async fn read_token(path: &Path) -> io::Result<String> {
    let bytes = backstay_certificate::follow::read(path).await.map_err(io::Error::other)?;
    let token = String::from_utf8_lossy(&bytes).trim().to_owned();
    if token.is_empty() {
        return Err(io::Error::other(format!("{} has no token in it", path.display())));
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
