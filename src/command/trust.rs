//! Which proxies in front of a proxy are believed: options of `proxy` and `dev`.

use backstay_proxy::Trust;

/// Options of what serves traffic that other proxies may have passed on.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Proxies in front")]
pub(crate) struct TrustArgs {
    /// A load balancer or its network, such as 10.0.0.0/8, that is believed about whom it asks for (X-Forwarded-For, -Proto, -Port); may be repeated
    #[arg(long = "trusted-proxy", value_name = "NETWORK", value_parser = network)]
    networks: Vec<String>,
    /// How many proxies each request has passed, whoever they are; only where nobody can get past them
    #[arg(long = "trusted-hops", value_name = "N", conflicts_with = "networks", value_parser = clap::value_parser!(u8).range(1..))]
    hops: Option<u8>,
}

impl TrustArgs {
    /// As a setting.
    pub(crate) fn trust(&self) -> Trust {
        match self.hops {
            Some(hops) => Trust::hops(hops),
            // Each was checked as it was read.
            None => Trust::networks(self.networks.iter().map(String::as_str)).unwrap_or_default(),
        }
    }
}

fn network(text: &str) -> Result<String, String> {
    Trust::networks([text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
