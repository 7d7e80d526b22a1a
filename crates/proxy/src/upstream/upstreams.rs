//! What a thread keeps for each backend.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Outcome, PickContext, Picker};
use rustls_pki_types::ServerName;
use tokio::time::Instant;

use super::pool::{Destination, Pool};
use crate::config::{Backend, BackendId, Discovery, Endpoints, uptime};
use crate::server::Shared;

/// Spreads identities, which are counted up by this process and not chosen by anyone.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// What a thread keeps for all backends.
#[derive(Debug)]
pub(crate) struct Upstreams {
    shared: Arc<Shared>,
    clock: Rc<Cell<Instant>>,
    backends: RefCell<HashMap<BackendId, Rc<Upstream>, BuildHasherDefault<IdHasher>>>,
}

/// An endpoint that was chosen from a list.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) index: usize,
}

impl Chosen {
    /// What is counted for it.
    pub(crate) fn state(&self) -> Option<&Arc<EndpointState>> {
        self.endpoints.set().state(self.index)
    }
}

/// What a thread keeps for one backend.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) backend: Arc<Backend>,
    shared: Arc<Shared>,
    clock: Rc<Cell<Instant>>,
    /// Whose turn it is.
    next: Cell<usize>,
    /// Equal endpoints may simply be taken in turn: nobody asks which one was chosen.
    takes_turns: bool,
    /// Chooses where that is not so.
    picker: RefCell<Picker>,
    /// The pool asked for last: most backends have few endpoints.
    last: RefCell<Option<Rc<Pool>>>,
    /// By address; the pools of one address differ in server name.
    pools: RefCell<HashMap<SocketAddr, Vec<Rc<Pool>>>>,
}

impl Upstreams {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, clock: Rc::new(Cell::new(Instant::now())), backends: RefCell::default() }
    }

    /// What this thread keeps for `backend`; `random` is where the turns start, so that threads do not move in step.
    pub(crate) fn get(&self, backend: &Arc<Backend>, random: impl FnOnce() -> u64) -> Rc<Upstream> {
        let mut backends = self.backends.borrow_mut();
        Rc::clone(backends.entry(backend.id()).or_insert_with(|| {
            let random = random();
            let policy = &backend.policy;
            Rc::new(Upstream {
                takes_turns: policy.takes_turns(),
                picker: RefCell::new(Picker::new(Arc::clone(&policy.balancing), random)),
                backend: Arc::clone(backend),
                shared: Arc::clone(&self.shared),
                clock: Rc::clone(&self.clock),
                next: Cell::new(usize::try_from(random >> 33).unwrap_or(0)),
                last: RefCell::default(),
                pools: RefCell::default(),
            })
        }))
    }

    /// Forgets backends that are gone. Requests in flight keep what they use.
    pub(crate) fn retain(&self, stays: impl Fn(&Backend) -> bool) {
        self.backends.borrow_mut().retain(|_, upstream| stays(&upstream.backend));
    }

    /// Closes connections that have been unused for too long.
    pub(crate) fn sweep(&self, now: Instant) {
        self.clock.set(now);
        for upstream in self.backends.borrow().values() {
            *upstream.last.borrow_mut() = None;
            upstream.pools.borrow_mut().retain(|_, pools| {
                // A pool that a request holds may be about to open a connection.
                pools.retain(|pool| pool.sweep(now) || Rc::strong_count(pool) > 1);
                !pools.is_empty()
            });
        }
    }
}

impl Upstream {
    /// A number that is one larger each time.
    pub(crate) fn turn(&self) -> usize {
        let turn = self.next.get();
        self.next.set(turn.wrapping_add(1));
        turn
    }

    /// An endpoint for a request whose hash is `hash`, if it has one: how many there are now, its pool, and which it is,
    /// unless nobody asks. `turn` is the request's; endpoints that were `tried` are taken only if there are no others. `None`
    /// when there is none that may be used.
    pub(crate) fn choose(
        &self,
        turn: usize,
        port: u16,
        hash: Option<u64>,
        tried: &[SocketAddr],
    ) -> Option<(usize, Rc<Pool>, Option<Chosen>)> {
        let Discovery::Addresses(list) = &self.backend.discovery else { return None };
        let list = list.load();
        let in_turn = self.takes_turns && list.are_equal();
        let index = if in_turn { turn.checked_rem(list.len())? } else { self.pick(&list, port, hash, tried)? };
        let endpoint = list.get(index)?;
        let server_name = match &self.backend.tls {
            None => None,
            Some(tls) => Some(tls.server_name.as_ref().unwrap_or(&endpoint.server_name)),
        };
        let port = endpoint.port.map_or(port, NonZeroU16::get);
        let address = SocketAddr::new(endpoint.address, port);
        let pool = self.pool(address, server_name, || list.set().state(index).map(Arc::clone));
        let chosen = (!in_turn).then(|| Chosen { endpoints: Arc::clone(&list), index });
        Some((list.len(), pool, chosen))
    }

    fn pick(&self, list: &Arc<Endpoints>, port: u16, hash: Option<u64>, tried: &[SocketAddr]) -> Option<usize> {
        let was_tried = |endpoint: &crate::config::Endpoint| {
            let address = SocketAddr::new(endpoint.address, endpoint.port.map_or(port, NonZeroU16::get));
            tried.contains(&address)
        };
        let exclude: Vec<usize> = if tried.is_empty() {
            Vec::new()
        } else {
            list.iter().enumerate().filter(|(_, endpoint)| was_tried(endpoint)).map(|(index, _)| index).collect()
        };
        let grows = self.backend.policy.balancing.slow_start.is_some();
        let now = if grows { uptime() } else { std::time::Duration::ZERO };
        let context = PickContext { now, hash, exclude: &exclude };
        let picked = self.picker.borrow_mut().pick(list.set(), &context)?;
        if picked.panic {
            self.backend.metrics.panics.increment(1);
        }
        Some(picked.index)
    }

    /// Tells what came of a request to an endpoint, for the detection of outliers.
    pub(crate) fn report(&self, chosen: Option<&Chosen>, outcome: Outcome) {
        if let (Some(Chosen { endpoints, index }), Some(detector)) = (chosen, self.backend.detector())
            && let Some(change) = detector.report(endpoints.set(), *index, outcome, uptime())
        {
            let address = endpoints.get(*index).map(|endpoint| endpoint.address);
            tracing::info!(backend = %self.backend.name, ?address, ?change, "an endpoint was ejected");
            self.backend.metrics.ejections.increment(1);
        }
    }

    /// The connections to `address` under `server_name`. `state` is asked for when they are the first.
    pub(crate) fn pool(
        &self,
        address: SocketAddr,
        server_name: Option<&ServerName<'static>>,
        state: impl FnOnce() -> Option<Arc<EndpointState>>,
    ) -> Rc<Pool> {
        let leads_there =
            |pool: &&Rc<Pool>| pool.address() == address && pool.destination.server_name.as_ref() == server_name;
        if let Some(pool) = self.last.borrow().as_ref().filter(leads_there) {
            return Rc::clone(pool);
        }
        let mut pools = self.pools.borrow_mut();
        let pools = pools.entry(address).or_default();
        if let Some(pool) = pools.iter().find(leads_there) {
            *self.last.borrow_mut() = Some(Rc::clone(pool));
            return Rc::clone(pool);
        }
        let destination = Destination { address, server_name: server_name.cloned() };
        let endpoint = state().unwrap_or_else(|| self.backend.unlisted(address));
        let pool = Rc::new(Pool::new(&self.backend, destination, endpoint, &self.shared, &self.clock));
        pools.push(Rc::clone(&pool));
        pool
    }
}
