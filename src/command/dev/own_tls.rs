//! `backstay dev --tls`: an authority of its own for everything.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use backstay_api_client::{Address, Credential, Secret, Target};
use backstay_control_plane::{AuthorityFrom, ControlPlane, Security};
use backstay_model::FleetName;
use backstay_proxy::Access;

use crate::client::Client;

/// What a dev with TLS has on disk.
#[derive(Debug, Clone)]
pub(super) struct OwnTls {
    authority: PathBuf,
    join_token: PathBuf,
    /// What the proxy got for an earlier token.
    identity: PathBuf,
}

impl OwnTls {
    /// In this data directory.
    pub(super) fn new(data_dir: &Path) -> Self {
        let proxy = data_dir.join("proxy");
        Self {
            authority: data_dir.join("ca.pem"),
            join_token: proxy.join("join-token"),
            identity: proxy.join("identity.pem"),
        }
    }

    /// What the control plane is started with.
    pub(super) fn security() -> Security {
        Security { authority: AuthorityFrom::Store, ..Security::default() }
    }

    /// Writes down the certificate of the authority, and a join token for the proxy.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) async fn prepare(&self, control_plane: &ControlPlane) -> Result<Access> {
        let pem = control_plane.authority().context("the control plane has no authority")?;
        let token = control_plane.join_token(FleetName::DEFAULT).await.map_err(|error| anyhow!(error))?;
        if let Some(directory) = self.join_token.parent() {
            std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        // It may be of an authority whose store is gone.
        let _ = std::fs::remove_file(&self.identity);
        for (path, content) in [(&self.authority, pem), (&self.join_token, token.as_str())] {
            std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let authorities = Some(self.authority.clone());
        Ok(Access { authorities, join_token: Some(self.join_token.clone()), ..Access::default() })
    }

    /// The certificate of the authority, for those who connect.
    pub(super) fn authority(&self) -> &Path {
        &self.authority
    }
}

/// A client of the API that sends this token, with TLS or without.
///
/// # Errors
/// When the certificate of the authority cannot be read.
pub(super) fn client(api: SocketAddr, token: String, tls: Option<&OwnTls>) -> Result<Client> {
    let (address, authorities) = match tls {
        None => (Address::of_socket(api), None),
        Some(OwnTls { authority, .. }) => {
            let pem = std::fs::read(authority).with_context(|| format!("cannot read {}", authority.display()))?;
            (format!("https://{api}").parse()?, Some(pem))
        }
    };
    let credential = Credential::Token(Secret::new(token));
    Ok(Client::of(Target { address, authorities, server_name: None, credential, namespace: None }))
}
