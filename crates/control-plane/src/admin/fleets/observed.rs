//! What there is of fleets and proxies now.

use std::time::Instant;

use backstay_proto::admin::proxy_resource::State;
use backstay_proto::admin::{FleetState, ProxyResource, ProxyState};

use super::super::{connected, refused, timestamp};
use super::FleetAdmin;
use crate::tracker::{Held, Stream};

impl FleetAdmin {
    /// Every fleet, by name.
    pub(super) fn states(&self) -> Vec<FleetState> {
        let tracker = self.shared.read();
        let fleets = self.fleets.all().into_iter().map(|(name, snapshot)| {
            let streams = tracker.proxies(&name);
            let refusing = |stream: &&&Stream| stream.refused().next().is_some();
            let synchronized = |stream: &&&Stream| stream.pending() == 0 && stream.refused().next().is_none();
            FleetState {
                name: format!("fleets/{name}"),
                revision: snapshot.revision(),
                resources: snapshot.len(backstay_proto::RESOURCE_TYPE_URL) as u64,
                connected_proxies: streams.len() as u64,
                synchronized_proxies: streams.iter().filter(synchronized).count() as u64,
                refusing_proxies: streams.iter().filter(refusing).count() as u64,
            }
        });
        fleets.collect()
    }

    /// What a proxy of a fleet should hold, by name; of connections that call themselves the same, the last. `None` where it is not connected.
    pub(super) fn resources(&self, fleet: &str, proxy: &str) -> Option<Vec<ProxyResource>> {
        let tracker = self.shared.read();
        let called = tracker.streams().filter(|stream| *stream.fleet == *fleet && stream.node_id == proxy);
        let stream = called.max_by_key(|stream| stream.connected)?;
        let now = Instant::now();
        let of = |held: Held<'_>| {
            let state = match held.refused {
                Some(_) => State::Refused,
                None if held.is_acknowledged => State::Acknowledged,
                None => State::Pending,
            };
            ProxyResource {
                name: held.name.to_string(),
                version: held.version.to_string(),
                revision: held.revision,
                state: state.into(),
                refused: held.refused.map(|refusal| refused(held.name, refusal)),
                sent_version: held.sent.map(|sent| sent.version.to_string()).unwrap_or_default(),
                pending_since: held.sent.map(|sent| timestamp(sent.since)),
                lag_seconds: held.sent.map(|sent| now.saturating_duration_since(sent.at).as_secs_f64()),
            }
        };
        let mut resources: Vec<ProxyResource> = tracker.held_by(stream).map(of).collect();
        drop(tracker);
        resources.sort_by(|one, other| one.name.cmp(&other.name));
        Some(resources)
    }

    /// The proxies of a fleet, or of all, by name; with how long each has not answered, where `now` is.
    pub(super) fn proxies(&self, fleet: Option<&str>, now: Option<Instant>) -> Vec<ProxyState> {
        let tracker = self.shared.read();
        let mut proxies = Vec::new();
        for (name, snapshot) in self.fleets.all() {
            if fleet.is_some_and(|fleet| *fleet != *name) {
                continue;
            }
            let resources = snapshot.len(backstay_proto::RESOURCE_TYPE_URL);
            for stream in tracker.proxies(&name) {
                let name = format!("fleets/{name}/proxies/{}", stream.node_id);
                let proxy = connected(stream, resources, snapshot.revision(), now);
                proxies.push(ProxyState { name, proxy: Some(proxy) });
            }
        }
        proxies.sort_by(|one, other| one.name.cmp(&other.name));
        proxies
    }
}
