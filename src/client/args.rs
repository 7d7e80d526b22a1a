//! How a subcommand is told which control plane to talk to.

use super::{Client, Server};

/// Option of every subcommand that talks to a control plane.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArgs {
    /// Address of the control plane's API
    #[arg(long, env = "BACKSTAY_SERVER", value_name = "URL", default_value = "http://127.0.0.1:7080")]
    server: Server,
}

impl ServerArgs {
    /// A client of that control plane.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.server.clone())
    }

    /// The address itself.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }
}
