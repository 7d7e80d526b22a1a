//! Places from byte offsets.

use crate::place::Place;

/// How many bytes lie between two counts. A place is found by counting at most that many.
const STRIDE: usize = 512;

/// The places of a text: a file may be one long line, so columns are counted from marks and not from the line's beginning.
pub(super) struct Spots<'t> {
    text: &'t str,
    /// The place at every [`STRIDE`]th byte, or at the first character after it.
    marks: Vec<(usize, Place)>,
}

impl<'t> Spots<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut marks = vec![(0, Place::START)];
        let mut place = Place::START;
        for (offset, letter) in text.char_indices() {
            if offset >= marks.len() * STRIDE {
                marks.push((offset, place));
            }
            advance(&mut place, letter);
        }
        Self { text, marks }
    }

    /// The place of the character at or after `offset`.
    pub(super) fn at(&self, offset: usize) -> Place {
        let mark = self.marks.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let Some((start, mut place)) = self.marks.get(mark).copied() else { return Place::START };
        let rest = self.text.get(start..).unwrap_or_default();
        for (position, letter) in rest.char_indices() {
            if start + position >= offset {
                break;
            }
            advance(&mut place, letter);
        }
        place
    }
}

fn advance(place: &mut Place, letter: char) {
    if letter == '\n' {
        *place = Place { line: place.line.saturating_add(1), column: 1 };
    } else {
        place.column = place.column.saturating_add(1);
    }
}
