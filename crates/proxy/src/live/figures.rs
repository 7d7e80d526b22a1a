//! Figures of pairs of a route and a backend, counted by the threads that serve.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use backstay_balancer::Health;
use backstay_live::{Counts, Filter, table};
use backstay_proto::live::{TopBackend, TopTable};
use backstay_upstream::Discovery;

use crate::access::Record;
use crate::local_reply::Flag;
use crate::metrics::BackendSnapshot;

/// Tables that threads take turns at: with as many threads or fewer, none waits for another.
const SHARES: usize = 16;

/// A route and a backend, either of which there may not be.
type Pair = (Option<Arc<str>>, Option<Arc<str>>);

/// Figures since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Figures {
    shares: [Mutex<Share>; SHARES],
}

#[derive(Debug, Default)]
struct Share {
    rows: HashMap<Pair, Counts>,
    others: u64,
}

/// Which share the next thread takes.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The share of this thread.
fn own() -> usize {
    OWN.with(|own| {
        let share = own.get().unwrap_or_else(|| NEXT.fetch_add(1, Relaxed) % SHARES);
        own.set(Some(share));
        share
    })
}

impl Figures {
    /// Takes a request in.
    pub(super) fn record(&self, record: &Record) {
        let Some(share) = self.shares.get(own()) else { return };
        let mut share = share.lock().unwrap_or_else(PoisonError::into_inner);
        let backend = record.backend.as_ref().or(record.destination.as_ref());
        let pair = (record.route.clone(), backend.cloned());
        if share.rows.len() >= table::MAX_ROWS && !share.rows.contains_key(&pair) {
            share.others += 1;
            return;
        }
        let left = record.flag == Flag::DownstreamConnectionTermination;
        share.rows.entry(pair).or_default().record(record.status, record.duration, left);
    }

    /// The figures so far, which begin anew, and how the backends stand that have something to tell.
    pub(super) fn take(&self, seconds: f64, filter: &Filter, backends: &[BackendSnapshot]) -> TopTable {
        let mut rows = Vec::new();
        let mut others = 0u64;
        let mut sums: HashMap<Pair, Vec<Counts>> = HashMap::new();
        for share in &self.shares {
            let taken = std::mem::take(&mut *share.lock().unwrap_or_else(PoisonError::into_inner));
            others = others.saturating_add(taken.others);
            for (pair, counts) in taken.rows {
                sums.entry(pair).or_default().push(counts);
            }
        }
        for ((route, backend), counts) in sums {
            let name = |name: Option<Arc<str>>| name.map(|name| name.to_string()).unwrap_or_default();
            rows.push(Counts::sum(&counts).row(&name(backend), &name(route)));
        }
        table::sort(&mut rows);
        rows.truncate(table::MAX_ROWS);
        let backends = backends.iter().filter(|backend| filter.takes_backend(&backend.name));
        let backends = backends.map(standing).filter(|backend| {
            let is_busy = backend.active > 0 || backend.unhealthy > 0 || !backend.last_error.is_empty();
            is_busy || rows.iter().any(|row| row.backend == backend.backend)
        });
        let backends = backends.take(table::MAX_ROWS).collect();
        TopTable { seconds, rows, backends, others, proxies: Vec::new() }
    }
}

/// How a backend stands.
fn standing(snapshot: &BackendSnapshot) -> TopBackend {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut standing = TopBackend {
        backend: snapshot.name.to_string(),
        active: snapshot.metrics.active.get(),
        ejected: small(snapshot.members.ejected),
        ..TopBackend::default()
    };
    let Some(backend) = &snapshot.backend else { return standing };
    if let Discovery::Addresses(list) = &backend.discovery {
        let list = list.load();
        standing.endpoints = small(list.len());
        standing.unhealthy =
            small((0..list.len()).filter(|index| list.set().health(*index) == Some(Health::Unhealthy)).count());
        let failing = |endpoint: &backstay_upstream::Endpoint| {
            let failing = backend.last_errors().failing(endpoint.address, endpoint.port)?;
            Some(format!("{}: {}", endpoint.address, failing.error))
        };
        standing.last_error = list.iter().find_map(failing).unwrap_or_default();
    }
    standing
}
