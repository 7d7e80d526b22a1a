//! How endpoints are chosen.

use std::time::Duration;

use thiserror::Error;

#[cfg(test)]
mod tests;

/// Largest ring, and largest minimum of one. Envoy's cap.
const MAX_RING: u32 = 8_388_608;
/// Largest Maglev table. Envoy's cap.
const MAX_TABLE: u32 = 5_000_011;

/// How endpoints of a backend are chosen. The default is Envoy's for a cluster that says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadBalancing {
    /// How one of the endpoints that may be used is chosen.
    pub policy: Policy,
    /// Below this share of usable endpoints, 0 to 100, all endpoints of a priority are used. 0: never. Default 50.
    pub panic_threshold: u32,
    /// How many times its share a healthy endpoint is taken to bear, in percent, at least 100. Default 140.
    pub overprovisioning_factor: u32,
    /// Whether localities of a priority share its traffic by their weights. Default: no.
    pub locality_weighted: bool,
    /// Slow start of new and recovered endpoints, for round robin and least request. Default: none.
    pub slow_start: Option<SlowStart>,
    /// What of an endpoint the hashing policies place it by.
    pub endpoint_key: EndpointKey,
}

impl Default for LoadBalancing {
    fn default() -> Self {
        Self {
            policy: Policy::RoundRobin,
            panic_threshold: 50,
            overprovisioning_factor: 140,
            locality_weighted: false,
            slow_start: None,
            endpoint_key: EndpointKey::AddressAndPort,
        }
    }
}

/// How one of the endpoints that may be used is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// In turn, each as often as its weight says.
    RoundRobin,
    /// The one with the fewest active requests of some.
    LeastRequest(LeastRequest),
    /// Any; weights do not count.
    Random,
    /// By the request's hash on a ring of hashes.
    RingHash(RingHash),
    /// By the request's hash in a table that is filled evenly.
    Maglev(Maglev),
}

/// What of an endpoint the hashing policies place it by. Whoever shall agree on where requests go must hash the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EndpointKey {
    /// `address:port`, with the port that the request goes to. Envoy's.
    #[default]
    AddressAndPort,
    /// The address, whatever the port, unless the endpoint has one of its own.
    Address,
}

/// Settings of [`Policy::LeastRequest`].
#[derive(Debug, Clone, PartialEq)]
pub struct LeastRequest {
    /// Endpoints compared when weights are equal, at least 2. Default 2.
    pub choice_count: u32,
    /// How much active requests count when weights differ: the weight is divided by `(active + 1) ^ bias`. At least 0.
    /// Default 1.
    pub active_request_bias: f64,
}

impl Default for LeastRequest {
    fn default() -> Self {
        Self { choice_count: 2, active_request_bias: 1.0 }
    }
}

/// Settings of [`Policy::RingHash`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingHash {
    /// Least number of hashes on the ring, 1 to 8388608. Default 1024.
    pub minimum_size: u32,
    /// Greatest number, from `minimum_size` to 8388608. Default 8388608.
    pub maximum_size: u32,
}

impl Default for RingHash {
    fn default() -> Self {
        Self { minimum_size: 1024, maximum_size: MAX_RING }
    }
}

/// Settings of [`Policy::Maglev`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maglev {
    /// Size of the table, a prime up to 5000011. Default 65537.
    pub table_size: u32,
}

impl Default for Maglev {
    fn default() -> Self {
        Self { table_size: 65_537 }
    }
}

/// A new or recovered endpoint takes less than its share at first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowStart {
    /// How long it takes to its full weight. Above 0.
    pub window: Duration,
    /// Shape of the growth: the weight is multiplied by `(time / window) ^ (1 / aggression)`. Above 0; 1 is linear.
    pub aggression: f64,
    /// Least share of its weight, 0 to 100. Envoy's default is 10.
    pub min_weight_percent: u32,
}

impl SlowStart {
    /// Linear growth over `window` from a tenth of the weight, as Envoy does by default.
    #[must_use]
    pub const fn over(window: Duration) -> Self {
        Self { window, aggression: 1.0, min_weight_percent: 10 }
    }
}

/// Why a [`LoadBalancing`] cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ConfigError {
    /// Out of 0 to 100.
    #[error("panic threshold is {0}: it is a percentage, 0 to 100")]
    PanicThreshold(u32),
    /// Below 100.
    #[error("overprovisioning factor is {0}: it is at least 100 percent")]
    OverprovisioningFactor(u32),
    /// Below 2.
    #[error("least request compares {0} endpoints: it needs at least 2")]
    ChoiceCount(u32),
    /// Below 0, or no number.
    #[error("active request bias is {0}: it is a number of at least 0")]
    ActiveRequestBias(f64),
    /// A bound out of range, or the lower above the upper.
    #[error("ring sizes are {minimum} to {maximum}: they are 1 to 8388608, the minimum not above the maximum")]
    RingSize {
        /// The lower bound given.
        minimum: u32,
        /// The upper bound given.
        maximum: u32,
    },
    /// No prime, or too large.
    #[error("Maglev table size is {0}: it is a prime of at most 5000011")]
    TableSize(u32),
    /// Zero.
    #[error("slow start needs a window above zero")]
    SlowStartWindow,
    /// Zero, below, or no number.
    #[error("slow start aggression is {0}: it is a number above 0")]
    Aggression(f64),
    /// Above 100.
    #[error("slow start begins with {0} percent of the weight: it is 0 to 100")]
    MinWeightPercent(u32),
}

impl LoadBalancing {
    /// The port that places of endpoints depend on for a request to `port`; 0 where they depend on none.
    pub(crate) const fn place_port(&self, port: u16) -> u16 {
        match (&self.policy, self.endpoint_key) {
            (Policy::RingHash(_) | Policy::Maglev(_), EndpointKey::AddressAndPort) => port,
            _ => 0,
        }
    }

    /// Checks every range named at the fields.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.panic_threshold > 100 {
            return Err(ConfigError::PanicThreshold(self.panic_threshold));
        }
        if self.overprovisioning_factor < 100 {
            return Err(ConfigError::OverprovisioningFactor(self.overprovisioning_factor));
        }
        self.policy.validate()?;
        let Some(slow_start) = &self.slow_start else { return Ok(()) };
        if slow_start.window.is_zero() {
            return Err(ConfigError::SlowStartWindow);
        }
        if !(slow_start.aggression > 0.0 && slow_start.aggression.is_finite()) {
            return Err(ConfigError::Aggression(slow_start.aggression));
        }
        if slow_start.min_weight_percent > 100 {
            return Err(ConfigError::MinWeightPercent(slow_start.min_weight_percent));
        }
        Ok(())
    }
}

impl Policy {
    fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::RoundRobin | Self::Random => Ok(()),
            Self::LeastRequest(least) if least.choice_count < 2 => Err(ConfigError::ChoiceCount(least.choice_count)),
            Self::LeastRequest(LeastRequest { active_request_bias: bias, .. }) => {
                if *bias >= 0.0 && bias.is_finite() {
                    Ok(())
                } else {
                    Err(ConfigError::ActiveRequestBias(*bias))
                }
            }
            Self::RingHash(RingHash { minimum_size: minimum, maximum_size: maximum }) => {
                let valid = (1..=MAX_RING).contains(minimum) && (*minimum..=MAX_RING).contains(maximum);
                if valid { Ok(()) } else { Err(ConfigError::RingSize { minimum: *minimum, maximum: *maximum }) }
            }
            Self::Maglev(Maglev { table_size }) => {
                let valid = *table_size <= MAX_TABLE && is_prime(*table_size);
                if valid { Ok(()) } else { Err(ConfigError::TableSize(*table_size)) }
            }
        }
    }
}

fn is_prime(n: u32) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}
