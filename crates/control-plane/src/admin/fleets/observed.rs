//! What there is of fleets and proxies now.

use backstay_proto::admin::{FleetState, ProxyState};

use super::super::connected;
use super::FleetAdmin;
use crate::tracker::Stream;

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

    /// The proxies of a fleet, or of all, by name.
    pub(super) fn proxies(&self, fleet: Option<&str>) -> Vec<ProxyState> {
        let tracker = self.shared.read();
        let mut proxies = Vec::new();
        for (name, snapshot) in self.fleets.all() {
            if fleet.is_some_and(|fleet| *fleet != *name) {
                continue;
            }
            let resources = snapshot.len(backstay_proto::RESOURCE_TYPE_URL);
            for stream in tracker.proxies(&name) {
                let name = format!("fleets/{name}/proxies/{}", stream.node_id);
                proxies.push(ProxyState { name, proxy: Some(connected(stream, resources)) });
            }
        }
        proxies.sort_by(|one, other| one.name.cmp(&other.name));
        proxies
    }
}
