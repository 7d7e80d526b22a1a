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

/// What a watch begins with.
pub(super) struct Start {
    pub(super) watch: Box<dyn Watch>,
    /// All events up to this revision are known to the client.
    pub(super) after: u64,
    /// Told first, as if just created.
    pub(super) initial: Vec<Arc<Entry>>,
    /// Whether a bookmark says where what is told first ends.
    pub(super) marks_initial: bool,
    pub(super) selection: Selection,
    pub(super) renderer: Renderer,
    /// How often to send bookmarks, if at all.
    pub(super) bookmarks: Option<Duration>,
    pub(super) deadline: Instant,
    pub(super) shutdown: watch::Receiver<bool>,
    /// Lets another watch in when this one ends.
    pub(super) _watching: Watching,
}

/// A running watch.
pub(super) struct Follow {
    start: Start,
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

impl Follow {
    pub(super) fn new(mut start: Start) -> Self {
        let initial = std::mem::take(&mut start.initial).into_iter();
        let next_bookmark =
            Instant::now() + start.bookmarks.unwrap_or(Duration::MAX / 4).min(Duration::from_secs(86_400));
        let revision = start.after;
        Self { start, initial, events: Vec::new().into_iter(), revision, next_bookmark, ended: false }
    }

    /// The body: whole lines, each an event.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Vec<u8>, std::convert::Infallible>> + Send {
        stream::unfold(self, |mut follow| async move {
            let chunk = follow.next_chunk().await?;
            Some((Ok(chunk), follow))
        })
    }

    /// The next lines; `None` when the watch has ended.
    async fn next_chunk(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let mut out = Vec::new();
        self.tell_initial(&mut out);
        while out.is_empty() {
            self.tell_events(&mut out);
            if !out.is_empty() {
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
                    line("ERROR", &mut out, |out| out.extend_from_slice(&failure.to_json()));
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
    fn farewell(&mut self) -> Option<Vec<u8>> {
        self.start.bookmarks?;
        let mut out = Vec::new();
        self.bookmark(Bookmark::Progress, &mut out);
        Some(out)
    }

    fn bookmark(&mut self, bookmark: Bookmark, out: &mut Vec<u8>) {
        line("BOOKMARK", out, |out| self.start.renderer.bookmark(self.revision, bookmark, out));
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

    fn tell_initial(&mut self, out: &mut Vec<u8>) {
        while out.len() < CHUNK_BYTES {
            let Some(entry) = self.initial.next() else {
                if std::mem::take(&mut self.start.marks_initial) {
                    self.bookmark(Bookmark::InitialEventsEnd, out);
                }
                return;
            };
            let renderer = &self.start.renderer;
            line("ADDED", out, |out| renderer.one(&entry.value, entry.modified, out));
        }
    }

    fn tell_events(&mut self, out: &mut Vec<u8>) {
        while out.len() < CHUNK_BYTES {
            let Some(event) = self.events.next() else { return };
            self.tell(&event, out);
        }
    }

    /// An object that leaves the selection is gone for the client, one that enters it is new.
    fn tell(&self, event: &Event, out: &mut Vec<u8>) {
        let Start { selection, renderer, .. } = &self.start;
        let selected = |entry: &Entry| selection.is_empty() || selection.matches(entry);
        let (kind, entry) = match &event.change {
            Change::Created(entry) if selected(entry) => ("ADDED", entry),
            Change::Deleted(entry) if selected(entry) => ("DELETED", entry),
            Change::Created(_) | Change::Deleted(_) => return,
            Change::Updated { entry, previous } => match (selected(previous), selected(entry)) {
                (true, true) => ("MODIFIED", entry),
                (false, true) => ("ADDED", entry),
                (true, false) => ("DELETED", previous),
                (false, false) => return,
            },
        };
        // The revision of the event, not that of the state that is told: clients go on from it.
        line(kind, out, |out| renderer.one(&entry.value, event.revision, out));
    }
}

fn line(kind: &str, out: &mut Vec<u8>, object: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    object(out);
    out.extend_from_slice(b"}\n");
}
