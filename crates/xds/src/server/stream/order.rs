//! Which type may speak before which others are answered.

use std::sync::Arc;

use super::{Draft, Event, Stream, Type};

/// Stands for types that a client which came back has not asked for yet. No nonce is like it.
const RESUMED: &str = "resumed";

impl Stream {
    /// Whether a type must not be updated yet, because one that it may refer to is not in place.
    pub(super) fn is_held_back(&mut self, at: usize) -> bool {
        let Self { types, snapshot, options, variant, .. } = self;
        let (earlier, rest) = types.split_at_mut(at);
        let Some(state) = rest.first().filter(|state| state.rank != usize::MAX) else { return false };
        earlier.iter_mut().any(|other| {
            let gates = other.rule.gates && state.rule.resend_after.as_ref() != Some(&other.type_url);
            gates && Self::is_outdated(other, |other| other.has_updates(snapshot, *variant, options))
        })
    }

    /// Whether what is gone of a type may be taken from the client, because nothing it holds refers to it any more.
    pub(super) fn may_remove(&mut self, at: usize) -> bool {
        if self.types[at].rule.removed_last && self.types[at].resumed && !self.knows_all_after(at) {
            return false;
        }
        let Self { types, snapshot, options, variant, .. } = self;
        let Some((state, later)) = types.get_mut(at..).and_then(<[Type]>::split_first_mut) else { return true };
        let mut later = later.iter_mut().filter(|other| other.rank != usize::MAX);
        !state.rule.removed_last
            || !later.any(|other| Self::is_outdated(other, |other| other.may_refer(snapshot, *variant, options)))
    }

    /// Whether the client has asked for every type that may refer to this one. Who comes back holds them all, and asks for one after
    /// another; what belongs to resources of another type only where there is any.
    fn knows_all_after(&self, at: usize) -> bool {
        let after = self.types[at].rank.saturating_add(1);
        let mut referring =
            self.options.types.iter().skip(after).filter(|rule| {
                !rule.removed_last && (rule.members_of.is_none() || self.snapshot.len(&rule.type_url) > 0)
            });
        referring.all(|rule| self.types[at..].iter().any(|state| state.type_url == rule.type_url))
    }

    /// Whether the client does not have all of a type yet. One whose answer is late is not waited for.
    fn is_outdated(state: &mut Type, has_updates: impl FnOnce(&mut Type) -> bool) -> bool {
        match &state.in_flight {
            Some(in_flight) => !in_flight.late,
            None => has_updates(state),
        }
    }

    /// Resources that belong to what is sent now are sent once more: the client waits for them.
    pub(super) fn send_dependents_again(&mut self, at: usize, draft: &Draft) {
        let Self { types, snapshot, .. } = self;
        let type_url = types[at].type_url.clone();
        for other in types.iter_mut().filter(|other| other.rule.resend_after.as_ref() == Some(&type_url)) {
            let mut again = |name: &Arc<str>| {
                if let Some(resource) = snapshot.get(&type_url, name) {
                    other.subscription.again(resource.dependent(), snapshot, &other.type_url);
                }
            };
            match &draft.news {
                Some(news) => news.iter().for_each(&mut again),
                None => draft.part.resources.iter().for_each(|(name, _)| again(name)),
            }
            other.ready = true;
        }
    }

    /// What belongs to the resources that are sent now is sent after them.
    pub(super) fn send_members_again(&mut self, at: usize, draft: &Draft) {
        let Self { types, snapshot, .. } = self;
        let type_url = types[at].type_url.clone();
        for other in types.iter_mut().filter(|other| other.rule.members_of.as_ref() == Some(&type_url)) {
            for (name, _) in draft.part.resources.iter() {
                for member in snapshot.members(&other.type_url, name) {
                    other.subscription.again(member, snapshot, &other.type_url);
                }
            }
            (other.synchronized, other.ready) = (None, true);
        }
    }

    /// What is waited for, if anything is: the nonce of an unanswered response, or that a
    /// client which came back asks for the rest of its types.
    pub fn waits(&self) -> Option<Arc<str>> {
        if !self.types.iter().any(|state| state.waits) {
            return None;
        }
        let awaited = self.types.iter().filter(|state| state.is_awaited()).find_map(|state| state.in_flight.as_ref());
        let resumed = || self.types.iter().any(|state| state.waits && state.resumed).then(|| RESUMED.into());
        awaited.map(|in_flight| in_flight.nonce.clone()).or_else(resumed)
    }

    /// The answer to a response has taken too long: others wait no more for it.
    pub fn late(&mut self, nonce: &str) {
        if nonce == RESUMED {
            self.types.iter_mut().for_each(|state| state.resumed = false);
        }
        for state in &mut self.types {
            let Some(in_flight) = state.in_flight.as_mut().filter(|in_flight| *in_flight.nonce == *nonce) else {
                continue;
            };
            in_flight.late = true;
            let (type_url, nonce) = (state.type_url.clone(), in_flight.nonce.clone());
            self.events.push_back(Event::Late { type_url, nonce });
        }
        self.go_on();
    }

    /// Something was answered, or is not waited for: who waited looks again.
    pub(super) fn go_on(&mut self) {
        for state in self.types.iter_mut().filter(|state| state.waits) {
            (state.ready, state.waits) = (true, false);
        }
    }
}
