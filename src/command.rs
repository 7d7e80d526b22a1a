//! The subcommands, a file each.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod control_plane;
pub(crate) mod delete;
pub(crate) mod dev;
pub(crate) mod get;
mod object_ref;
pub(crate) mod proxy;
mod selection;
pub(crate) mod status;
pub(crate) mod version;

/// Shown below `backstay --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  backstay dev                   Control plane, proxy and a demo backend in one process
  backstay dev -f manifests/     The same with your manifests, applied again as they change
  backstay control-plane         Serve the API, and configuration to proxies
  backstay proxy --fleet edge    Serve traffic as the fleet 'edge' is told to
  backstay check -f manifests/   Find what is wrong with manifests, offline

Exit codes: 0 all went well, 1 something failed, 2 wrong command line.";

/// Option of every subcommand with addresses that authenticate nobody.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AllowedHostArgs {
    /// A host name that requests to it may be addressed to, besides IP addresses and localhost; may be repeated
    #[arg(long = "allowed-host", value_name = "NAME")]
    pub(crate) names: Vec<backstay_guard::HostName>,
}

/// Ends with a usage error when no `-f` was given.
fn require_files(files: &crate::manifest::FileArgs) {
    if files.paths.is_empty() {
        usage("say which manifests with -f FILE, -f DIR or -f - for standard input");
    }
}

/// Ends as clap does for a wrong command line.
fn usage(message: &str) -> ! {
    clap::Error::raw(clap::error::ErrorKind::MissingRequiredArgument, format!("{message}\n")).exit()
}
