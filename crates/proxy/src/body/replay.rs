//! A request's body, kept so that it can be sent again.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::error::BodyError;
use super::progress::BodyProgress;
use backstay_upstream::counts::BackendMetrics;

/// A request's body, kept as far as it has been read, up to a limit.
#[derive(Debug)]
pub(crate) struct Replay<B>(Rc<RefCell<Recording<B>>>);

#[derive(Debug)]
struct Recording<B> {
    source: B,
    hint: SizeHint,
    progress: Option<Rc<BodyProgress>>,
    kept: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    size: usize,
    limit: usize,
    /// Where a body that is too long to be kept is counted, if it is.
    metrics: Option<Arc<BackendMetrics>>,
    /// How many [`Replay`]s there are. Without one, what is sent need not be kept.
    keepers: usize,
    /// More of the body was read than is kept.
    beyond: bool,
    ended: bool,
    /// Counts attempts: only the last may read.
    attempt: u32,
}

/// The body of one attempt.
#[derive(Debug)]
pub(crate) struct Replayed<B> {
    recording: Rc<RefCell<Recording<B>>>,
    attempt: u32,
    /// Parts of what is kept that were sent.
    at: usize,
    /// Trailers were sent.
    done: bool,
}

impl<B: Body<Data = Bytes, Error = BodyError> + Unpin> Replay<B> {
    /// Keeps up to `limit` bytes of `source`, whose progress is `progress`, for as long as this lives. A body that is longer is
    /// counted in `metrics`, if there are any.
    pub(crate) fn new(
        source: B,
        progress: Option<Rc<BodyProgress>>,
        limit: usize,
        metrics: Option<Arc<BackendMetrics>>,
    ) -> Self {
        Self(Rc::new(RefCell::new(Recording {
            hint: source.size_hint(),
            progress,
            source,
            kept: Vec::new(),
            trailers: None,
            size: 0,
            limit,
            metrics,
            keepers: 1,
            beyond: false,
            ended: false,
            attempt: 0,
        })))
    }

    /// The body for the next attempt, from the beginning, and its progress. Earlier ones can read no more.
    pub(crate) fn body(&self) -> (Replayed<B>, Option<Rc<BodyProgress>>) {
        let mut recording = self.0.borrow_mut();
        recording.attempt += 1;
        let progress = recording.progress.clone();
        (Replayed { recording: Rc::clone(&self.0), attempt: recording.attempt, at: 0, done: false }, progress)
    }

    /// Lets earlier attempts read no more: what they read beyond what is kept, the next one would lack.
    pub(crate) fn recall(&self) {
        self.0.borrow_mut().attempt += 1;
    }

    /// Whether all that was read is still there.
    pub(crate) fn can_repeat(&self) -> bool {
        !self.0.borrow().beyond
    }
}

impl<B> Drop for Replay<B> {
    fn drop(&mut self) {
        self.0.borrow_mut().keepers -= 1;
    }
}

impl<B: Body<Data = Bytes, Error = BodyError> + Unpin> Replayed<B> {
    /// Keeps what this is a part of.
    pub(crate) fn replay(&self) -> Replay<B> {
        self.recording.borrow_mut().keepers += 1;
        Replay(Rc::clone(&self.recording))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut recording = self.recording.borrow_mut();
        let recording = &mut *recording;
        if recording.attempt != self.attempt {
            return Poll::Ready(Some(Err(BodyError::Abandoned)));
        }
        if let Some(part) = recording.kept.get(self.at) {
            self.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(part.clone()))));
        }
        if recording.keepers == 0 && !recording.kept.is_empty() {
            (recording.kept, recording.beyond, self.at) = (Vec::new(), true, 0);
        }
        if recording.ended {
            let trailers = recording.trailers.clone().filter(|_| !self.done);
            self.done = true;
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        let frame = match Pin::new(&mut recording.source).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => return Poll::Pending,
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(part) = frame.data_ref() {
                    recording.keep(part);
                    self.at = recording.kept.len();
                } else if let Some(trailers) = frame.trailers_ref() {
                    recording.trailers = Some(trailers.clone());
                    recording.ended = true;
                    self.done = true;
                }
                recording.ended |= recording.source.is_end_stream();
            }
            Some(Err(_)) => recording.beyond = true,
            None => recording.ended = true,
        }
        Poll::Ready(frame)
    }

    /// Whether all was sent.
    pub(crate) fn is_end(&self) -> bool {
        let recording = self.recording.borrow();
        recording.ended
            && recording.attempt == self.attempt
            && self.at == recording.kept.len()
            && (self.done || recording.trailers.is_none())
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.recording.borrow().hint
    }
}

impl<B> Recording<B> {
    fn keep(&mut self, part: &Bytes) {
        if self.beyond {
            return;
        }
        if self.keepers == 0 {
            self.beyond = true;
            return;
        }
        self.size = self.size.saturating_add(part.len());
        if self.size > self.limit {
            self.beyond = true;
            if let Some(metrics) = &self.metrics {
                metrics.retries.buffer_overflows.increment(1);
            }
            self.kept = Vec::new();
        } else {
            self.kept.push(part.clone());
        }
    }
}
