//! How a subcommand is told which control plane to talk to.

use std::path::PathBuf;

use backstay_certificate::ClientFiles;

use super::{Client, Server};

/// Option of every subcommand that talks to a control plane.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArgs {
    /// Address of the control plane's API
    #[arg(long, env = "BACKSTAY_SERVER", value_name = "URL", default_value = "http://127.0.0.1:7080")]
    server: Server,
    /// Authorities that the certificate of an https address must come from, as PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// File with the token that is sent with each request
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl ServerArgs {
    /// A client of that control plane.
    pub(crate) fn client(&self) -> Client {
        let files = ClientFiles { authorities: self.ca.clone(), ..ClientFiles::default() };
        Client::trusting(self.server.clone(), files, self.token_file.clone())
    }
}
