//! Figures of an interval, added up over threads and proxies.

use std::collections::BTreeMap;
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

/// How backends stand at proxies, in all; beyond, they are not told apart.
const MAX_STANDINGS: usize = 200_000;

/// Tables of several proxies that become one.
#[derive(Debug, Default)]
pub struct Tables {
    rows: BTreeMap<(String, String), Counts>,
    /// How backends stand at each proxy.
    standings: BTreeMap<String, BTreeMap<String, TopBackend>>,
    standing: usize,
    /// How long it is that each proxy has told of.
    seconds: BTreeMap<String, f64>,
    others: u64,
}

impl Tables {
    /// Adds the table of a proxy. One that comes after another of the same proxy tells of what was later.
    pub fn add(&mut self, proxy: &str, table: &TopTable) {
        *self.seconds.entry(proxy.to_owned()).or_default() += table.seconds;
        self.others = self.others.saturating_add(table.others);
        for row in &table.rows {
            let key = (row.backend.clone(), row.route.clone());
            if self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&key) {
                self.others = self.others.saturating_add(row.requests);
                continue;
            }
            self.rows.entry(key).or_default().add(row);
        }
        let before = self.standings.remove(proxy).map_or(0, |standings| standings.len());
        self.standing -= before;
        let room = MAX_STANDINGS.saturating_sub(self.standing);
        let standings = table.backends.iter().take(room).map(|backend| (backend.backend.clone(), backend.clone()));
        let standings: BTreeMap<_, _> = standings.collect();
        self.standing += standings.len();
        self.standings.insert(proxy.to_owned(), standings);
    }

    /// The one table. Rows with most requests come first.
    #[must_use]
    pub fn sum(self) -> TopTable {
        let mut rows: Vec<_> = self.rows.iter().map(|((backend, route), counts)| counts.row(backend, route)).collect();
        sort(&mut rows);
        let mut backends: BTreeMap<String, TopBackend> = BTreeMap::new();
        for backend in self.standings.into_values().flat_map(BTreeMap::into_values) {
            if backends.len() >= MAX_ROWS && !backends.contains_key(&backend.backend) {
                continue;
            }
            let sum = backends
                .entry(backend.backend.clone())
                .or_insert_with(|| TopBackend { backend: backend.backend.clone(), ..TopBackend::default() });
            sum.active = sum.active.saturating_add(backend.active);
            // Each proxy has the same endpoints, and its own mind about them: the worst is told.
            sum.endpoints = sum.endpoints.max(backend.endpoints);
            sum.unhealthy = sum.unhealthy.max(backend.unhealthy);
            sum.ejected = sum.ejected.max(backend.ejected);
            if sum.last_error.is_empty() {
                sum.last_error = backend.last_error;
            }
        }
        TopTable {
            seconds: self.seconds.values().copied().fold(0.0, f64::max),
            rows,
            backends: backends.into_values().collect(),
            others: self.others,
            proxies: self.seconds.into_keys().collect(),
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
