//! How far a request's body has come.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::activity::{Activity, Reading, StreamActivity};

/// How far a request's body has come, for those who do not read it.
#[derive(Debug, Default)]
pub(crate) struct BodyProgress {
    pub(crate) bytes: Cell<u64>,
    /// The client failed to send the rest.
    pub(crate) failed: Cell<bool>,
    /// When all of the body was sent; set only where `timed` is.
    pub(crate) ended: Cell<Option<Instant>>,
    /// Whether anybody asks when all of the body was sent.
    pub(crate) timed: Cell<bool>,
    /// Movement of the request's stream, where the request shares its connection (HTTP/2).
    stream: Option<Rc<StreamActivity>>,
    /// Counts the body as being read, for as long as anyone looks at its progress.
    reading: Option<Reading>,
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

impl BodyProgress {
    /// Of a body that is read from now on, on the connection of `activity`, and there on `stream` if the request shares it.
    pub(crate) fn new(activity: &Arc<Activity>, stream: Option<&Rc<StreamActivity>>) -> Rc<Self> {
        let reading = Some(Reading::begin(activity));
        Rc::new(Self { stream: stream.map(Rc::clone), reading, ..Self::default() })
    }

    /// A part was read.
    pub(crate) fn advance(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        if let Some(stream) = &self.stream {
            stream.moved();
        }
    }

    /// All was read.
    pub(crate) fn finish(&self) {
        self.stage.set(Stage::Finished);
        match (&self.stream, &self.reading) {
            (Some(stream), _) => stream.body_has_come(),
            (None, Some(reading)) => reading.has_come(),
            (None, None) => {}
        }
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
    pub(crate) fn is_abandoned(&self) -> bool {
        self.stage.get() == Stage::Abandoned
    }

    /// The reader waits for the client; it is woken when there is no more need to.
    pub(crate) fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        let mut reader = self.reader.borrow_mut();
        match &mut *reader {
            Some(reader) => reader.clone_from(cx.waker()),
            None => *reader = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}
