//! How a subcommand is told which control plane to talk to, and as whom.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use backstay_api_client::{Credential, Error, Kubeconfig, Target};

use super::{Client, Server};

/// Where a control plane is that nobody names.
const USUAL: &str = "http://127.0.0.1:7080";

/// Options of every subcommand that talks to a control plane.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArgs {
    /// Address of the control plane's API [default: that of the kubeconfig, else http://127.0.0.1:7080]
    #[arg(long, env = "BACKSTAY_SERVER", value_name = "URL")]
    server: Option<Server>,
    /// File of the authorities that the API's certificate is of, PEM [default: those of the kubeconfig, else of the system]
    #[arg(long = "ca", env = "BACKSTAY_CA", value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// File of the token to send, read for each request [default: the credential of the kubeconfig]
    #[arg(long, env = "BACKSTAY_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The kubeconfig; without --server, those that KUBECONFIG names are read as well
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl ServerArgs {
    /// A client of that control plane.
    ///
    /// # Errors
    /// When a file cannot be read or used, or a credential would go where others can read it.
    pub(crate) fn client(&self) -> Result<Client> {
        let mut target = self.target()?;
        if let Some(path) = &self.authorities {
            target.authorities = Some(read(path)?);
        }
        if let Some(path) = &self.token_file {
            target.credential = Credential::TokenFile(path.clone());
        }
        if target.credential.is_some() && !target.address.is_private() {
            return Err(Error::Exposed(target.address.to_string()).into());
        }
        Ok(Client::of(target))
    }

    /// What the kubeconfig says, unless an address is given.
    fn target(&self) -> Result<Target> {
        let asks = self.kubeconfig.is_some() || self.context.is_some();
        let of_kubeconfig = if self.server.is_none() || asks { self.of_kubeconfig()? } else { None };
        if self.context.is_some() && of_kubeconfig.is_none() {
            anyhow::bail!("--context names a context of a kubeconfig, and there is none: say which with --kubeconfig");
        }
        Ok(match (&self.server, of_kubeconfig) {
            // The credential of the kubeconfig, at another address of the same control plane.
            (Some(server), Some(target)) => Target { address: server.uri("").parse()?, ..target },
            (None, Some(target)) => target,
            (server, None) => {
                let address = server.as_ref().map_or_else(|| USUAL.to_owned(), |server| server.uri(""));
                let credential = Credential::None;
                Target { address: address.parse()?, authorities: None, server_name: None, credential, namespace: None }
            }
        })
    }

    fn of_kubeconfig(&self) -> Result<Option<Target>> {
        let paths: Vec<PathBuf> = match &self.kubeconfig {
            Some(path) => vec![path.clone()],
            None => {
                let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
                std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect()
            }
        };
        let config = Kubeconfig::read(&paths).context("kubeconfig")?;
        config.target(self.context.as_deref()).context("kubeconfig")
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
