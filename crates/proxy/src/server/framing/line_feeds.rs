//! Finds line ends, many bytes at once: heads have many bytes and few lines.

use wide::u8x16;

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 32;

/// The positions of line feeds, in order.
#[derive(Debug)]
pub(super) struct LineFeeds<'b> {
    bytes: &'b [u8],
    /// Where the block starts among the bytes that are being looked at.
    start: usize,
    /// Which bytes of the block are line feeds that have not been told yet.
    found: u32,
}

impl<'b> LineFeeds<'b> {
    /// Those of `bytes` from `start` on.
    #[inline]
    pub(super) fn of(bytes: &'b [u8], start: usize) -> Self {
        Self { bytes, start, found: found(bytes, start) }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            self.start += BLOCK;
            if self.start >= self.bytes.len() {
                return None;
            }
            self.found = found(self.bytes, self.start);
        }
        let next = self.start + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(next)
    }
}

/// Which bytes from `start` on are line feeds, the first of them in the lowest bit.
#[inline]
fn found(bytes: &[u8], start: usize) -> u32 {
    let rest = bytes.get(start..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return in_block(block);
    }
    match bytes.last_chunk() {
        // Together with what comes before: the bits of that fall out.
        Some(block) => in_block(block).checked_shr((BLOCK - rest.len()) as u32).unwrap_or(0),
        None => (0..).zip(rest).fold(0, |found, (at, byte)| found | u32::from(*byte == b'\n') << at),
    }
}

/// Which bytes of `block` are line feeds.
#[inline]
pub(super) fn in_block(block: &[u8; BLOCK]) -> u32 {
    let ([low, high], []) = block.as_chunks() else { return 0 };
    let line_feed = u8x16::splat(b'\n');
    let mask = |half: &[u8; 16]| u8x16::new(*half).cmp_eq(line_feed).move_mask().cast_unsigned();
    mask(low) | mask(high) << 16
}

#[cfg(test)]
mod tests;
