//! What proxies were sent and have not answered: since when, and who takes so long that the status of its fleet tells.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_resources::Timestamp;
use backstay_xds::server::StreamId;

use super::{Stream, Subscription, Tracker};

/// How long an answer may take, in seconds, before the status of the fleet tells since when it is waited for. Whoever answers sooner causes
/// no write.
const TOLD_AFTER: i64 = 5;

/// Where a response was sent: there is one unanswered at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The stream. Several of one Envoy are one to the tracker.
    pub(crate) stream: StreamId,
    /// The type, as it is on that stream.
    pub(crate) type_url: Arc<str>,
}

/// A response that has not been answered.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    /// Where.
    pub(crate) place: Place,
    /// When it was sent, to tell how long that is ago.
    pub(crate) at: Instant,
    /// The same, by the clock.
    pub(crate) since: Timestamp,
    /// Name and version of what is in it.
    pub(crate) resources: Arc<[(Arc<str>, Arc<str>)]>,
    /// What it removes.
    pub(crate) removed: Arc<[Arc<str>]>,
}

/// A version that a proxy was sent and has not answered for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// Empty where only the resources are known that what was sent is made of.
    pub(crate) version: &'a Arc<str>,
    /// When it was sent.
    pub(crate) at: Instant,
    /// The same, by the clock.
    pub(crate) since: Timestamp,
}

impl Subscription {
    /// Resources sent and not answered.
    pub(crate) fn pending(&self) -> usize {
        let own: usize = self.in_flight.iter().map(|sent| sent.resources.len() + sent.removed.len()).sum();
        own + usize::from(self.waits)
    }

    /// What was sent and not answered, by name.
    pub(super) fn sent(&self) -> HashMap<&str, Sent<'_>> {
        let of = |sent: &InFlight| (sent.at, sent.since);
        let all = self.in_flight.iter().flat_map(|sent| sent.resources.iter().map(move |pair| (of(sent), pair)));
        all.map(|((at, since), (name, version))| (&**name, Sent { version, at, since })).collect()
    }
}

impl Stream {
    /// Resources sent and not answered.
    pub(crate) fn pending(&self) -> usize {
        self.types.values().map(Subscription::pending).sum()
    }

    fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.types.values().flat_map(|subscription| &subscription.in_flight)
    }

    /// When the oldest response was sent that it has not answered. Nothing if it has answered all, or is connected to another control
    /// plane, which tells of those alone that take long.
    pub(crate) fn pending_since(&self) -> Option<Timestamp> {
        let own = self.in_flight().map(|sent| sent.since);
        own.chain(self.types.values().filter_map(|subscription| subscription.late)).min()
    }

    /// The same of those that take so long that the status of the fleet tells.
    pub(crate) fn late_since(&self) -> Option<Timestamp> {
        self.types.values().filter_map(|subscription| subscription.late).min()
    }

    /// How long it has had the oldest response that it has not answered.
    pub(crate) fn lag(&self, now: Instant) -> Option<Duration> {
        if self.replica.is_none() {
            return self.in_flight().map(|sent| now.saturating_duration_since(sent.at)).max();
        }
        let seconds = Timestamp::now().0.as_second() - self.late_since()?.0.as_second();
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
    }
}

impl Tracker {
    /// A proxy was sent a response, which it has to answer before it is sent another one there.
    pub(crate) fn sent(&mut self, id: StreamId, type_url: &Arc<str>, sent: InFlight) {
        let look = Timestamp::from_second(sent.since.0.as_second() + TOLD_AFTER);
        let Some((_, subscription)) = self.subscription(id, type_url) else { return };
        subscription.in_flight.retain(|other| other.place != sent.place);
        subscription.in_flight.push(sent);
        self.look_for_late.get_or_insert(look);
    }

    /// A proxy has answered what it was sent there. Returns how long that took.
    pub(crate) fn answered(
        &mut self,
        id: StreamId,
        type_url: &Arc<str>,
        place: &Place,
        now: Instant,
    ) -> Option<Duration> {
        let (_, subscription) = self.subscription(id, type_url)?;
        let at = subscription.in_flight.iter().position(|sent| sent.place == *place)?;
        let answered = subscription.in_flight.swap_remove(at);
        self.keep_late(id, type_url);
        Some(now.saturating_duration_since(answered.at))
    }

    /// A proxy has begun anew there: it will not answer what it was sent.
    pub(crate) fn abandoned(&mut self, id: StreamId, place: &Place) {
        self.wait_no_more(id, |other| other == place);
    }

    /// A stream ended that is one of several of the same Envoy: it will answer nothing any more.
    pub(crate) fn let_go(&mut self, id: StreamId, ended: StreamId) {
        self.wait_no_more(id, |place| place.stream == ended);
    }

    fn wait_no_more(&mut self, id: StreamId, ended: impl Fn(&Place) -> bool) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let mut types = Vec::new();
        for (type_url, subscription) in &mut stream.types {
            let before = subscription.in_flight.len();
            subscription.in_flight.retain(|sent| !ended(&sent.place));
            if subscription.in_flight.len() < before {
                types.push(type_url.clone());
            }
        }
        types.iter().for_each(|type_url| self.keep_late(id, type_url));
    }

    /// What was told to take long, and has been answered, takes no longer.
    fn keep_late(&mut self, id: StreamId, type_url: &Arc<str>) {
        let Some((fleet, subscription)) = self.subscription(id, type_url) else { return };
        let Some(late) = subscription.late else { return };
        if subscription.in_flight.iter().all(|sent| sent.since != late) {
            subscription.late = None;
            let fleet = fleet.clone();
            self.dirty_fleets.insert(fleet);
        }
    }

    /// What another control plane tells of a proxy of its own.
    pub(super) fn set_waits(&mut self, id: StreamId, type_url: &Arc<str>, waits: bool, late: Option<Timestamp>) {
        let Some((fleet, subscription)) = self.subscription(id, type_url) else { return };
        subscription.waits = waits;
        if std::mem::replace(&mut subscription.late, late) != late {
            let fleet = fleet.clone();
            self.dirty_fleets.insert(fleet);
        }
    }

    /// Of each fleet that proxies of this control plane are connected for, how many have not answered all that they were sent, and how long
    /// the one has taken so far that takes longest.
    pub(crate) fn lags(&self, now: Instant) -> BTreeMap<Arc<str>, (usize, Duration)> {
        let mut lags: BTreeMap<Arc<str>, (usize, Duration)> = BTreeMap::new();
        for stream in self.streams.values().filter(|stream| stream.replica.is_none()) {
            let (count, longest) = lags.entry(stream.fleet.clone()).or_default();
            if let Some(lag) = stream.lag(now) {
                *count += 1;
                *longest = lag.max(*longest);
            }
        }
        lags
    }

    /// When it is next to be looked who takes long.
    pub(crate) fn next_look_for_late(&self) -> Option<Timestamp> {
        self.look_for_late
    }

    /// Has the statuses of fleets tell of proxies that take long, at `now`. It is looked no more often than an answer may take, so
    /// that a response costs nothing that is answered in time.
    pub(crate) fn look_for_late(&mut self, now: Timestamp) {
        if self.look_for_late.is_none_or(|look| look > now) {
            return;
        }
        let mut next: Option<i64> = None;
        for stream in self.streams.values_mut() {
            for subscription in stream.types.values_mut() {
                let Some(oldest) = subscription.in_flight.iter().map(|sent| sent.since).min() else { continue };
                let due = oldest.0.as_second() + TOLD_AFTER;
                if due > now.0.as_second() {
                    next = Some(next.map_or(due, |next| next.min(due)));
                } else if subscription.late != Some(oldest) {
                    subscription.late = Some(oldest);
                    self.dirty_fleets.insert(stream.fleet.clone());
                }
            }
        }
        self.look_for_late = next.map(Timestamp::from_second);
    }
}
