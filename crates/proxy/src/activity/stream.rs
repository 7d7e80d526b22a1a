//! What moves on one stream of an HTTP/2 connection.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use http::Response;
use tokio::time::Instant;

use super::ending::First;

/// How far a request has come that shares its connection.
#[derive(Debug, Default)]
pub(crate) struct StreamActivity {
    moves: Cell<u32>,
    end: Cell<Option<Instant>>,
    /// Until when the listener allows the body, and the answer.
    allowed: [Cell<Option<Instant>>; 2],
    cause: First,
    /// Interim answers that are to be sent, and whoever does it.
    interim: RefCell<Vec<Response<()>>>,
    sender: RefCell<Option<Waker>>,
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

    /// Whether the request takes longer than it may at `now`.
    pub(crate) fn is_too_long(&self, now: Instant) -> bool {
        self.allowed.iter().any(|allowed| allowed.get().is_some_and(|end| end <= now))
    }

    /// The body must have come by `body`, and the answer have ended by `answer`.
    #[cold]
    pub(crate) fn allow(&self, body: Option<Instant>, answer: Option<Instant>) {
        let [of_body, of_answer] = &self.allowed;
        of_body.set(body);
        of_answer.set(answer);
    }

    /// The body has come.
    pub(crate) fn body_has_come(&self) {
        self.allowed[0].set(None);
    }

    /// Why the request ends before its end.
    pub(crate) const fn cause(&self) -> &First {
        &self.cause
    }

    /// An interim answer is to be sent, unless the answer has begun.
    pub(crate) fn push_interim(&self, response: Response<()>) {
        self.interim.borrow_mut().push(response);
        if let Some(sender) = self.sender.borrow_mut().take() {
            sender.wake();
        }
    }

    /// The interim answers that are to be sent.
    pub(crate) fn take_interim(&self) -> Vec<Response<()>> {
        self.interim.take()
    }

    /// Wakes `sender` when there is an interim answer to send.
    pub(crate) fn send_by(&self, sender: &Waker) {
        let mut current = self.sender.borrow_mut();
        if !current.as_ref().is_some_and(|current| current.will_wake(sender)) {
            *current = Some(sender.clone());
        }
    }

    /// When the answer must have ended.
    pub(crate) fn end_by(&self, end: Option<Instant>) {
        self.end.set(end);
    }
}
