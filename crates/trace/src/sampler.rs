//! Which requests are sampled.

use crate::Incoming;

/// Which requests are sampled: those whose caller's are, none whose caller's are not, and of those without a caller a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Of all numbers of 64 bits, those below are sampled; one more than all of them is all.
    threshold: u128,
    /// What a caller says counts.
    heeds_parents: bool,
}

/// Why there is no such sampler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// A share beyond the whole, or no number.
    #[error("the share of requests that are sampled is a number from 0 to 1")]
    Ratio,
    /// No such name.
    #[error(
        "there is no sampler {0:?}; there are always_on, always_off, traceidratio, and each with parentbased_ before it"
    )]
    Unknown(String),
}

impl Sampler {
    /// None at all: no request is looked at.
    pub const OFF: Self = Self { threshold: 0, heeds_parents: false };

    /// Heeds callers, and takes this share of requests without one: 0 to 1.
    ///
    /// # Errors
    /// Where the share is none.
    pub fn parent_based(ratio: f64) -> Result<Self, SamplerError> {
        Self::of(ratio, true)
    }

    /// The sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` name.
    ///
    /// # Errors
    /// Where they name none.
    pub fn named(name: &str, argument: Option<&str>) -> Result<Self, SamplerError> {
        let (kind, heeds_parents) = match name.strip_prefix("parentbased_") {
            Some(kind) => (kind, true),
            None => (name, false),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => argument.map_or(Ok(1.0), |text| text.parse().map_err(|_| SamplerError::Ratio))?,
            _ => return Err(SamplerError::Unknown(name.to_owned())),
        };
        Self::of(ratio, heeds_parents)
    }

    fn of(ratio: f64, heeds_parents: bool) -> Result<Self, SamplerError> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(SamplerError::Ratio);
        }
        // Exact at both ends.
        let threshold = if ratio >= 1.0 { 1 << 64 } else { (ratio * 2f64.powi(64)) as u128 };
        Ok(Self { threshold, heeds_parents })
    }

    /// Whether any request can be sampled.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.threshold > 0 || self.heeds_parents
    }

    /// Whether a request is sampled that says `incoming`, where `by_chance` would be the lower half of its trace.
    #[must_use]
    pub fn samples(&self, incoming: Option<&Incoming>, by_chance: u64) -> bool {
        match incoming {
            Some(Incoming { sampled: Some(sampled), .. }) if self.heeds_parents => *sampled,
            Some(Incoming { parent: Some(parent), .. }) => u128::from(parent.trace.lower()) < self.threshold,
            _ => u128::from(by_chance) < self.threshold,
        }
    }
}
