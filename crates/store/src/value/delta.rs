//! What differs from a base, and finding it. Pure.
//!
//! A delta is how long the whole is, how long its steps are, the steps in order, and patches. A step says how many bytes it has that are
//! next in the whole, how many of the base's come after them, and where these begin; its own bytes follow. A patch is a place in
//! what that gives, and what is there instead: of times, which all objects have and which are equally long, mostly a few digits
//! differ, and the text around them is copied in one go.
//!
//! All in numbers of a fixed size, which are read faster than short ones.

use std::ops::Range;

/// The least that is copied of a base. What is shorter would save little, and make readers take more steps.
const LEAST: usize = 16;

/// What is replaced by as many bytes, no more than these, becomes patches.
const GAP: usize = 16;

/// Bytes of a patch.
const PATCH: usize = 4;

/// A base is searched by what this many bytes begin with.
const WINDOW: usize = 8;

/// Where nothing is found, the search takes longer and longer strides: one more for each of so many bytes.
const STRIDE: usize = 16;

/// The longest base: places in it are kept in two bytes each.
pub(super) const LONGEST: usize = 1 << 15;

/// What differs from a base.
#[derive(Clone)]
pub(super) struct Delta(Box<[u8]>);

/// Where in a base something is.
pub(super) struct Index {
    /// By hash: one past the place where a window begins, 0 for none.
    places: Box<[u16]>,
}

impl Index {
    /// Of a base no longer than [`LONGEST`].
    pub(super) fn new(base: &[u8]) -> Self {
        let size = (base.len() * 2).next_power_of_two();
        let mut places = vec![0; size].into_boxed_slice();
        let mut place = 0;
        while let Some(window) = tail(base, place.into()).first_chunk() {
            place += 1;
            // The first place stays: of what repeats, more follows there.
            if let Some(kept @ 0) = places.get_mut(slot(window, size)) {
                *kept = place;
            }
        }
        Self { places }
    }

    /// Where what begins with a window may be.
    fn find(&self, window: &[u8; WINDOW]) -> Option<usize> {
        let place = *self.places.get(slot(window, self.places.len()))?;
        usize::from(place).checked_sub(1)
    }
}

/// Where a hash table of that size, a power of two, has what begins with a window.
fn slot(window: &[u8; WINDOW], size: usize) -> usize {
    let hash = u64::from_le_bytes(*window).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 32) as usize & (size - 1)
}

impl Delta {
    /// What differs from a base, unless it takes more than `most` bytes to say. Neither is longer than [`LONGEST`].
    pub(super) fn new(base: &[u8], index: &Index, whole: &[u8], most: usize) -> Option<Self> {
        let mut writing = Writing { steps: Vec::with_capacity(128), patches: Vec::with_capacity(64) };
        // What is before `told` is in the steps and `last`, which is behind what is before `ended` in the base.
        let (mut told, mut ended, mut at) = (0, 0, 0);
        let mut last = Step { new: &[], place: 0, len: 0 };
        while let Some(window) = tail(whole, at).first_chunk() {
            let is_there = |place: &usize| tail(base, *place).first_chunk() == Some(window);
            // Mostly something is replaced by as many bytes, and the rest goes on as in the base.
            let along = ended + (at - told);
            let place = Some(along).filter(is_there).or_else(|| index.find(window).filter(is_there));
            let Some(Same { place, start, len }) = place.and_then(|place| Same::new(base, place, whole, at, told))
            else {
                at += 1 + (at - told) / STRIDE;
                if writing.size() + (at - told) > most {
                    return None;
                }
                continue;
            };
            let gap = start - told;
            if last.len > 0 && gap <= GAP && place == ended + gap {
                writing.patch(whole, told..start);
                last.len += gap + len;
            } else {
                writing.step(&last);
                last = Step { new: whole.get(told..start)?, place, len };
            }
            (told, ended, at) = (start + len, place + len, start + len);
        }
        writing.step(&last);
        writing.step(&Step { new: tail(whole, told), place: 0, len: 0 });
        (writing.size() <= most).then(|| writing.finish(whole.len()))
    }

    /// How long the whole is.
    pub(super) fn len(&self) -> usize {
        self.0.first_chunk().map_or(0, |len| long(*len))
    }

    /// How much memory it takes.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }

    /// Adds the whole to what there is.
    pub(super) fn apply(&self, base: &[u8], out: &mut Vec<u8>) {
        let Some((&[len, more, size, larger], rest)) = self.0.split_first_chunk() else { return };
        let Some((mut steps, patches)) = rest.split_at_checked(long([size, larger])) else { return };
        let start = out.len();
        out.reserve(long([len, more]));
        while let Some((&[new, len, more, place, further], rest)) = steps.split_first_chunk() {
            let Some((new, rest)) = rest.split_at_checked(new.into()) else { return };
            out.extend_from_slice(new);
            let place = long([place, further]);
            out.extend_from_slice(base.get(place..place + long([len, more])).unwrap_or_default());
            steps = rest;
        }
        let whole = out.get_mut(start..).unwrap_or_default();
        for [place, further, patch @ ..] in patches.as_chunks::<{ 2 + PATCH }>().0 {
            if let Some(there) = whole.get_mut(long([*place, *further])..).and_then(<[u8]>::first_chunk_mut) {
                *there = *patch;
            }
        }
    }
}

/// Bytes of the whole, and after them some of the base's.
struct Step<'a> {
    new: &'a [u8],
    place: usize,
    len: usize,
}

/// A delta that is being made.
struct Writing {
    steps: Vec<u8>,
    patches: Vec<u8>,
}

impl Writing {
    fn size(&self) -> usize {
        2 + 2 + self.steps.len() + self.patches.len()
    }

    fn step(&mut self, Step { new, place, len }: &Step<'_>) {
        if new.is_empty() && *len == 0 {
            return;
        }
        let (full, last) = new.as_chunks::<{ u8::MAX as usize }>();
        for part in full {
            self.steps.extend_from_slice(&[u8::MAX, 0, 0, 0, 0]);
            self.steps.extend_from_slice(part);
        }
        let ([len, more], [place, further]) = (short(*len), short(*place));
        self.steps.extend_from_slice(&[last.len() as u8, len, more, place, further]);
        self.steps.extend_from_slice(last);
    }

    /// What is told by steps is otherwise in this range, before which there are enough bytes for a patch.
    fn patch(&mut self, whole: &[u8], range: Range<usize>) {
        let end = range.end;
        for place in range.step_by(PATCH) {
            // One that would go beyond the range begins earlier: further on nothing is told yet.
            let place = place.min(end - PATCH);
            self.patches.extend_from_slice(&short(place));
            self.patches.extend_from_slice(whole.get(place..place + PATCH).unwrap_or_default());
        }
    }

    fn finish(self, len: usize) -> Delta {
        let Self { steps, patches } = self;
        Delta([&short(len), &short(steps.len()), &*steps, &*patches].concat().into())
    }
}

/// Something that a base has as well.
struct Same {
    /// Where in the base.
    place: usize,
    /// Where in the whole.
    start: usize,
    len: usize,
}

impl Same {
    /// What is alike around two places, from `told` on. `None` where that is too little.
    fn new(base: &[u8], place: usize, whole: &[u8], at: usize, told: usize) -> Option<Self> {
        let ahead = common_prefix(tail(base, place), tail(whole, at));
        let behind = common_suffix(base.get(..place)?, whole.get(told..at)?);
        let len = ahead + behind;
        (len >= LEAST).then(|| Self { place: place - behind, start: at - behind, len })
    }
}

/// How much two texts have in common at their beginnings. Mostly it is much, so much is compared at once.
fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    let words = one.as_chunks::<16>().0.iter().zip(other.as_chunks::<16>().0);
    let equal = words.take_while(|(one, other)| u128::from_ne_bytes(**one) == u128::from_ne_bytes(**other));
    let same = 16 * equal.count();
    let rest = tail(one, same).iter().zip(tail(other, same));
    same + rest.take_while(|(one, other)| one == other).count()
}

/// And at their ends.
fn common_suffix(one: &[u8], other: &[u8]) -> usize {
    one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

fn tail(text: &[u8], at: usize) -> &[u8] {
    text.get(at..).unwrap_or_default()
}

/// A number, none of which is larger than [`LONGEST`], as it is in a delta.
fn short(number: usize) -> [u8; 2] {
    (number as u16).to_le_bytes()
}

fn long(number: [u8; 2]) -> usize {
    u16::from_le_bytes(number).into()
}

#[cfg(test)]
mod tests;
