//! What there is of fleets and proxies now.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_proto::admin::{FleetState, ProxyState};

use super::super::connected;
use super::FleetAdmin;
use crate::tracker::Stream;

impl FleetAdmin {
    /// The proxies that are connected, by their fleets.
    fn streams(&self) -> BTreeMap<Arc<str>, Vec<Stream>> {
        let mut streams: BTreeMap<Arc<str>, Vec<Stream>> = BTreeMap::new();
        for stream in self.shared.read().streams() {
            streams.entry(stream.fleet.clone()).or_default().push(stream.clone());
        }
        streams
    }

    /// Every fleet, by name.
    pub(super) fn states(&self) -> Vec<FleetState> {
        let streams = self.streams();
        let fleets = self.fleets.all().into_iter().map(|(name, snapshot)| {
            let streams = streams.get(&name).map_or(&[] as &[Stream], Vec::as_slice);
            let refusing = |stream: &&Stream| stream.refused().next().is_some();
            let synchronized = |stream: &&Stream| stream.pending() == 0 && stream.refused().next().is_none();
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

    /// The proxies of a fleet, or of all, by name.
    pub(super) fn proxies(&self, fleet: Option<&str>) -> Vec<ProxyState> {
        let streams = self.streams();
        let mut proxies = Vec::new();
        for (name, snapshot) in self.fleets.all() {
            if fleet.is_some_and(|fleet| *fleet != *name) {
                continue;
            }
            let resources = snapshot.len(backstay_proto::RESOURCE_TYPE_URL);
            for stream in streams.get(&name).into_iter().flatten() {
                let name = format!("fleets/{name}/proxies/{}", stream.node_id);
                proxies.push(ProxyState { name, proxy: Some(connected(stream, resources)) });
            }
        }
        let since = |proxy: &ProxyState| {
            proxy.proxy.as_ref().and_then(|proxy| proxy.connected.as_ref()).map(|time| time.seconds)
        };
        proxies.sort_by(|one, other| (&one.name, since(one)).cmp(&(&other.name, since(other))));
        // One that has come back before its old connection was given up is told once, as it is now.
        proxies.reverse();
        proxies.dedup_by(|one, other| one.name == other.name);
        proxies.reverse();
        proxies
    }
}
