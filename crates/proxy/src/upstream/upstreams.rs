//! What a thread keeps for each backend.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::Arc;

use rustls_pki_types::ServerName;
use tokio::time::Instant;

use super::pool::{Destination, Pool};
use crate::config::{Backend, BackendId, Discovery};
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

/// What a thread keeps for one backend.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) backend: Arc<Backend>,
    shared: Arc<Shared>,
    clock: Rc<Cell<Instant>>,
    /// Whose turn it is.
    next: Cell<usize>,
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
            Rc::new(Upstream {
                backend: Arc::clone(backend),
                shared: Arc::clone(&self.shared),
                clock: Rc::clone(&self.clock),
                next: Cell::new(usize::try_from(random() >> 33).unwrap_or(0)),
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

    /// How many addresses there are now, and the pool of the one at `turn`. `None` for none.
    pub(crate) fn pick(&self, turn: usize, port: u16) -> Option<(usize, Rc<Pool>)> {
        let Discovery::Addresses(list) = &self.backend.discovery else { return None };
        let list = list.load();
        let endpoint = list.get(turn.checked_rem(list.len())?)?;
        let server_name = match &self.backend.tls {
            None => None,
            Some(tls) => Some(tls.server_name.as_ref().unwrap_or(&endpoint.server_name)),
        };
        let port = endpoint.port.map_or(port, NonZeroU16::get);
        Some((list.len(), self.pool(SocketAddr::new(endpoint.address, port), server_name)))
    }

    /// The connections to `address` under `server_name`.
    pub(crate) fn pool(&self, address: SocketAddr, server_name: Option<&ServerName<'static>>) -> Rc<Pool> {
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
        let pool = Rc::new(Pool::new(&self.backend, destination, &self.shared, &self.clock));
        pools.push(Rc::clone(&pool));
        pool
    }
}
