//! A running watch.

use std::sync::Arc;
use std::time::Duration;

use backstay_store::{Change, Entry, Event, Watch, WatchError};
use futures::Stream;
use futures::stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::metering::Watching;
use crate::selector::Selection;
use crate::status::Failure;
use crate::view::{Bookmark, Renderer};

/// About how many bytes of events are made at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// What an event says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// It has come to be, or is selected now.
    Added,
    /// It has changed.
    Modified,
    /// It has gone, or is not selected any more.
    Deleted,
}

/// How events are told, many at a time.
pub(crate) trait Teller: Send + 'static {
    /// Events that are told together.
    type Batch: Default + Send;

    /// Whether there is nothing in it.
    fn is_empty(batch: &Self::Batch) -> bool;

    /// Whether it is as large as it should become.
    fn is_full(batch: &Self::Batch) -> bool;

    /// Adds an object: `revision` is that of the event, from which clients go on, and not that of the state that is told.
    fn object(&self, happened: Happened, entry: &Arc<Entry>, revision: u64, batch: &mut Self::Batch);

    /// Adds how far the watch has come.
    fn bookmark(&self, revision: u64, bookmark: Bookmark, batch: &mut Self::Batch);

    /// Adds why the watch ends.
    fn failure(&self, failure: Failure, batch: &mut Self::Batch);
}

/// What a watch begins with.
pub(super) struct Start<T> {
    pub(super) watch: Box<dyn Watch>,
    /// All events up to this revision are known to the client.
    pub(super) after: u64,
    /// Told first, as if just created.
    pub(super) initial: Vec<Arc<Entry>>,
    /// Whether a bookmark says where what is told first ends.
    pub(super) marks_initial: bool,
    pub(super) selection: Selection,
    pub(super) teller: T,
    /// How often to send bookmarks, if at all.
    pub(super) bookmarks: Option<Duration>,
    pub(super) deadline: Instant,
    pub(super) shutdown: watch::Receiver<bool>,
    /// Lets another watch in when this one ends.
    pub(super) _watching: Watching,
}

/// A running watch.
pub(crate) struct Follow<T> {
    start: Start<T>,
    initial: std::vec::IntoIter<Arc<Entry>>,
    /// Events that are known and not told.
    events: std::vec::IntoIter<Event>,
    revision: u64,
    next_bookmark: Instant,
    ended: bool,
}

enum Wake {
    Events(Result<Vec<Event>, WatchError>),
    Bookmark,
    End,
}

impl<T: Teller> Follow<T> {
    pub(super) fn new(mut start: Start<T>) -> Self {
        let initial = std::mem::take(&mut start.initial).into_iter();
        let next_bookmark =
            Instant::now() + start.bookmarks.unwrap_or(Duration::MAX / 4).min(Duration::from_secs(86_400));
        let revision = start.after;
        Self { start, initial, events: Vec::new().into_iter(), revision, next_bookmark, ended: false }
    }

    /// What happens, as it does: batches that are not empty.
    pub(crate) fn into_batches(self) -> impl Stream<Item = T::Batch> + Send {
        stream::unfold(self, |mut follow| async move {
            let batch = follow.next_batch().await?;
            Some((batch, follow))
        })
    }

    /// The next events; `None` when the watch has ended.
    async fn next_batch(&mut self) -> Option<T::Batch> {
        if self.ended {
            return None;
        }
        let mut out = T::Batch::default();
        self.tell_initial(&mut out);
        while T::is_empty(&out) {
            self.tell_events(&mut out);
            if !T::is_empty(&out) {
                break;
            }
            match self.wait().await {
                Wake::Events(Ok(events)) => {
                    self.revision = self.revision.max(self.start.watch.revision());
                    self.events = events.into_iter();
                }
                Wake::Events(Err(error)) => {
                    self.ended = true;
                    let failure = match error {
                        WatchError::Compacted { .. } => Failure::expired(error.to_string()),
                        WatchError::Future { .. } => Failure::internal(error),
                        WatchError::Closed => return self.farewell(),
                    };
                    self.start.teller.failure(failure, &mut out);
                }
                Wake::Bookmark => self.bookmark(Bookmark::Progress, &mut out),
                Wake::End => {
                    self.ended = true;
                    return self.farewell();
                }
            }
        }
        Some(out)
    }

    /// The last bookmark, so that the client can go on elsewhere from here.
    fn farewell(&mut self) -> Option<T::Batch> {
        self.start.bookmarks?;
        let mut out = T::Batch::default();
        self.bookmark(Bookmark::Progress, &mut out);
        Some(out)
    }

    fn bookmark(&mut self, bookmark: Bookmark, out: &mut T::Batch) {
        self.start.teller.bookmark(self.revision, bookmark, out);
        if let Some(interval) = self.start.bookmarks {
            self.next_bookmark = Instant::now() + interval;
        }
    }

    async fn wait(&mut self) -> Wake {
        let deadline = self.start.deadline;
        let next_bookmark = self.next_bookmark;
        let bookmarks = self.start.bookmarks.is_some();
        tokio::select! {
            biased;
            // An error means that the server is gone altogether.
            _ = self.start.shutdown.wait_for(|stops| *stops) => Wake::End,
            () = sleep_until(deadline) => Wake::End,
            events = self.start.watch.next() => Wake::Events(events),
            () = sleep_until(next_bookmark), if bookmarks => Wake::Bookmark,
        }
    }

    fn tell_initial(&mut self, out: &mut T::Batch) {
        while !T::is_full(out) {
            let Some(entry) = self.initial.next() else {
                if std::mem::take(&mut self.start.marks_initial) {
                    self.bookmark(Bookmark::InitialEventsEnd, out);
                }
                return;
            };
            self.start.teller.object(Happened::Added, &entry, entry.modified, out);
        }
    }

    fn tell_events(&mut self, out: &mut T::Batch) {
        while !T::is_full(out) {
            let Some(event) = self.events.next() else { return };
            self.tell(&event, out);
        }
    }

    /// An object that leaves the selection is gone for the client, one that enters it is new.
    fn tell(&self, event: &Event, out: &mut T::Batch) {
        let Start { selection, teller, .. } = &self.start;
        let selected = |entry: &Entry| selection.is_empty() || selection.matches(entry);
        let (happened, entry) = match &event.change {
            Change::Created(entry) if selected(entry) => (Happened::Added, entry),
            Change::Deleted(entry) if selected(entry) => (Happened::Deleted, entry),
            Change::Created(_) | Change::Deleted(_) => return,
            Change::Updated { entry, previous } => match (selected(previous), selected(entry)) {
                (true, true) => (Happened::Modified, entry),
                (false, true) => (Happened::Added, entry),
                (true, false) => (Happened::Deleted, previous),
                (false, false) => return,
            },
        };
        teller.object(happened, entry, event.revision, out);
    }
}

/// Whole lines of JSON, each an event.
impl Teller for Renderer {
    type Batch = Vec<u8>;

    fn is_empty(batch: &Vec<u8>) -> bool {
        batch.is_empty()
    }

    fn is_full(batch: &Vec<u8>) -> bool {
        batch.len() >= CHUNK_BYTES
    }

    fn object(&self, happened: Happened, entry: &Arc<Entry>, revision: u64, batch: &mut Vec<u8>) {
        let kind = match happened {
            Happened::Added => "ADDED",
            Happened::Modified => "MODIFIED",
            Happened::Deleted => "DELETED",
        };
        line(kind, batch, |out| self.stored(&entry.value, revision, out));
    }

    fn bookmark(&self, revision: u64, bookmark: Bookmark, batch: &mut Vec<u8>) {
        line("BOOKMARK", batch, |out| Renderer::bookmark(self, revision, bookmark, out));
    }

    fn failure(&self, failure: Failure, batch: &mut Vec<u8>) {
        line("ERROR", batch, |out| out.extend_from_slice(&failure.to_json()));
    }
}

fn line(kind: &str, out: &mut Vec<u8>, object: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    object(out);
    out.extend_from_slice(b"}\n");
}
