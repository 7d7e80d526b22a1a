//! A model of several threads, without sockets: whatever happens in whichever order, nothing is lost and nobody waits for what
//! is there.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use backstay_balancer::{Breakers, EndpointState, Limit, Limits, Share};
use futures::FutureExt;
use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use tokio::time::Instant;

use super::{Reusable, Stock, Waiting};
use crate::member::{Member, Spare};
use crate::queue::{ConnectionPermit, Given};

/// An open connection.
#[derive(Debug)]
struct Connection(#[expect(dead_code, reason = "held")] ConnectionPermit);

impl Reusable for Connection {
    fn is_alone(&self) -> bool {
        true
    }

    fn keep(self, stock: &Stock<Self>) {
        stock.rest(self, Instant::now());
    }
}

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Thread {
    bell: Arc<Bell>,
    stocks: Vec<Rc<Stock<Connection>>>,
}

/// A request, or a connection that is opened for none.
enum Actor {
    Waits(Waiting<Connection>),
    Opens(Waiting<Connection>, ConnectionPermit),
    Uses(Connection),
    Finishes(ConnectionPermit, Spare),
}

struct Model {
    breakers: Arc<Breakers>,
    endpoints: Vec<Arc<EndpointState>>,
    threads: Vec<Thread>,
    /// By arrival: thread, endpoint, and what it does.
    actors: BTreeMap<usize, (usize, usize, Actor)>,
    next: usize,
}

impl Model {
    fn new(threads: usize, limits: &Limits) -> Self {
        let breakers = Breakers::new(limits);
        let endpoints: Vec<_> = (0..2).map(|_| EndpointState::unlisted()).collect();
        let threads = (0..threads)
            .map(|_| {
                let bell = Arc::<Bell>::default();
                let member = Member::new(Share::join(&breakers, Waker::from(Arc::clone(&bell))));
                let stocks = endpoints.iter().map(|endpoint| Stock::new(&member, Arc::clone(endpoint))).collect();
                Thread { bell, stocks }
            })
            .collect();
        Self { breakers, endpoints, threads, actors: BTreeMap::new(), next: 0 }
    }

    fn stock(&self, thread: usize, endpoint: usize) -> &Rc<Stock<Connection>> {
        &self.threads[thread].stocks[endpoint]
    }

    fn add(&mut self, thread: usize, endpoint: usize, actor: Actor) {
        self.actors.insert(self.next, (thread, endpoint, actor));
        self.next += 1;
    }

    /// A request comes. Returns whether it was refused.
    fn arrive(&mut self, thread: usize, endpoint: usize) -> bool {
        let stock = Rc::clone(self.stock(thread, endpoint));
        if let Some(connection) = stock.take() {
            self.add(thread, endpoint, Actor::Uses(connection));
            return false;
        }
        match stock.arrive(&Rc::default()) {
            Ok((waiting, Some(permit))) => self.add(thread, endpoint, Actor::Opens(waiting, permit)),
            Ok((waiting, None)) => self.add(thread, endpoint, Actor::Waits(waiting)),
            Err(_) => return true,
        }
        false
    }

    /// A request looks at what it was given.
    fn look(&mut self, id: usize) {
        let Some((thread, endpoint, actor)) = self.actors.remove(&id) else { return };
        let actor = match actor {
            Actor::Waits(mut waiting) => match waiting.given().now_or_never() {
                Some(Given::Free(connection)) => Actor::Uses(connection),
                Some(Given::Permit(permit)) => Actor::Opens(waiting, permit),
                _ => Actor::Waits(waiting),
            },
            Actor::Opens(mut waiting, permit) => match waiting.given().now_or_never() {
                Some(Given::Free(connection)) => {
                    let spare = waiting.spare().unwrap();
                    self.add(thread, endpoint, Actor::Finishes(permit, spare));
                    Actor::Uses(connection)
                }
                _ => Actor::Opens(waiting, permit),
            },
            actor => actor,
        };
        self.actors.insert(id, (thread, endpoint, actor));
    }

    fn keep(&self, thread: usize, endpoint: usize, connection: Connection) {
        let stock = self.stock(thread, endpoint);
        if let Some(connection) = stock.offer(connection) {
            stock.rest(connection, Instant::now());
        }
    }

    /// What it does ends well, or not.
    fn end(&mut self, id: usize, well: bool) {
        let Some((thread, endpoint, actor)) = self.actors.remove(&id) else { return };
        match actor {
            Actor::Uses(connection) if well => self.keep(thread, endpoint, connection),
            Actor::Opens(waiting, permit) if well => {
                drop(waiting);
                self.actors.insert(id, (thread, endpoint, Actor::Uses(Connection(permit))));
            }
            Actor::Finishes(permit, spare) if well => {
                drop(spare);
                self.keep(thread, endpoint, Connection(permit));
            }
            // It waits on.
            Actor::Waits(waiting) if well => {
                self.actors.insert(id, (thread, endpoint, Actor::Waits(waiting)));
            }
            _ => {}
        }
    }

    /// A thread does what the bell calls for.
    fn attend(&self, thread: usize) {
        if self.threads[thread].bell.0.swap(false, Ordering::SeqCst) {
            let stocks = &self.threads[thread].stocks;
            while let Some(stock) = stocks
                .iter()
                .filter(|stock| stock.queue.ticket().is_some())
                .min_by_key(|stock| stock.queue.ticket())
                .filter(|stock| stock.grant())
                .or_else(|| stocks.iter().find(|stock| stock.grant()))
            {
                let _ = stock;
            }
        }
    }

    /// Until nothing more happens by itself.
    fn settle(&mut self) {
        let looks = |model: &mut Self| {
            let ids: Vec<_> = model.actors.keys().copied().collect();
            ids.into_iter().for_each(|id| model.look(id));
        };
        looks(self);
        while self.threads.iter().any(|thread| thread.bell.0.load(Ordering::SeqCst)) {
            (0..self.threads.len()).for_each(|thread| self.attend(thread));
            looks(self);
        }
    }

    /// Time passes in which what is unused stays so.
    fn pass(&mut self) {
        let stocks: Vec<_> = self.threads.iter().flat_map(|thread| thread.stocks.iter().map(Rc::clone)).collect();
        for stock in stocks.iter().filter(|stock| stock.member.share.is_awaited(&stock.endpoint)) {
            stock.see();
        }
        for stock in &stocks {
            while let Some(connection) = stock.give_up() {
                drop(connection);
            }
        }
        self.settle();
    }

    fn count(&self, is: impl Fn(&Actor) -> bool) -> u32 {
        self.actors.values().filter(|(.., actor)| is(actor)).count() as u32
    }

    fn idle(&self) -> u32 {
        self.threads.iter().flat_map(|thread| &thread.stocks).map(|stock| stock.idle() as u32).sum()
    }

    /// What holds when everybody has looked.
    fn check(&self) -> Result<(), TestCaseError> {
        let waits = self.count(|actor| matches!(actor, Actor::Waits(_)));
        let opens = self.count(|actor| matches!(actor, Actor::Opens(..)));
        let open = self.idle() + self.count(|actor| !matches!(actor, Actor::Waits(_)));
        prop_assert_eq!(self.breakers.active(Limit::Connections), open);
        prop_assert_eq!(self.breakers.active(Limit::PendingRequests), waits + opens);
        let endpoints: u32 = self.endpoints.iter().map(|endpoint| endpoint.connections()).sum();
        prop_assert_eq!(endpoints, open);
        for (thread, endpoint, actor) in self.actors.values() {
            if !matches!(actor, Actor::Waits(_)) {
                continue;
            }
            let (stock, endpoint) = (self.stock(*thread, *endpoint), &self.endpoints[*endpoint]);
            prop_assert!(stock.open() > 0, "there is nothing that could become free");
            prop_assert_eq!(stock.idle(), 0, "there is one that is free");
            let is_full = |limit, active| self.breakers.limit(limit).is_some_and(|most| active >= most);
            prop_assert!(
                is_full(Limit::Connections, self.breakers.active(Limit::Connections))
                    || is_full(Limit::EndpointConnections, endpoint.connections()),
                "one may be opened"
            );
        }
        Ok(())
    }
}

proptest! {
    /// Steps: what happens, and to whom.
    #[test]
    fn nobody_waits_for_what_is_there(
        (threads, connections, pending, per_endpoint) in (1..4_usize, 1..5_u32, 0..4_u32, 0..4_u32),
        endpoints in 1..3_usize,
        steps in vec((0..9_u8, 0..64_usize), 1..120),
    ) {
        let limits = Limits {
            connections: Some(connections),
            pending_requests: Some(pending),
            connections_per_endpoint: (per_endpoint > 0).then_some(per_endpoint),
            ..Limits::default()
        };
        let mut model = Model::new(threads, &limits);
        for (step, whom) in steps {
            let id = model.actors.keys().nth(whom % model.actors.len().max(1)).copied();
            match (step, id) {
                (0..=2, _) => {
                    let refused = model.arrive(whom % threads, whom / threads % endpoints);
                    let taken = model.count(|actor| !matches!(actor, Actor::Finishes(..)));
                    if refused && pending > 0 && per_endpoint == 0 {
                        prop_assert!(taken >= connections + pending, "{taken} are under way or wait");
                    }
                    prop_assert!(!refused || model.breakers.active(Limit::PendingRequests) >= pending);
                }
                (3, Some(id)) => model.look(id),
                (4 | 5, Some(id)) => model.end(id, true),
                (6, Some(id)) => model.end(id, false),
                (7, _) => model.attend(whom % threads),
                (8, _) => {
                    model.settle();
                    model.check()?;
                }
                _ => {}
            }
        }
        model.settle();
        model.check()?;
        // While others wait, what stays unused is given up, and not more than that.
        (0..2).for_each(|_| model.pass());
        model.check()?;
        let waits = model.count(|actor| matches!(actor, Actor::Waits(_)));
        let used = model.count(|actor| !matches!(actor, Actor::Waits(_)));
        if waits > 0 && used < connections && per_endpoint == 0 {
            prop_assert_eq!(model.idle(), 0);
        }
        // Each round ends what is under way, and so everybody's turn comes, and nothing is left.
        while !model.actors.is_empty() {
            let before = model.actors.len();
            let ids: Vec<_> = model.actors.keys().copied().collect();
            ids.into_iter().for_each(|id| model.end(id, true));
            model.settle();
            model.check()?;
            let waits = model.count(|actor| matches!(actor, Actor::Waits(_)));
            prop_assert!(model.actors.len() < before || (waits as usize) < before, "they wait for ever");
        }
        for stock in model.threads.iter().flat_map(|thread| &thread.stocks) {
            stock.remove(|_| true);
        }
        for limit in [Limit::Connections, Limit::PendingRequests] {
            prop_assert_eq!(model.breakers.active(limit), 0);
        }
        prop_assert!(model.endpoints.iter().all(|endpoint| endpoint.connections() == 0));
    }

    /// Of one endpoint and one thread, requests are served in the order in which they came.
    #[test]
    fn who_came_first_is_served_first(connections in 1..4_u32, steps in vec((0..3_u8, 0..64_usize), 1..100)) {
        let mut model = Model::new(1, &Limits { connections: Some(connections), ..Limits::default() });
        for (step, whom) in steps {
            let id = model.actors.keys().nth(whom % model.actors.len().max(1)).copied();
            match (step, id) {
                (0 | 1, _) => drop(model.arrive(0, 0)),
                (_, Some(id)) => model.end(id, true),
                _ => {}
            }
            model.settle();
            let last_served = model.actors.iter().rfind(|(_, (.., actor))| matches!(actor, Actor::Uses(_)));
            let first_waiting = model.actors.iter().find(|(_, (.., actor))| matches!(actor, Actor::Waits(_)));
            if let (Some((served, _)), Some((waiting, _))) = (last_served, first_waiting) {
                prop_assert!(served < waiting, "{served} overtook {waiting}");
            }
        }
    }
}
