//! Figures of an interval, added up over threads and proxies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use backstay_proto::live::{TopBackend, TopRow, TopTable};

use crate::buckets::Buckets;

/// Pairs of a route and a backend that are kept apart.
pub const MAX_ROWS: usize = 10_000;

/// What requests have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    requests: u64,
    /// By the first digit of the status, from 2 on.
    classes: [u64; 4],
    times: Buckets,
    left: u64,
    left_times: Buckets,
}

impl Counts {
    /// Takes a request in: its status, how long it took, and whether its client left before the end.
    pub fn record(&mut self, status: u16, duration: Duration, left: bool) {
        self.requests += 1;
        if let Some(count) = usize::from(status / 100).checked_sub(2).and_then(|class| self.classes.get_mut(class)) {
            *count += 1;
        }
        if left {
            self.left += 1;
            self.left_times.record(duration);
        } else {
            self.times.record(duration);
        }
    }

    /// Those of several threads together.
    #[must_use]
    pub fn sum(all: &[Self]) -> Self {
        let mut sum = Self::default();
        for counts in all {
            sum.add(&counts.row("", ""));
        }
        sum
    }

    /// Adds those of a row.
    fn add(&mut self, row: &TopRow) {
        self.requests = self.requests.saturating_add(row.requests);
        let classes = [row.status_2xx, row.status_3xx, row.status_4xx, row.status_5xx];
        for (own, other) in self.classes.iter_mut().zip(classes) {
            *own = own.saturating_add(other);
        }
        self.times.add(&row.buckets);
        self.left = self.left.saturating_add(row.left);
        self.left_times.add(&row.left_buckets);
    }

    /// The row of a backend and a route, by their names.
    #[must_use]
    pub fn row(&self, backend: &str, route: &str) -> TopRow {
        let [status_2xx, status_3xx, status_4xx, status_5xx] = self.classes;
        TopRow {
            backend: backend.to_owned(),
            route: route.to_owned(),
            requests: self.requests,
            status_2xx,
            status_3xx,
            status_4xx,
            status_5xx,
            left: self.left,
            left_after_ms: self.left_times.quantile(0.5),
            p50_ms: self.times.quantile(0.5),
            p99_ms: self.times.quantile(0.99),
            buckets: self.times.counts().to_vec(),
            left_buckets: self.left_times.counts().to_vec(),
        }
    }
}

/// Tables of several proxies that become one.
#[derive(Debug, Default)]
pub struct Tables {
    rows: BTreeMap<(String, String), Counts>,
    backends: BTreeMap<String, TopBackend>,
    proxies: BTreeSet<String>,
    seconds: f64,
    others: u64,
}

impl Tables {
    /// Adds the table of a proxy. Those of the same interval are as long, about.
    pub fn add(&mut self, proxy: &str, table: &TopTable) {
        self.proxies.insert(proxy.to_owned());
        self.seconds = self.seconds.max(table.seconds);
        self.others = self.others.saturating_add(table.others);
        for row in &table.rows {
            let key = (row.backend.clone(), row.route.clone());
            if self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&key) {
                self.others = self.others.saturating_add(row.requests);
                continue;
            }
            self.rows.entry(key).or_default().add(row);
        }
        for backend in &table.backends {
            if self.backends.len() >= MAX_ROWS && !self.backends.contains_key(&backend.backend) {
                continue;
            }
            let own = self
                .backends
                .entry(backend.backend.clone())
                .or_insert_with(|| TopBackend { backend: backend.backend.clone(), ..TopBackend::default() });
            own.active = own.active.saturating_add(backend.active);
            // Each proxy has the same endpoints, and its own mind about them: the worst is told.
            own.endpoints = own.endpoints.max(backend.endpoints);
            own.unhealthy = own.unhealthy.max(backend.unhealthy);
            own.ejected = own.ejected.max(backend.ejected);
            if own.last_error.is_empty() {
                own.last_error.clone_from(&backend.last_error);
            }
        }
    }

    /// The one table. Rows with most requests come first.
    #[must_use]
    pub fn sum(self) -> TopTable {
        let mut rows: Vec<_> = self.rows.iter().map(|((backend, route), counts)| counts.row(backend, route)).collect();
        sort(&mut rows);
        TopTable {
            seconds: self.seconds,
            rows,
            backends: self.backends.into_values().collect(),
            others: self.others,
            proxies: self.proxies.into_iter().collect(),
        }
    }
}

/// Rows with most requests first; of those with as many, by name.
pub fn sort(rows: &mut [TopRow]) {
    rows.sort_by(|one, other| {
        other.requests.cmp(&one.requests).then_with(|| (&one.backend, &one.route).cmp(&(&other.backend, &other.route)))
    });
}

#[cfg(test)]
mod tests;
