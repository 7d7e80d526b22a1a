//! Names that requests may be addressed to.

use backstay_guard::HostName;

/// Option of every subcommand with addresses that authenticate nobody.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AllowedHostArgs {
    /// A host name that requests to it may be addressed to, besides IP addresses and localhost; may be repeated
    #[arg(long = "allowed-host", value_name = "NAME")]
    pub(crate) names: Vec<HostName>,
}
