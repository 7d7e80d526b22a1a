//! How far a request's body has come.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::server::{Exchange, Pulse, Reading};

/// How far a request's body has come, for those who do not read it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(super) bytes: Cell<u64>,
    /// The client failed to send the rest.
    pub(super) failed: Cell<bool>,
    /// When all was sent, where that is asked for.
    pub(super) ended: Cell<Option<Instant>>,
    /// Whether it is.
    pub(super) timed: Cell<bool>,
    /// Of the request, where it shares its connection.
    pulse: Option<Rc<Pulse>>,
    /// For as long as anyone looks.
    _reading: Option<Reading>,
    stage: Cell<Stage>,
    reader: RefCell<Option<Waker>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Reading,
    /// All was read.
    Finished,
    /// Nobody needs the rest.
    Abandoned,
}

impl Progress {
    pub(super) fn new(exchange: &Exchange) -> Rc<Self> {
        let reading = Some(Reading::begin(&exchange.local));
        Rc::new(Self { pulse: exchange.pulse.clone(), _reading: reading, ..Self::default() })
    }

    /// A part was read.
    pub(super) fn advance(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        if let Some(pulse) = &self.pulse {
            pulse.beat();
        }
    }

    /// All was read.
    pub(super) fn finish(&self) {
        self.stage.set(Stage::Finished);
        if self.timed.get() {
            self.ended.set(Some(Instant::now()));
        }
    }

    /// Whether there is more to read.
    pub(crate) fn is_under_way(&self) -> bool {
        self.stage.get() == Stage::Reading
    }

    /// Whoever reads the rest gets no more of it.
    pub(crate) fn abandon(&self) {
        if self.is_under_way() {
            self.stage.set(Stage::Abandoned);
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
    }

    /// Whether nobody needs the rest.
    pub(super) fn is_abandoned(&self) -> bool {
        self.stage.get() == Stage::Abandoned
    }

    /// The reader waits for the client; it is woken when there is no more need to.
    pub(super) fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        let mut reader = self.reader.borrow_mut();
        match &mut *reader {
            Some(reader) => reader.clone_from(cx.waker()),
            None => *reader = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}
