mod answer;
mod order;
mod suspects;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use self::answer::{Answer, InFlight};
use self::suspects::Suspects;
use super::demand::{Demand, Wants};
use super::held::Held;
use super::response::{Response, Version, nonce};
use super::subscription::{Draft, Subscription, Terms, WILDCARD};
use super::types::TypeRule;
use super::{Event, Options, StreamId, Violation};
use crate::{Snapshot, Variant};

/// The state of one stream of either variant, without I/O.
///
/// Feed it what arrives ([`request`](Self::request), [`snapshot`](Self::snapshot)) and, when the transport can take a
/// message, ask for what is to be done ([`output`](Self::output)) until there is nothing more. It has no clock: when it
/// [waits](Self::waits) for an answer for too long, say so ([`late`](Self::late)).
pub struct Stream {
    id: StreamId,
    variant: Variant,
    options: Arc<Options>,
    snapshot: Snapshot,
    /// In the order of their rules; those without one come last, in the order in which they were asked for.
    types: Vec<Type>,
    events: VecDeque<Event>,
    responses: u64,
    /// Bytes of names and versions of all `initial_resource_versions` so far.
    held: usize,
}

/// Each type on a stream is a world of its own, but for the order in which they are served.
struct Type {
    type_url: Arc<str>,
    rule: TypeRule,
    /// The place of its rule; `usize::MAX` without one.
    rank: usize,
    subscription: Subscription,
    in_flight: Option<InFlight>,
    /// What the client refused without naming it, and gets again in smaller parts.
    suspects: Suspects,
    /// The last revision told by [`Event::Synchronized`].
    synchronized: Option<u64>,
    /// It may have something to say.
    ready: bool,
    /// It has something to say that waits for another type.
    waits: bool,
    /// The client came back with what it holds, and may not have asked for all its types yet.
    resumed: bool,
    /// State of the world: the nonce of the last response.
    nonce: Option<Arc<str>>,
    /// State of the world: no request has named anything, which stands for everything.
    unnamed: bool,
}

impl Type {
    /// What it wants, and how that is served.
    fn parts(&mut self, variant: Variant, options: &Options) -> (&mut Subscription, Terms<'_>) {
        let Self { subscription, type_url, rule, .. } = self;
        let limit = rule.response_bytes.unwrap_or(options.max_response_bytes);
        (subscription, Terms { type_url, variant, rule, limit })
    }

    /// Whether something is due that the client does not have.
    fn has_updates(&mut self, snapshot: &Snapshot, variant: Variant, options: &Options) -> bool {
        let is_searched = !self.suspects.is_empty();
        let (subscription, terms) = self.parts(variant, options);
        is_searched || subscription.has_updates(snapshot, &terms)
    }

    /// The next response: a part of what was refused, if there is any, else what is due.
    fn draft(&mut self, snapshot: &Snapshot, variant: Variant, options: &Options, removals: bool) -> Option<Draft> {
        while let Some(names) = self.suspects.next() {
            let (subscription, terms) = self.parts(variant, options);
            if let Some(draft) = subscription.draft_again(&names, snapshot, &terms) {
                return Some(draft);
            }
        }
        let (subscription, terms) = self.parts(variant, options);
        subscription.draft(snapshot, &terms, removals)
    }

    /// Whether the next response might have so many bytes.
    fn owes(&mut self, bytes: usize, snapshot: &Snapshot, variant: Variant, options: &Options) -> bool {
        if let Some(names) = self.suspects.peek() {
            let resources = names.iter().filter_map(|name| snapshot.get(&self.type_url, name));
            return resources.map(|resource| resource.field_len(variant)).sum::<usize>() >= bytes;
        }
        let (subscription, terms) = self.parts(variant, options);
        subscription.owes(bytes, snapshot, &terms)
    }

    /// Whether the client holds what may refer to something that is gone: anything older than what it should hold.
    fn may_refer(&mut self, snapshot: &Snapshot, variant: Variant, options: &Options) -> bool {
        let (subscription, terms) = self.parts(variant, options);
        subscription.has_updates(snapshot, &terms)
            // What is itself removed last has been let go by all that refers.
            || (!terms.rule.removed_last && subscription.has_removals(&terms))
    }

    /// Whether the client has yet to answer, and has time for it.
    fn is_awaited(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| !in_flight.late)
    }
}

/// What a stream wants done.
#[derive(Debug)]
pub enum Output {
    /// Send this to the client, after telling the observer the event.
    Response(Response, Event),
    /// Tell the observer.
    Event(Event),
}

impl Stream {
    /// A stream without a subscription yet. `id` goes into its nonces.
    pub fn new(id: StreamId, variant: Variant, options: Arc<Options>, snapshot: Snapshot) -> Self {
        let (types, events) = (Vec::new(), VecDeque::new());
        Self { id, variant, options, snapshot, types, events, responses: 0, held: 0 }
    }

    /// Takes in a request. Its parts are independent of each other: it may answer a response, change the subscription, or
    /// both. In the incremental variant a nonce that is not expected voids neither; in the other it voids the request, since
    /// the client repeats it all with the next answer.
    ///
    /// # Errors
    /// The request breaks the protocol or a limit; the stream has to end.
    pub fn request(&mut self, request: impl Into<Demand>) -> Result<(), Violation> {
        let demand = request.into();
        demand.check(&self.options)?;
        match self.types.iter().position(|known| *known.type_url == *demand.type_url) {
            Some(at) => self.again(at, demand),
            None => self.first(demand)?,
        }
        self.check_memory()
    }

    /// The first request for a type.
    fn first(&mut self, demand: Demand) -> Result<(), Violation> {
        if self.types.len() >= self.options.max_types {
            return Err(Violation::TooManyTypes { limit: self.options.max_types });
        }
        let type_url: Arc<str> = demand.type_url.as_str().into();
        let rank = self.options.types.iter().position(|rule| rule.type_url == type_url);
        let rule = rank.map_or_else(|| TypeRule::of(&type_url), |rank| self.options.types[rank].clone());
        let mut resumed = false;
        let (unnamed, subscription) = match demand.wants {
            Wants::All(names) => {
                let unnamed = names.is_empty();
                (unnamed, Subscription::open(names, &[], &Held::default(), &self.snapshot, &type_url))
            }
            Wants::Change { subscribe, unsubscribe, held } => {
                resumed = !held.is_empty();
                self.held += held.bytes();
                (false, Subscription::open(subscribe, &unsubscribe, &held, &self.snapshot, &type_url))
            }
        };
        let rank = rank.unwrap_or(usize::MAX);
        let at = self.types.partition_point(|other| other.rank <= rank);
        let new = Type {
            type_url,
            rule,
            rank,
            subscription,
            in_flight: None,
            suspects: Suspects::default(),
            synchronized: None,
            ready: true,
            waits: false,
            resumed,
            nonce: None,
            unnamed,
        };
        self.types.insert(at, new);
        // Who waited for this type to be asked for looks again.
        self.go_on();
        Ok(())
    }

    /// A later request for a type.
    fn again(&mut self, at: usize, demand: Demand) {
        let Self { types, snapshot, options, events, .. } = self;
        let state = &mut types[at];
        let Type { type_url, subscription, in_flight, suspects, rule, .. } = state;
        // First the answer: whatever it is about has arrived before the rest was written.
        let answered = in_flight.take_if(|in_flight| *in_flight.nonce == *demand.nonce);
        let was_answer = answered.is_some();
        if let Some(answered) = answered {
            // What is missing in a response that holds everything would be gone.
            let is_divisible = self.variant == Variant::Incremental || !rule.full_state;
            let most = if rule.isolates && is_divisible { options.max_search_responses } else { 0 };
            let answer = Answer { error: demand.error.clone(), max_message: options.max_message_bytes };
            events.push_back(
                answered
                    .answered(type_url.clone(), answer, |names, was_again| suspects.refused(names, was_again, most)),
            );
        }
        let sent = in_flight.as_ref().map(|in_flight| in_flight.resources.clone()).unwrap_or_default();
        match demand.wants {
            Wants::Change { subscribe, unsubscribe, .. } => {
                subscription.change(subscribe, &unsubscribe, &sent, snapshot, type_url);
            }
            Wants::All(names) => {
                let wildcard = names.iter().any(|name| name == WILDCARD);
                let unnamed = state.unnamed && names.is_empty();
                if demand.nonce.is_empty() {
                    // The client has forgotten what it had of this type, and begins anew on the same stream.
                    state.unnamed = unnamed;
                    if let Some(InFlight { nonce, .. }) = in_flight.take() {
                        events.push_back(Event::Abandoned { type_url: type_url.clone(), nonce });
                    }
                    *subscription = if wildcard || unnamed || !names.is_empty() {
                        Subscription::open(names, &[], &Held::default(), snapshot, type_url)
                    } else {
                        Subscription::default()
                    };
                } else if state.nonce.as_deref() == Some(demand.nonce.as_str()) {
                    state.unnamed = unnamed;
                    // Who repeats what it has answered waits for what it names.
                    if !was_answer && demand.error.is_none() && state.rule.resend_after.is_some() {
                        subscription.again_if_same(&names);
                    }
                    subscription.replace(names, wildcard || unnamed, &sent, snapshot, type_url);
                }
            }
        }
        state.ready = true;
        if was_answer {
            self.go_on();
        }
    }

    /// Takes in a newer snapshot. What the last one would have brought is forgotten if it was not sent yet.
    pub fn snapshot(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
        self.types.iter_mut().for_each(|state| state.ready = true);
    }

    /// Whether [`output`](Self::output) might have something. False means that it has nothing.
    pub fn is_ready(&self) -> bool {
        !self.events.is_empty() || self.types.iter().any(|state| state.ready)
    }

    /// The next event that does not wait for a response to be sent. [`output`](Self::output) has it, too.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the next response might be a bulk response: see [`Options::bulk_bytes`].
    pub fn is_bulk(&mut self) -> bool {
        let Self { types, snapshot, options, variant, .. } = self;
        types
            .iter_mut()
            .filter(|state| state.ready && state.in_flight.is_none())
            .any(|state| state.owes(options.bulk_bytes, snapshot, *variant, options))
    }

    /// Whether a bulk response is unanswered.
    pub fn is_bulk_in_flight(&self) -> bool {
        let mut in_flight = self.types.iter().filter_map(|state| state.in_flight.as_ref());
        in_flight.any(|in_flight| in_flight.bytes >= self.options.bulk_bytes)
    }

    /// The next thing to do. A response is only made here, from the latest snapshot, so ask when it can be sent.
    pub fn output(&mut self) -> Option<Output> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Output::Event(event));
            }
            let at = self.types.iter().position(|state| state.ready)?;
            let held_back = self.types[at].in_flight.is_none() && self.is_held_back(at);
            let removals = self.may_remove(at);
            let state = &mut self.types[at];
            (state.ready, state.waits) = (false, held_back);
            if held_back || state.in_flight.is_some() {
                continue;
            }
            let draft = state.draft(&self.snapshot, self.variant, &self.options, removals);
            if let Some(draft) = draft {
                return Some(self.send(at, draft));
            }
            state.waits = !state.subscription.is_settled();
            let revision = self.snapshot.revision();
            if !state.waits && state.synchronized != Some(revision) {
                state.synchronized = Some(revision);
                return Some(Output::Event(Event::Synchronized { type_url: state.type_url.clone(), revision }));
            }
        }
    }

    fn send(&mut self, at: usize, draft: Draft) -> Output {
        self.send_dependents_again(at, &draft);
        self.send_members_again(at, &draft);
        self.responses += 1;
        let nonce = nonce(self.id, self.responses);
        let state = &mut self.types[at];
        let revision = self.snapshot.revision();
        let in_flight = InFlight::new(nonce.clone(), revision, &draft);
        let Draft { part, version, .. } = draft;
        let response = Response {
            type_url: state.type_url.clone(),
            nonce: nonce.clone(),
            variant: self.variant,
            version: match self.variant {
                Variant::Incremental => Version::Revision(revision),
                Variant::StateOfTheWorld => Version::Content(version),
            },
            body: part.body,
            removed: in_flight.removed.clone(),
        };
        let event = in_flight.sent(state.type_url.clone());
        state.in_flight = Some(in_flight);
        state.synchronized = None;
        state.nonce = Some(nonce);
        Output::Response(response, event)
    }

    fn check_memory(&self) -> Result<(), Violation> {
        let Options { max_subscriptions, max_subscription_bytes, .. } = *self.options;
        if self.types.iter().map(|state| state.subscription.len()).sum::<usize>() > max_subscriptions {
            return Err(Violation::TooManySubscriptions { limit: max_subscriptions });
        }
        let bytes = self.held + self.types.iter().map(|state| state.subscription.bytes()).sum::<usize>();
        if bytes > max_subscription_bytes {
            return Err(Violation::TooManyBytes { limit: max_subscription_bytes });
        }
        Ok(())
    }
}
