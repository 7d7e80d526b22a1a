//! Heads of which nothing matters for the framing, told from others at a glance.

use super::field::Field;
use super::line_feeds::{BLOCK, in_block};

/// A block, with the byte before it and the one after it.
type Window = [u8; BLOCK + 2];

/// What a line begins with that may matter: the fields that say where a body ends, and the end of the head.
static MATTERS: [bool; 256] = {
    let mut matters = [false; 256];
    let bytes = b"\r\ncCtT";
    let mut at = 0;
    while at < bytes.len() {
        matters[bytes[at] as usize] = true;
        at += 1;
    }
    matters
};

/// Whether `bytes` are the head of one request, in lines that end in CRLF, without a field that says where its body ends, and
/// nothing else. Says so of few that are very short or very odd, and of none that are not.
#[inline]
pub(super) fn is_head_alone(bytes: &[u8]) -> bool {
    let Some((before, b"\n\r\n")) = bytes.split_last_chunk() else { return false };
    // With it the last line goes on to the first byte of its end: all other lines end and begin within.
    let (Some(last), [first, ..], [.., b'\r']) = (before.last_chunk(), before, before) else { return false };
    if matches!(first, b'\r' | b'\n') {
        return false;
    }
    let mut start = 0;
    while let Some(window) = before.get(start..).and_then(<[u8]>::first_chunk) {
        if !is_plain(window, 0, before, start) {
            return false;
        }
        start += BLOCK;
    }
    let again = start + last.len() - before.len();
    is_plain(last, again, before, before.len() - last.len())
}

/// Whether each line that ends in the block of `window`, but for its first `known` bytes, does so in CRLF, and the next one does
/// not matter. The window is in `bytes` at `start`.
#[inline]
fn is_plain(window: &Window, known: usize, bytes: &[u8], start: usize) -> bool {
    let [_, block @ .., _] = window;
    let mut ends = in_block(block).checked_shr(known as u32).unwrap_or(0).wrapping_shl(known as u32);
    while ends != 0 {
        let end = ends.trailing_zeros() as usize % BLOCK;
        if window[end] != b'\r' || MATTERS[usize::from(window[end + 2])] && matters(bytes, start + end + 2) {
            return false;
        }
        ends &= ends - 1;
    }
    true
}

/// Whether the line at `start`, which begins with a byte that may matter, does.
#[cold]
fn matters(bytes: &[u8], start: usize) -> bool {
    let line = bytes.get(start..).unwrap_or_default();
    matches!(line, [] | [b'\r' | b'\n', ..]) || Field::may_be(line)
}
