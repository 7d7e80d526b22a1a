//! What the discovery server asks for and reports: the seam between streams and the rest of the control plane.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use backstay_auth::identity::{AUTHENTICATED, Credential, DEFAULT_CUSTOMER};
use backstay_auth::{Audit, Proxy, User, audit};
use backstay_resources::Timestamp;
use backstay_xds::Snapshot;
use backstay_xds::server::{Event, Peer, Refusal as NotOpened, Refused, Rejection, Source, StreamId};
use tokio::sync::watch;
use tonic::Code;

use crate::changes::Changes;
use crate::events::Teller;
use crate::fleets::{Fleets, fleet_of};
use crate::membership::Membership;
use crate::metrics::Metrics;
use crate::shared::{Compiling, Shared};
use crate::tracker::{InFlight, Place, Refusal, Stream, Subscription, Tracker};
use crate::views::{self, Views};

/// Serves fleets to proxies, and tells the tracker what they answer.
#[derive(Debug)]
pub(crate) struct FleetSource {
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: Metrics,
    pub(crate) membership: Membership,
    pub(crate) audit: Audit,
    pub(crate) teller: Teller,
    /// The same fleets, for Envoys.
    pub(crate) views: Arc<Views>,
    /// What is told of the way of changes.
    pub(crate) changes: Changes,
}

impl Source for FleetSource {
    fn subscribe(&self, peer: &Peer, type_url: &str) -> Result<watch::Receiver<Snapshot>, Refused> {
        // An empty snapshot would take everything away from proxies that hold a good configuration.
        match self.shared.compiling() {
            Compiling::Initial => {
                return Err(Refused::unavailable("there is no whole configuration yet; try again"));
            }
            Compiling::Ended => return Err(Refused::unavailable("the control plane compiles no changes any more")),
            Compiling::Ready => {}
        }
        let fleet = fleet_of(&peer.node);
        if let Some(proxy) = peer.identity.as_ref().and_then(|identity| identity.proof::<Proxy>()) {
            let checked = self.membership.check(proxy, fleet);
            checked.map_err(|message| {
                self.joined(peer, Err(&message));
                Refused::new(Code::PermissionDenied, message)
            })?;
        }
        let snapshots = match views::audience(&peer.node, type_url) {
            Some(audience) => self.views.subscribe(fleet, audience),
            None => self.fleets.subscribe(fleet),
        };
        snapshots.ok_or_else(|| {
            let message = format!("there is no fleet {fleet:?}: create a Proxy with this name, or join another");
            self.joined(peer, Err(&message));
            Refused::new(Code::NotFound, message)
        })
    }

    fn observe(&self, stream: StreamId, event: Event) {
        if matches!(event, Event::Closed)
            && let Some(known) = self.views.known_as(stream)
        {
            self.shared.update(|tracker| tracker.let_go(known, stream));
        }
        let place = place(stream, &event);
        if let Event::Sent { resources, .. } = &event {
            // As they are called on the wire: what Envoys are sent is told by the resources that it is made of below.
            self.metrics.responses.increment(1);
            self.metrics.resources_sent.increment(resources.len() as u64);
        }
        let Some((stream, event)) = self.views.translate(stream, event) else { return };
        match event {
            Event::Opened { peer, type_url } => {
                self.joined(&peer, Ok(()));
                let Peer { node, address, .. } = peer;
                self.metrics.streams.increment(1.0);
                let from = address;
                let address = address.map_or_else(String::new, |address| address.to_string());
                tracing::info!(fleet = fleet_of(&node), node = node.id, address, "a proxy connected");
                let (fleet, name) = (fleet_of(&node).to_owned(), node.id.clone());
                let opened = Stream {
                    fleet: fleet.as_str().into(),
                    address,
                    version: node.user_agent_version,
                    node_id: node.id,
                    connected: Timestamp::now(),
                    replica: None,
                    types: [(type_url, Subscription::default())].into(),
                };
                let mut is_new = true;
                self.shared.update(|tracker| {
                    tracker.opened(stream, opened);
                    is_new = !tracker.has_another(stream);
                });
                // One that makes another stream before it leaves the first has not come.
                if is_new {
                    self.teller.proxy_connected(&fleet, &name, from);
                }
                self.views.refuse_left_out(stream);
            }
            Event::Sent { type_url, revision, resources, removed, .. } => {
                let mut to = None;
                self.shared.update(|tracker| {
                    let place = place.unwrap_or_else(|| Place { stream, type_url: type_url.clone() });
                    let (at, since) = (Instant::now(), Timestamp::now());
                    tracker.sent(stream, &type_url, InFlight { place, at, since, resources, removed });
                    to = tracker.stream(stream).map(|stream| (stream.fleet.clone(), stream.node_id.clone()));
                });
                if let Some((fleet, node)) = to {
                    self.changes.sent(revision, stream, &fleet, &node);
                }
            }
            Event::Acknowledged { type_url, resources, removed, .. } => {
                self.metrics.acknowledged.increment(1);
                let names = resources.iter().map(|(name, _)| name).chain(removed.iter());
                self.shared.update(|tracker| {
                    self.answered(tracker, stream, &type_url, place.as_ref());
                    tracker.accepted(stream, &type_url, names);
                });
            }
            Event::Rejected { type_url, revision, resources, removed, rejected, partial, .. } => {
                self.changes.refused(revision, stream, rejected.first().map_or("", |first| &*first.message));
                self.metrics.rejected.increment(1);
                if !partial && resources.len() > 1 {
                    self.metrics.unnamed.increment(1);
                }
                // Whoever names nothing may have applied nothing: then the removals are not done either.
                let removed = if partial { &*removed } else { &[] };
                self.rejected((stream, &type_url, place.as_ref()), (&resources, removed), rejected);
            }
            Event::Searching { type_url, message, .. } => {
                self.metrics.rejected.increment(1);
                self.metrics.searching.increment(1);
                tracing::info!(%stream, type_url = &*type_url, message, "looking for what a proxy refuses of a response");
                self.shared.update(|tracker| self.answered(tracker, stream, &type_url, place.as_ref()));
            }
            Event::Abandoned { .. } => {
                let Some(place) = place else { return };
                self.shared.update(|tracker| tracker.abandoned(stream, &place));
            }
            Event::Late { type_url, nonce } => {
                self.metrics.late.increment(1);
                tracing::warn!(%stream, type_url = &*type_url, nonce = &*nonce, "a proxy has not answered in time");
            }
            Event::Synchronized { type_url, revision } => {
                self.shared.update(|tracker| tracker.synchronised(stream, &type_url, revision));
                self.changes.answered(revision, stream);
            }
            Event::Closed => {
                self.metrics.streams.decrement(1.0);
                let mut gone = None;
                self.shared.update(|tracker| {
                    let known = tracker.stream(stream).filter(|_| !tracker.has_another(stream));
                    gone = known.map(|Stream { fleet, node_id, .. }| (fleet.clone(), node_id.clone()));
                    tracker.closed(stream);
                });
                if let Some((fleet, node)) = gone {
                    tracing::info!(%fleet, node, "a proxy is gone");
                    self.teller.proxy_lost(&fleet, &node);
                }
            }
        }
    }

    fn refused(&self, refusal: NotOpened) {
        match refusal {
            NotOpened::TooMany => self.metrics.streams_too_many.increment(1),
            NotOpened::TooFast => self.metrics.streams_too_fast.increment(1),
        }
    }
}

/// Who a proxy has proved to be; anyone, where nothing is asked for.
fn user_of(peer: &Peer) -> User {
    let Some(identity) = &peer.identity else { return User::anyone(DEFAULT_CUSTOMER) };
    let fleet = identity.proof::<Proxy>().and_then(Proxy::fleet_of_certificate);
    let credential = if fleet.is_some() { Credential::Certificate } else { Credential::Token };
    User { groups: [AUTHENTICATED.to_owned()].into(), credential, ..User::named(identity.name()) }
}

/// Where a response was sent that an event is about, or what was answered.
fn place(stream: StreamId, event: &Event) -> Option<Place> {
    let (Event::Sent { type_url, .. }
    | Event::Acknowledged { type_url, .. }
    | Event::Rejected { type_url, .. }
    | Event::Searching { type_url, .. }
    | Event::Abandoned { type_url, .. }) = event
    else {
        return None;
    };
    Some(Place { stream, type_url: type_url.clone() })
}

/// Name and version of what a response held, and the names of what it removed.
type Sent<'a> = (&'a [(Arc<str>, Arc<str>)], &'a [Arc<str>]);

impl FleetSource {
    /// Writes down that a proxy has joined a fleet, or why it has not.
    fn joined(&self, peer: &Peer, outcome: Result<(), &str>) {
        if self.audit.is_on() {
            let (user, node) = (user_of(peer), &peer.node);
            self.audit.record(&audit::Event::stream(&user, fleet_of(node), &node.id, peer.address, outcome));
        }
    }

    fn answered(&self, tracker: &mut Tracker, stream: StreamId, type_url: &Arc<str>, place: Option<&Place>) {
        let Some(place) = place else { return };
        if let Some(took) = tracker.answered(stream, type_url, place, Instant::now()) {
            self.metrics.push.record(took);
        }
    }

    /// What a proxy refused of a response, and what of it it accepted: nothing, unless it named what it refused.
    fn rejected(
        &self,
        (stream, type_url, place): (StreamId, &Arc<str>, Option<&Place>),
        (sent, removed): Sent<'_>,
        refused: Vec<Rejection>,
    ) {
        let names: HashSet<&str> = refused.iter().map(|one| &*one.name).collect();
        let others: Vec<_> = sent.iter().map(|(name, _)| name).filter(|name| !names.contains(&***name)).collect();
        let mut events = Vec::new();
        self.shared.update(|tracker| {
            self.answered(tracker, stream, type_url, place);
            tracker.accepted(stream, type_url, others.into_iter().chain(removed));
            let node = tracker.stream(stream).map(|stream| (stream.fleet.clone(), stream.node_id.clone()));
            let (fleet, node) = node.unwrap_or_default();
            for (name, refusal) in by_resource(refused) {
                let Refusal { field, message, .. } = &refusal;
                tracing::warn!(%fleet, node, resource = %name, field, message, "a proxy refused a resource");
                events.push((fleet.clone(), node.clone(), name.clone(), refusal.sentence()));
                tracker.refused(stream, type_url, name, refusal);
            }
        });
        for (fleet, node, resource, words) in events {
            self.teller.refused(&fleet, &node, &resource, &words);
        }
    }
}

/// One refusal for each resource, however many faults its proxy named: the first is told as its field and message, and what else is
/// wrong after it.
fn by_resource(refused: Vec<Rejection>) -> BTreeMap<Arc<str>, Refusal> {
    let mut refusals: BTreeMap<Arc<str>, Refusal> = BTreeMap::new();
    for Rejection { name, version, field, message } in refused {
        let next = Refusal { version, field, message };
        match refusals.get_mut(&name) {
            Some(first) => {
                first.message.push_str("; ");
                first.message.push_str(&next.sentence());
            }
            None => {
                refusals.insert(name, next);
            }
        }
    }
    refusals
}

#[cfg(test)]
mod tests;
