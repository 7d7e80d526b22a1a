use super::{BalancingPolicy, LeastRequest, LoadBalancing, RingHash, SlowStart};
use crate::backstay::bounds::{self, MAX_LIST};
use crate::field::{FieldPath, Findings};

const MAX_CHOICES: u32 = 100;
/// Above this the exponents that are made of it say nothing any more.
const MAX_EXPONENT: f64 = 100.0;
/// Envoy's bound: 8 Mi entries.
const MAX_RING: u32 = 8 << 20;
const DEFAULT_MIN_RING: u32 = 1024;
/// Envoy's bound, itself a prime.
const MAX_TABLE: u32 = 5_000_011;
const MAX_OVERPROVISIONING: u32 = 10_000;

impl LoadBalancing {
    pub(in crate::backstay) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let policy = self.policy.unwrap_or_default();
        self.belongs(policy, path, findings);
        if let Some(settings) = &self.least_request {
            settings.check(&path.child("leastRequest"), findings);
        }
        if let Some(settings) = &self.ring_hash {
            settings.check(&path.child("ringHash"), findings);
        }
        if let Some(size) = self.maglev.as_ref().and_then(|settings| settings.table_size) {
            let path = path.child("maglev").child("tableSize");
            if size > MAX_TABLE {
                findings.within(&path, size, &(2..=MAX_TABLE));
            } else if !is_prime(size) {
                findings.invalid(&path, &size.to_string(), "must be a prime number (e.g. 65537)");
            }
        }
        let list = path.child("hashPolicies");
        if findings.most(&list, self.hash_policies.len(), MAX_LIST) {
            for (index, hash) in self.hash_policies.iter().enumerate() {
                hash.check(&list.index(index), findings);
            }
        }
        bounds::percent(self.panic_threshold, &path.child("panicThreshold"), findings);
        if let Some(factor) = self.overprovisioning_factor {
            findings.within(&path.child("overprovisioningFactor"), factor, &(100..=MAX_OVERPROVISIONING));
        }
        if let Some(settings) = &self.slow_start {
            settings.check(&path.child("slowStart"), findings);
        }
    }

    /// What is for other policies must not be there: it would have no effect.
    fn belongs(&self, policy: BalancingPolicy, path: &FieldPath, findings: &mut Findings) {
        use BalancingPolicy::{LeastRequest, Maglev, RingHash, RoundRobin};
        let settings: [(_, _, &[_], _); 6] = [
            ("leastRequest", self.least_request.is_some(), &[LeastRequest], "LeastRequest"),
            ("ringHash", self.ring_hash.is_some(), &[RingHash], "RingHash"),
            ("maglev", self.maglev.is_some(), &[Maglev], "Maglev"),
            ("hashPolicies", !self.hash_policies.is_empty(), &[RingHash, Maglev], "RingHash and Maglev"),
            ("endpointKey", self.endpoint_key.is_some(), &[RingHash, Maglev], "RingHash and Maglev"),
            ("slowStart", self.slow_start.is_some(), &[RoundRobin, LeastRequest], "RoundRobin and LeastRequest"),
        ];
        for (name, is_set, policies, names) in settings {
            if is_set && !policies.contains(&policy) {
                findings.forbidden(&path.child(name), &format!("is only for the policy {names}, not {policy:?}"));
            }
        }
        if matches!(policy, RingHash | Maglev) && self.hash_policies.is_empty() {
            let detail = format!("{policy:?} chooses by what of a request is hashed; without, use the policy Random");
            findings.required(&path.child("hashPolicies"), &detail);
        }
    }
}

impl LeastRequest {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(count) = self.choice_count {
            findings.within(&path.child("choiceCount"), count, &(2..=MAX_CHOICES));
        }
        if let Some(bias) = self.active_request_bias {
            findings.within(&path.child("activeRequestBias"), bias, &(0.0..=MAX_EXPONENT));
        }
    }
}

impl RingHash {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        for (name, size) in [("minimumSize", self.minimum_size), ("maximumSize", self.maximum_size)] {
            if let Some(size) = size {
                findings.within(&path.child(name), size, &(1..=MAX_RING));
            }
        }
        let (least, most) = (self.minimum_size.unwrap_or(DEFAULT_MIN_RING), self.maximum_size.unwrap_or(MAX_RING));
        if most < least {
            let detail = format!("must not be below minimumSize, {least}");
            findings.invalid(&path.child("maximumSize"), &most.to_string(), &detail);
        }
    }
}

impl SlowStart {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let window = path.child("window");
        match self.window {
            None => findings.required(&window, ""),
            window_given => bounds::positive(window_given, &window, findings),
        }
        if let Some(aggression) = self.aggression
            && !(aggression > 0.0 && aggression <= MAX_EXPONENT)
        {
            let detail = format!("must be greater than 0, and {MAX_EXPONENT} at most");
            findings.invalid(&path.child("aggression"), &aggression.to_string(), &detail);
        }
        bounds::percent(self.min_weight_percent, &path.child("minWeightPercent"), findings);
    }
}

/// By trial; callers bound the number.
fn is_prime(number: u32) -> bool {
    let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number >= 2 && !divisors.any(|divisor| number.is_multiple_of(divisor))
}
