//! Interim answers on their way to a client of HTTP/1.1, which hyper does not write.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, ready};

/// Interim answers, as they are sent, that are to go out before anything else does. Only one thread uses it, but the connection's
/// stream, which does, must be `Send`.
#[derive(Debug, Default)]
pub(crate) struct InterimQueue {
    waiting: AtomicBool,
    bytes: Mutex<Vec<u8>>,
}

impl InterimQueue {
    /// Whether there are any.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    /// Enters what `encode` writes.
    pub(super) fn push(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        self.waiting.store(true, Relaxed);
    }

    /// Writes what there is by `write`; ready when nothing is left.
    #[cold]
    pub(crate) fn poll(&self, mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>) -> Poll<io::Result<()>> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        while !bytes.is_empty() {
            let written = ready!(write(&bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes.drain(..written);
        }
        *bytes = Vec::new();
        self.waiting.store(false, Relaxed);
        Poll::Ready(Ok(()))
    }
}
