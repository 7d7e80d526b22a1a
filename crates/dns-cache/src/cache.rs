//! The cache: what requests call, and the task that runs lookups for it.

mod persistence;
mod refresher;
mod shared;
mod view;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use backstay_destination::Target;
use backstay_destination::lookup::{Settings, SettingsError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::LookupError;
use crate::host::{Addresses, Host, Origin};
use crate::resolve::Resolve;
use crate::stats::Stats;
use crate::table::Table;
use shared::{PendingPermit, Shared};

pub use persistence::{Remembered, RememberedError};
pub use view::{HostState, HostView};

#[cfg(test)]
mod tests;

/// A DNS cache. Any thread may ask it; lookups and refreshes run on the runtime it was made for. Dropping it ends them.
pub struct Cache {
    shared: Arc<Shared>,
}

impl Cache {
    /// A cache that runs its lookups and timers on `runtime`.
    ///
    /// # Errors
    /// When a setting is outside of its range.
    pub fn new(settings: Settings, resolver: Arc<dyn Resolve>, runtime: &Handle) -> Result<Self, SettingsError> {
        settings.check()?;
        let _entered = runtime.enter();
        let origin = Origin(Instant::now().into_std());
        let stats = Arc::new(Stats::default());
        let rules = ArcSwap::new(Arc::clone(&settings.rules));
        let max_pending = AtomicUsize::new(settings.max_pending_requests);
        let table = Table::new(settings, origin, Arc::clone(&stats), rand::random());
        let shared = Arc::new(Shared {
            origin,
            index: Arc::clone(table.index()),
            rules,
            max_pending,
            pending: AtomicUsize::new(0),
            table: Mutex::new(table),
            stats,
            changed: Notify::new(),
            closed: Notify::new(),
        });
        runtime.spawn(refresher::run(refresher::Running(Arc::clone(&shared)), resolver));
        Ok(Self { shared })
    }

    /// Where to connect for a request to `target`. Does not block.
    ///
    /// A host that is known is answered without allocation, and waits for nothing but the entry of another host, should one be entered
    /// at that moment beside it in the index.
    #[must_use]
    pub fn find(&self, target: &Target) -> Found {
        let target = match target {
            Target::Literal(address) => return Found::Known(self.shared.literal(*address)),
            Target::Name(target) => target,
        };
        let now = self.shared.now();
        // Its shard of the index is held until there is an answer, for which nothing is waited.
        if let Some(answer) = self.shared.index.get(target.key()).and_then(|host| host.answer(now)) {
            return Found::Known(answer);
        }
        let permit = match PendingPermit::take(&self.shared) {
            Ok(permit) => permit,
            Err(error) => return Found::Known(Err(error)),
        };
        match self.shared.join(target) {
            Ok(host) => Found::Pending(Waiting { host, permit }),
            Err(error) => Found::Known(Err(error)),
        }
    }

    /// Where to connect for a request to `authority`, whose port is `default_port` if it has none (443 for TLS, else 80).
    ///
    /// # Errors
    /// Why there is no address; it knows how to answer the request.
    pub async fn lookup(&self, authority: &str, default_port: u16) -> Result<Addresses, LookupError> {
        let found = self.find(&Target::parse(authority, default_port)?);
        match found {
            Found::Known(answer) => answer,
            Found::Pending(waiting) => waiting.wait().await,
        }
    }

    /// Changes the settings of the running cache. Entries stay.
    ///
    /// # Errors
    /// When a setting is outside of its range; nothing is changed then.
    pub fn configure(&self, settings: Settings) -> Result<(), SettingsError> {
        settings.check()?;
        self.shared.max_pending.store(settings.max_pending_requests, Ordering::Relaxed);
        self.shared.rules.store(Arc::clone(&settings.rules));
        let mut table = self.shared.table();
        table.configure(Instant::now().into_std(), settings);
        drop(table);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.shared.table().settings().clone()
    }

    /// What the cache counts.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Requests that may yet begin to wait for a lookup.
    #[must_use]
    pub fn pending_remaining(&self) -> usize {
        self.shared.max_pending.load(Ordering::Relaxed).saturating_sub(self.pending_requests())
    }

    /// Requests that wait for a lookup now.
    #[must_use]
    pub fn pending_requests(&self) -> usize {
        self.shared.pending.load(Ordering::Relaxed)
    }
}

/// What a cache says about a host.
#[derive(Debug)]
pub enum Found {
    /// Where to connect, or why that is not known.
    Known(Result<Addresses, LookupError>),
    /// The host is being looked up.
    Pending(Waiting),
}

/// A request's place among those that wait for a host. Dropping it gives up the place and leaves the lookup to others.
pub struct Waiting {
    host: Arc<Host>,
    permit: PendingPermit,
}

impl Waiting {
    /// Waits for the end of the lookup, which the query timeout bounds.
    ///
    /// # Errors
    /// Why there is no address.
    pub async fn wait(self) -> Result<Addresses, LookupError> {
        loop {
            self.host.learned().await;
            if let Some(answer) = self.host.answer(self.permit.shared.now()) {
                return answer;
            }
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("host", &self.host.key).finish_non_exhaustive()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.shared.closed.notify_one();
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("stats", &self.stats().snapshot()).finish_non_exhaustive()
    }
}
