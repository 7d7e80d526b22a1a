//! A part of the table of clients.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::Rate;
use crate::bucket::Tokens;

/// How many buckets are looked at for one that can go.
const LOOKS: usize = 8;

/// The bucket of one client.
#[derive(Debug)]
struct Entry {
    key: u128,
    tokens: Tokens,
    /// When it was asked for last.
    asked: u64,
    /// How long after that it is as good as a new one, in nanoseconds.
    fills: u64,
}

impl Entry {
    /// A full bucket that is asked for at `now`.
    fn new(key: u128, rate: Rate, now: u64) -> Self {
        Self { key, tokens: Tokens::full(rate, now), asked: now, fills: rate.time_to_fill() }
    }

    /// Whether it makes no difference if it goes.
    fn is_as_new(&self, now: u64) -> bool {
        now.saturating_sub(self.asked) >= self.fills
    }
}

/// Buckets, at most as many as there are places.
#[derive(Debug)]
pub(super) struct Shard {
    places: HashMap<u128, usize, BuildHasherDefault<Folded>>,
    entries: Vec<Entry>,
    most: usize,
    /// Where one that can go is looked for next.
    hand: usize,
}

/// What came of a request.
pub(super) struct Taken {
    pub(super) token: bool,
    /// There is one bucket more.
    pub(super) added: bool,
    /// A bucket had to go that was not as good as new.
    pub(super) forgotten: bool,
}

impl Shard {
    /// A part with `most` places, at least one.
    pub(super) fn new(most: usize) -> Self {
        Self { places: HashMap::default(), entries: Vec::new(), most, hand: 0 }
    }

    /// Takes a token from the bucket of `key`.
    pub(super) fn take(&mut self, key: u128, rate: Rate, now: u64) -> Taken {
        let known = self.places.get(&key).and_then(|place| self.entries.get_mut(*place));
        if let Some(entry) = known {
            entry.asked = now;
            return Taken { token: entry.tokens.take(rate, now), added: false, forgotten: false };
        }
        let mut entry = Entry::new(key, rate, now);
        let token = entry.tokens.take(rate, now);
        if self.entries.len() < self.most {
            self.places.insert(key, self.entries.len());
            self.entries.push(entry);
            return Taken { token, added: true, forgotten: false };
        }
        let place = self.find_place(now);
        let Some(gone) = self.entries.get_mut(place) else { return Taken { token, added: false, forgotten: false } };
        let gone = std::mem::replace(gone, entry);
        self.places.remove(&gone.key);
        self.places.insert(key, place);
        Taken { token, added: false, forgotten: !gone.is_as_new(now) }
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A place whose bucket can go: the next that is as good as new, or of those that are looked at the one that was asked for
    /// longest ago.
    fn find_place(&mut self, now: u64) -> usize {
        let all = self.entries.len().max(1);
        let mut oldest = (u64::MAX, self.hand % all);
        for look in 0..LOOKS.min(all) {
            let place = (self.hand + look) % all;
            let Some(entry) = self.entries.get(place) else { continue };
            if entry.is_as_new(now) {
                self.hand = place + 1;
                return place;
            }
            oldest = oldest.min((entry.asked, place));
        }
        self.hand = (self.hand + LOOKS) % all;
        oldest.1
    }
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}
