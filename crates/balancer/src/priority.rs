//! How much of the traffic each priority takes.

#[cfg(test)]
mod tests;

/// Endpoints of one priority, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PriorityHealth {
    /// Healthy ones.
    pub healthy: u64,
    /// Degraded ones.
    pub degraded: u64,
    /// All endpoints of the priority.
    pub total: u64,
}

impl PriorityHealth {
    fn availability(self, count: u64, factor: u32) -> u32 {
        let percent = (u64::from(factor) * count).checked_div(self.total).unwrap_or(0);
        u32::try_from(percent.min(100)).unwrap_or(100)
    }

    fn is_below(self, threshold: u32) -> bool {
        let usable = self.healthy + self.degraded;
        // No endpoint at all is 0 percent of them.
        let percent = (100 * usable).checked_div(self.total).unwrap_or(0);
        percent < u64::from(threshold)
    }
}

/// Shares of the traffic, in whole percent that add up to 100, in Envoy's integer arithmetic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriorityLoads {
    /// Of each priority, by its healthy endpoints, or by all of them in panic.
    pub healthy: Vec<u32>,
    /// Of each priority, by its degraded endpoints.
    pub degraded: Vec<u32>,
    /// Whether a priority uses all of its endpoints, healthy or not.
    pub panic: Vec<bool>,
}

impl PriorityLoads {
    /// Shares of `levels`, the highest priority first. `threshold` and `factor` are
    /// [`panic_threshold`](crate::LoadBalancing::panic_threshold) and
    /// [`overprovisioning_factor`](crate::LoadBalancing::overprovisioning_factor).
    #[must_use]
    pub fn new(levels: &[PriorityHealth], threshold: u32, factor: u32) -> Self {
        if levels.is_empty() {
            return Self::default();
        }
        let health: Vec<_> = levels.iter().map(|level| level.availability(level.healthy, factor)).collect();
        let degradation: Vec<_> = levels.iter().map(|level| level.availability(level.degraded, factor)).collect();
        let sum: u64 = health.iter().chain(&degradation).map(|percent| u64::from(*percent)).sum();
        let available = u32::try_from(sum.min(100)).unwrap_or(100);
        let panic = levels.iter().map(|level| available != 100 && level.is_below(threshold)).collect::<Vec<_>>();
        if panic.iter().all(|panic| *panic) {
            return Self::in_total_panic(levels, panic);
        }
        let mut loads = Self { healthy: vec![0; levels.len()], degraded: vec![0; levels.len()], panic };
        if available == 0 {
            // Panic is off, and whoever is usable is less than a percent: better asked than nobody. (Envoy asks the first
            // priority, whether it has anybody or not.)
            let first = |usable: fn(&PriorityHealth) -> u64| levels.iter().position(|level| usable(level) > 0);
            match (first(|level| level.healthy), first(|level| level.degraded)) {
                (None, Some(degraded)) => loads.degraded[degraded] = 100,
                (healthy, _) => loads.healthy[healthy.unwrap_or(0)] = 100,
            }
            return loads;
        }
        let mut left = 100;
        for (load, percent) in loads.healthy.iter_mut().zip(&health).chain(loads.degraded.iter_mut().zip(&degradation))
        {
            *load = left.min(percent * 100 / available);
            left -= *load;
        }
        // What rounding left over.
        if let Some(first) = health.iter().position(|percent| *percent > 0) {
            loads.healthy[first] += left;
        } else if let Some(first) = degradation.iter().position(|percent| *percent > 0) {
            loads.degraded[first] += left;
        }
        loads
    }

    fn in_total_panic(levels: &[PriorityHealth], panic: Vec<bool>) -> Self {
        let all: u64 = levels.iter().map(|level| level.total).sum();
        let share =
            |level: &PriorityHealth| u32::try_from((100 * level.total).checked_div(all).unwrap_or(0)).unwrap_or(0);
        let mut healthy: Vec<u32> = levels.iter().map(share).collect();
        let first = levels.iter().position(|level| level.total > 0).unwrap_or(0);
        healthy[first] += 100 - healthy.iter().sum::<u32>();
        Self { healthy, degraded: vec![0; levels.len()], panic }
    }

    /// Where all of the traffic goes, if it all goes to one place.
    pub(crate) fn only(&self) -> Option<(usize, bool)> {
        let all = |loads: &[u32]| loads.iter().position(|load| *load == 100);
        all(&self.healthy).map(|at| (at, false)).or_else(|| all(&self.degraded).map(|at| (at, true)))
    }

    /// The priority that takes a request with `hash`, and whether it is its degraded endpoints that do.
    pub(crate) fn choose(&self, hash: u64) -> Option<(usize, bool)> {
        let place = (hash % 100) as u32;
        let mut upto = 0;
        let both = self.healthy.iter().map(|load| (load, false)).chain(self.degraded.iter().map(|load| (load, true)));
        for (at, (load, degraded)) in both.enumerate() {
            upto += load;
            if place < upto {
                return Some((at % self.healthy.len(), degraded));
            }
        }
        None
    }
}
