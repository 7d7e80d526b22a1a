//! What all proxies report, as one: how a relay tells its control plane.

use std::collections::BTreeMap;

use backstay_proto::report::BackendHealth;

use super::Reports;

impl Reports {
    /// How each backend fares with all the proxies that report here: their endpoints are added up, so that it is healthy, or unhealthy, where
    /// all of them say so, and why is what the first says whose endpoint is unhealthy, with its name.
    pub(crate) fn sum(&self) -> Vec<BackendHealth> {
        let inner = self.lock();
        let mut sums: BTreeMap<&str, BackendHealth> = BTreeMap::new();
        for proxy in inner.proxies.values() {
            for (name, health) in &proxy.backends {
                let sum = sums
                    .entry(name)
                    .or_insert_with(|| BackendHealth { backend: name.to_string(), ..BackendHealth::default() });
                sum.healthy = sum.healthy.saturating_add(health.healthy);
                sum.degraded = sum.degraded.saturating_add(health.degraded);
                sum.unhealthy = sum.unhealthy.saturating_add(health.unhealthy);
                if sum.reason.is_empty() && !health.reason.is_empty() {
                    sum.reason = format!("proxy {}: {}", proxy.node_id, health.reason);
                }
            }
        }
        sums.into_values().collect()
    }
}
