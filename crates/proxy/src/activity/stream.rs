//! What moves on one stream of an HTTP/2 connection.

use std::cell::Cell;

use tokio::time::Instant;

use super::ending::First;

/// How far a request has come that shares its connection.
#[derive(Debug, Default)]
pub(crate) struct StreamActivity {
    moves: Cell<u32>,
    end: Cell<Option<Instant>>,
    cause: First,
}

impl StreamActivity {
    /// Something has moved, in either direction.
    pub(crate) fn moved(&self) {
        self.moves.set(self.moves.get().wrapping_add(1));
    }

    /// How often something has moved, modulo 2^32.
    pub(crate) fn moves(&self) -> u32 {
        self.moves.get()
    }

    /// Whether the answer should have ended at `now`.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        self.end.get().is_some_and(|end| end <= now)
    }

    /// Why the request ends before its end.
    pub(crate) const fn cause(&self) -> &First {
        &self.cause
    }

    /// When the answer must have ended.
    pub(crate) fn end_by(&self, end: Option<Instant>) {
        self.end.set(end);
    }
}
