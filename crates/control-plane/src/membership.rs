//! Whether a proxy may join a fleet.

use backstay_auth::Proxy;
use metrics::Counter;

/// Refuses proxies that ask for a fleet which nothing they have shown names, aloud.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    refused: Counter,
}

impl Membership {
    /// Counts whom it refuses.
    pub(crate) fn new(refused: Counter) -> Self {
        Self { refused }
    }

    /// Whether a proxy may have the configuration of a fleet, private keys included; why not, if that is so.
    pub(crate) fn check(&self, proxy: &Proxy, fleet: &str) -> Result<(), String> {
        if proxy.may_join(fleet) {
            return Ok(());
        }
        self.refused.increment(1);
        tracing::warn!(proxy = proxy.name(), fleet, "a proxy may not join a fleet");
        Err(format!("{} may not join the fleet {fleet:?}", proxy.name()))
    }
}
