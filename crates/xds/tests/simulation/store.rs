//! What is configured: always consistent, as users and compilers leave it.

use std::collections::BTreeMap;

use backstay_xds::server::envoy::{CLUSTER, ENDPOINTS, LISTENER, ROUTES};
use backstay_xds::{Resource, ResourceChange, Snapshot};
use bytes::Bytes;
use rand::RngExt;
use rand::rngs::SmallRng;

pub(crate) const TYPES: [&str; 4] = [CLUSTER, ENDPOINTS, LISTENER, ROUTES];

/// Resources by type and name. The value of a route begins with the name of a cluster.
pub(crate) type Content = BTreeMap<&'static str, BTreeMap<String, String>>;

#[derive(Default)]
pub(crate) struct Store {
    content: Content,
    revision: u64,
}

fn pick<'a>(names: impl Iterator<Item = &'a String>, rng: &mut SmallRng) -> Option<String> {
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| names[rng.random_range(0..names.len())].clone())
}

impl Store {
    pub(crate) fn new() -> Self {
        let content = TYPES.into_iter().map(|type_url| (type_url, BTreeMap::new())).collect();
        let mut store = Self { content, revision: 0 };
        store.put(CLUSTER, "c0", "1");
        store.put(ENDPOINTS, "c0", "1");
        store
    }

    pub(crate) fn content(&self) -> Content {
        self.content.clone()
    }

    fn put(&mut self, type_url: &'static str, name: &str, value: &str) {
        self.content.get_mut(type_url).unwrap().insert(name.to_owned(), value.to_owned());
    }

    fn remove(&mut self, type_url: &'static str, name: &str) {
        self.content.get_mut(type_url).unwrap().remove(name);
    }

    /// One change of a user, which may be of several resources.
    pub(crate) fn change(&mut self, rng: &mut SmallRng) {
        self.revision += 1;
        let value = rng.random_range(0..4).to_string();
        let cluster = pick(self.content[CLUSTER].keys(), rng).unwrap();
        let route = pick(self.content[ROUTES].keys(), rng);
        let new = format!("c{}", rng.random_range(0..6));
        match (rng.random_range(0..7), route) {
            (0, _) => self.put(CLUSTER, &cluster, &value),
            (1, _) => self.put(ENDPOINTS, &cluster, &value),
            // A cluster takes the place of another.
            (2, _) => self.replace(&cluster, &new, &value),
            (3, Some(route)) => self.put(ROUTES, &route, &format!("{cluster} {value}")),
            (4, Some(route)) => {
                self.remove(ROUTES, &route);
                self.remove(LISTENER, &route);
            }
            (5, Some(route)) => self.put(LISTENER, &route, &value),
            _ => {
                let route = format!("r{}", rng.random_range(0..4));
                self.put(CLUSTER, &new, &value);
                self.put(ENDPOINTS, &new, &value);
                self.put(LISTENER, &route, &value);
                self.put(ROUTES, &route, &format!("{new} {value}"));
            }
        }
    }

    fn replace(&mut self, old: &str, new: &str, value: &str) {
        self.remove(CLUSTER, old);
        self.remove(ENDPOINTS, old);
        self.put(CLUSTER, new, value);
        self.put(ENDPOINTS, new, value);
        for route in self.content.get_mut(ROUTES).unwrap().values_mut() {
            if let Some(rest) = route.strip_prefix(old).filter(|rest| rest.starts_with(' ')) {
                *route = format!("{new}{rest}");
            }
        }
    }
}

/// A control plane: it may be behind the store.
pub(crate) struct Replica {
    pub(crate) snapshot: Snapshot,
}

impl Replica {
    /// One that has just started.
    pub(crate) fn of(store: &Store) -> Self {
        let mut replica = Self { snapshot: Snapshot::with_log_capacity(4) };
        replica.catch_up(store);
        replica
    }

    pub(crate) fn catch_up(&mut self, store: &Store) {
        for (type_url, resources) in &store.content {
            let gone = self.snapshot.resources(type_url).map(|resource| resource.name().clone());
            let gone: Vec<_> =
                gone.filter(|name| !resources.contains_key(&**name)).map(ResourceChange::Remove).collect();
            let put = |(name, value): (&String, &String)| {
                // State of the world does not say what a resource is called: its content does.
                ResourceChange::Put(Resource::new(name.as_str(), Bytes::from(format!("{name}|{value}"))))
            };
            let changes = gone.into_iter().chain(resources.iter().map(put));
            self.snapshot = self.snapshot.apply(store.revision, type_url, changes);
        }
    }
}
