//! What a thread keeps for each backend.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::{EndpointState, Outcome, PickContext, Picker};
use rustc_hash::FxHashMap;
use rustls_pki_types::ServerName;
use tokio::time::Instant;

use super::backend::{Backend, Discovery, Endpoint, Endpoints, PoolIdentity, uptime};
use super::connector::Destination;
use super::member::Member;
use super::pool::Pool;
use super::share::{self, Bell};
use crate::connector::Connector;
use crate::settings::{Settings, ThreadContext};

/// What a thread keeps for all backends.
#[derive(Debug)]
pub struct Upstreams<C: Connector> {
    thread: Rc<ThreadContext<C>>,
    /// The latest version of each. Identities are counted up by this process and chosen by nobody: a hasher that an attacker
    /// could steer will do.
    backends: RefCell<FxHashMap<PoolIdentity, Rc<Upstream<C>>>>,
}

/// An endpoint that was selected from a list.
#[derive(Debug, Clone)]
pub struct SelectedEndpoint {
    /// The list.
    pub endpoints: Arc<Endpoints>,
    /// Its position there.
    pub index: usize,
}

impl SelectedEndpoint {
    /// What is counted for the endpoint.
    #[inline]
    pub fn state(&self) -> Option<&Arc<EndpointState>> {
        self.endpoints.set().state(self.index)
    }
}

/// What a thread keeps for one backend.
#[derive(Debug)]
pub struct Upstream<C: Connector> {
    /// The version of the backend that this is kept for.
    pub backend: Arc<Backend>,
    thread: Rc<ThreadContext<C>>,
    /// Counts requests: endpoints that are alike take turns by it.
    next: Cell<usize>,
    /// Equal endpoints may simply be taken in turn: nobody asks which one was selected.
    takes_turns: bool,
    /// Chooses where that is not so.
    picker: RefCell<Picker>,
    pools: Rc<Pools<C>>,
}

/// A thread's connections to the endpoints of one backend. They stay when another version of it takes over.
#[derive(Debug)]
pub(super) struct Pools<C: Connector> {
    /// This thread, as the others know it.
    pub(super) member: Rc<Member>,
    bell: Arc<Bell>,
    /// The pool asked for last: most backends have few endpoints.
    last: RefCell<Option<Rc<Pool<C>>>>,
    /// By address; the pools of one address differ in server name.
    by_address: RefCell<HashMap<SocketAddr, Vec<Rc<Pool<C>>>>>,
}

impl<C: Connector> Upstreams<C> {
    /// Nothing yet, for a thread that reaches endpoints through `connector`.
    pub fn new(connector: C, settings: Settings) -> Self {
        let thread = ThreadContext { connector, settings, clock: Cell::new(Instant::now()) };
        Self { thread: Rc::new(thread), backends: RefCell::default() }
    }

    /// What this thread keeps for `backend`; `random` is where the turns start, so that threads do not move in step.
    pub fn get(&self, backend: &Arc<Backend>, random: impl FnOnce() -> u64) -> Rc<Upstream<C>> {
        match self.backends.borrow_mut().entry(backend.pool_identity()) {
            Entry::Occupied(known) if known.get().backend.id() == backend.id() => Rc::clone(known.get()),
            Entry::Occupied(mut known) => {
                let upstream = known.get().version(backend);
                // A request may have begun with a configuration that has been replaced since.
                if known.get().backend.id() < backend.id() {
                    upstream.pools.serve(backend);
                    known.insert(Rc::clone(&upstream));
                }
                upstream
            }
            Entry::Vacant(entry) => {
                let random = random();
                let turn = usize::try_from(random >> 33).unwrap_or(0);
                let upstream = Upstream::new(backend, random, turn, Pools::new(backend), &self.thread);
                Rc::clone(entry.insert(Rc::new(upstream)))
            }
        }
    }

    /// Forgets backends of which `current` knows no version, and goes on with the version that it gives of others. Requests
    /// in flight keep what they use.
    pub fn retain<'a>(&self, current: impl Fn(&Backend) -> Option<&'a Arc<Backend>>) {
        self.backends.borrow_mut().retain(|identity, upstream| {
            let Some(now) = current(&upstream.backend).filter(|now| now.pool_identity() == *identity) else {
                return false;
            };
            if upstream.backend.id() < now.id() {
                *upstream = upstream.version(now);
                upstream.pools.serve(now);
            }
            true
        });
    }

    /// Closes connections that have been unused for too long.
    pub fn sweep(&self, now: Instant) {
        self.thread.clock.set(now);
        self.backends.borrow().values().for_each(|upstream| upstream.pools.sweep(now));
    }
}

impl<C: Connector> Pools<C> {
    fn new(backend: &Backend) -> Rc<Self> {
        let (member, bell) = share::join(&backend.breakers);
        let pools = Rc::new(Self { member, bell, last: RefCell::default(), by_address: RefCell::default() });
        tokio::task::spawn_local(share::attend(Rc::downgrade(&pools), Arc::clone(&pools.bell)));
        pools
    }

    /// Looks what there is for requests that wait, for the one that has waited longest first.
    pub(super) fn settle(&self) {
        if self.member.share.waiting() == 0 {
            return;
        }
        let mut waiting = self.all();
        waiting.retain(|pool| pool.ticket().is_some());
        while let Some(at) = (0..waiting.len()).min_by_key(|at| waiting[*at].ticket()) {
            if !waiting[at].settle() || waiting[at].ticket().is_none() {
                waiting.swap_remove(at);
            }
        }
    }

    /// Notes what is unused while requests wait for it somewhere. Returns whether they do.
    pub(super) fn see(&self) -> bool {
        let mut awaited = false;
        for pool in self.all().iter().filter(|pool| pool.is_awaited()) {
            pool.see();
            awaited = true;
        }
        awaited
    }

    /// Closes what has been unused since [`Self::see`], as far as requests wait for it.
    pub(super) fn give_up(&self) {
        self.all().iter().for_each(|pool| pool.give_up());
    }

    fn all(&self) -> Vec<Rc<Pool<C>>> {
        self.by_address.borrow().values().flatten().map(Rc::clone).collect()
    }

    /// Goes on with the connections for a later version of their backend.
    fn serve(&self, backend: &Arc<Backend>) {
        self.by_address.borrow().values().flatten().for_each(|pool| pool.serve(backend));
    }

    fn sweep(&self, now: Instant) {
        *self.last.borrow_mut() = None;
        self.by_address.borrow_mut().retain(|_, pools| {
            // A pool that a request holds may be about to open a connection, or to be given one back.
            pools.retain(|pool| pool.sweep(now) || Rc::strong_count(pool) > 1 || pool.is_leased());
            !pools.is_empty()
        });
    }
}

impl<C: Connector> Drop for Pools<C> {
    fn drop(&mut self) {
        self.member.share.ring();
    }
}

impl<C: Connector> Upstream<C> {
    fn new(
        backend: &Arc<Backend>,
        random: u64,
        turn: usize,
        pools: Rc<Pools<C>>,
        thread: &Rc<ThreadContext<C>>,
    ) -> Self {
        let policy = &backend.policy;
        Self {
            takes_turns: policy.takes_turns(),
            picker: RefCell::new(Picker::new(Arc::clone(&policy.balancing), random)),
            backend: Arc::clone(backend),
            thread: Rc::clone(thread),
            next: Cell::new(turn),
            pools,
        }
    }

    /// An upstream of the same connections, for another version of the backend.
    fn version(&self, backend: &Arc<Backend>) -> Rc<Self> {
        let turn = self.next.get();
        let random = (turn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Rc::new(Self::new(backend, random, turn, Rc::clone(&self.pools), &self.thread))
    }

    /// A number that is one larger each time.
    pub fn turn(&self) -> usize {
        let turn = self.next.get();
        self.next.set(turn.wrapping_add(1));
        turn
    }

    /// An endpoint for a request whose hash is `hash`, if it has one: how many there are now, its pool, and which it is,
    /// unless nobody asks. `turn` is the request's; endpoints that were `tried` are taken only if there are no others. `None`
    /// when there is none that may be used.
    pub fn select(
        &self,
        turn: usize,
        port: u16,
        hash: Option<u64>,
        tried: &[SocketAddr],
    ) -> Option<(usize, Rc<Pool<C>>, Option<SelectedEndpoint>)> {
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
        let selected = (!in_turn).then(|| SelectedEndpoint { endpoints: Arc::clone(&list), index });
        Some((list.len(), pool, selected))
    }

    fn pick(&self, list: &Arc<Endpoints>, port: u16, hash: Option<u64>, tried: &[SocketAddr]) -> Option<usize> {
        let was_tried = |endpoint: &Endpoint| {
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
        let context = PickContext { now, port, hash, exclude: &exclude };
        let picked = self.picker.borrow_mut().pick(list.set(), &context)?;
        if picked.panic {
            self.backend.metrics.panics.increment(1);
        }
        Some(picked.index)
    }

    /// Tells what came of a request to an endpoint, for the detection of outliers.
    pub fn report(&self, selected: Option<&SelectedEndpoint>, outcome: Outcome) {
        if let (Some(SelectedEndpoint { endpoints, index }), Some(detector)) = (selected, self.backend.detector())
            && let Some(change) = detector.report(endpoints.set(), *index, outcome, uptime())
        {
            self.backend.note(endpoints, &change);
        }
    }

    /// The connections to `address` under `server_name`, where there have been any.
    pub fn known_pool(&self, address: SocketAddr, server_name: Option<&ServerName<'static>>) -> Option<Rc<Pool<C>>> {
        let leads_there =
            |pool: &&Rc<Pool<C>>| pool.address() == address && pool.destination.server_name.as_ref() == server_name;
        if let Some(pool) = self.pools.last.borrow().as_ref().filter(leads_there) {
            return Some(Rc::clone(pool));
        }
        let by_address = self.pools.by_address.borrow();
        let pool = by_address.get(&address)?.iter().find(leads_there)?;
        *self.pools.last.borrow_mut() = Some(Rc::clone(pool));
        Some(Rc::clone(pool))
    }

    /// The connections to `address` under `server_name`. `state` is asked for when they are the first.
    pub fn pool(
        &self,
        address: SocketAddr,
        server_name: Option<&ServerName<'static>>,
        state: impl FnOnce() -> Option<Arc<EndpointState>>,
    ) -> Rc<Pool<C>> {
        if let Some(pool) = self.known_pool(address, server_name) {
            return pool;
        }
        let destination = Destination { address, server_name: server_name.cloned() };
        let endpoint = state().unwrap_or_else(|| self.backend.unlisted(address));
        let pool = Rc::new(Pool::new(&self.backend, destination, endpoint, &self.thread, &self.pools.member));
        self.pools.by_address.borrow_mut().entry(address).or_default().push(Rc::clone(&pool));
        pool
    }
}
