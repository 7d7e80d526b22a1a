//! The subcommands, a file each.

pub(crate) mod access;
pub(crate) mod access_log;
pub(crate) mod apply;
pub(crate) mod bootstrap;
pub(crate) mod ca;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod console;
pub(crate) mod control_plane;
pub(crate) mod delete;
pub(crate) mod dev;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod get;
mod hints;
pub(crate) mod import;
pub(crate) mod kubeconfig;
mod live;
mod object_ref;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod secrets;
mod security;
mod selection;
pub(crate) mod status;
pub(crate) mod tap;
pub(crate) mod token;
pub(crate) mod top;
mod trust;
pub(crate) mod version;

/// Shown below `backstay --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  backstay dev                   Control plane, proxy and a demo backend in one process
  backstay dev -f manifests/     The same with your manifests, applied again as they change
  backstay control-plane         Serve the API, and configuration to proxies
  backstay proxy --fleet edge    Serve traffic as the fleet 'edge' is told to
  backstay check -f manifests/   Find what is wrong with manifests, offline

Exit codes: 0 done, 1 tried and failed or the answer is no, 2 wrong command line.";

/// The name of this machine, or a given one where it has none.
pub(crate) fn host_name(otherwise: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { otherwise.to_owned() } else { host.to_owned() }
}

/// What a control plane tells collectors, as the environment says, of one that is called like this machine.
pub(crate) fn telemetry(otherwise: &str) -> backstay_control_plane::TelemetryOptions {
    backstay_control_plane::TelemetryOptions {
        environment: backstay_proxy::Environment::of_process(),
        instance: host_name(otherwise),
    }
}

/// Option of every subcommand with addresses that speak no TLS.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AllowedHostArgs {
    /// A host name that requests to it may be addressed to, besides IP addresses and localhost; may be repeated
    #[arg(long = "allowed-host", value_name = "NAME")]
    pub(crate) names: Vec<backstay_guard::HostName>,
}

/// Options of what serves the Fastly API.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FastlyArgs {
    /// Gateway that serves the Fastly services which name none themselves
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = gateway_name)]
    fastly_gateway: Option<String>,
    /// Response header in which Fastly services tell which backend answered, and why it did not
    #[arg(long, value_name = "HEADER", value_parser = header_name)]
    fastly_backend_header: Option<String>,
    /// Writes of a token to the Fastly API in an hour, beyond which they are answered 429; Fastly's own limit is 1000
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    fastly_writes_per_hour: Option<u32>,
}

impl FastlyArgs {
    /// As settings. `default_gateway` serves where the command line names none.
    pub(crate) fn options(self, default_gateway: Option<&str>) -> backstay_control_plane::FastlyOptions {
        backstay_control_plane::FastlyOptions {
            default_gateway: self.fastly_gateway.or_else(|| default_gateway.map(str::to_owned)),
            backend_header: self.fastly_backend_header.unwrap_or_default(),
            writes_per_hour: self.fastly_writes_per_hour,
        }
    }
}

fn gateway_name(text: &str) -> Result<String, String> {
    let is_name = |name: &str| backstay_resources::name::subdomain(name).is_empty();
    match text.split_once('/') {
        Some((namespace, name)) if is_name(namespace) && is_name(name) => Ok(text.to_owned()),
        _ => Err("it must be the namespace and the name of a Gateway, such as default/demo".to_owned()),
    }
}

fn header_name(text: &str) -> Result<String, String> {
    let name: http::HeaderName = text.parse().map_err(|_| "it must be the name of a header".to_owned())?;
    Ok(name.as_str().to_owned())
}

/// Whether the command line alone was wrong: an address that it does not allow itself.
pub(crate) fn is_usage(error: &anyhow::Error) -> bool {
    let of_control_plane = matches!(error.downcast_ref(), Some(backstay_control_plane::StartError::Exposed { .. }));
    let of_proxy = matches!(error.downcast_ref(), Some(backstay_proxy::StartError::Exposed(_)));
    of_control_plane || of_proxy || error.is::<backstay_guard::Exposed>()
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
