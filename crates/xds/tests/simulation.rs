//! Control planes and clients under loss, partitions, restarts and bad luck, without a socket and without a clock: the state machines
//! alone, driven by a seed. Whatever happens, every client ends up with what the store holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "simulation/client.rs"]
mod client;
#[path = "simulation/store.rs"]
mod store;

use backstay_xds::Variant;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use self::client::{Client, Mood};
use self::store::{Replica, Store};

const STEPS: usize = 400;

struct World {
    rng: SmallRng,
    store: Store,
    replicas: Vec<Replica>,
    clients: Vec<Client>,
}

impl World {
    fn new(seed: u64, variants: &[Variant]) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut store = Store::new();
        (0..10).for_each(|_| store.change(&mut rng));
        let replicas = (0..2).map(|_| Replica::of(&store)).collect();
        let clients = variants.iter().map(|variant| Client::new(*variant)).collect();
        Self { rng, store, replicas, clients }
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.rng.random_range(0..one_in) == 0
    }

    /// One thing happens: a change, or that a replica, a client or a message gets somewhere, or does not.
    fn step(&mut self, mood: Mood) {
        let replica = self.rng.random_range(0..self.replicas.len());
        let client = self.rng.random_range(0..self.clients.len());
        match self.rng.random_range(0..12) {
            0 => self.store.change(&mut self.rng),
            1 => self.replicas[replica].catch_up(&self.store),
            2..=5 => {
                self.clients[client].look_at(&self.replicas);
                self.clients[client].receive(mood, &mut self.rng);
            }
            6..=9 => drop(self.clients[client].deliver(&self.replicas)),
            10 if mood.loses && self.chance(4) => self.clients[client].disconnect(),
            11 if mood.loses && self.chance(6) => {
                self.replicas[replica] = Replica::of(&self.store);
                self.clients.iter_mut().filter(|client| client.is_with(replica)).for_each(Client::disconnect);
            }
            11 if mood.loses => drop(self.clients[client].late()),
            _ => {}
        }
        if !self.clients[client].is_connected() {
            self.clients[client].connect(replica, &self.replicas);
        }
        if !mood.loses {
            self.clients.iter().for_each(Client::check_references);
        }
    }

    /// Everything is as it should be again, and every message arrives.
    fn heal(&mut self, mood: Mood) {
        for replica in &mut self.replicas {
            replica.catch_up(&self.store);
        }
        for client in &mut self.clients {
            if mood.loses {
                client.disconnect();
            }
            if !client.is_connected() {
                client.connect(0, &self.replicas);
            }
            client.look_at(&self.replicas);
            // A client without listeners asks for no routes: that is waited for until it is late.
            while client.deliver(&self.replicas) || client.receive(Mood::CALM, &mut self.rng) || client.late() {}
            assert_eq!(client.held(), self.store.content(), "{:?}", client.variant());
            client.assert_synchronized(&self.replicas);
        }
    }
}

#[test]
fn every_client_converges_under_loss_restarts_and_refusals() {
    for seed in 0..150 {
        let mut world = World::new(seed, &[Variant::Incremental, Variant::StateOfTheWorld, Variant::Incremental]);
        for _ in 0..3 {
            (0..STEPS).for_each(|_| world.step(Mood::BAD));
            world.heal(Mood::BAD);
        }
    }
}

#[test]
fn o1_no_client_ever_holds_a_route_to_a_cluster_that_it_does_not_hold() {
    for seed in 0..150 {
        let mut world = World::new(seed, &[Variant::Incremental, Variant::StateOfTheWorld]);
        (0..3 * STEPS).for_each(|_| world.step(Mood::CALM));
        world.heal(Mood::CALM);
    }
}
