//! A request's body, kept so that it can be sent again.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};

use super::body::{BodyError, RequestBody};
use super::progress::BodyProgress;
use backstay_upstream::counts::BackendMetrics;

/// A request's body, kept as far as it has been read, up to a limit.
#[derive(Debug, Clone)]
pub(super) struct Replay(Rc<RefCell<Recording>>);

#[derive(Debug)]
struct Recording {
    source: RequestBody,
    hint: SizeHint,
    progress: Option<Rc<BodyProgress>>,
    kept: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    size: usize,
    limit: usize,
    metrics: Arc<BackendMetrics>,
    /// More of the body was read than is kept.
    beyond: bool,
    ended: bool,
    /// Counts attempts: only the last may read.
    attempt: u32,
}

/// The body of one attempt.
#[derive(Debug)]
pub(crate) struct Replayed {
    replay: Replay,
    attempt: u32,
    /// Parts of what is kept that were sent.
    at: usize,
    /// Trailers were sent.
    done: bool,
}

impl Replay {
    /// Keeps up to `limit` bytes of `source`. A body that is longer is counted in `metrics`.
    pub(super) fn new(source: RequestBody, limit: usize, metrics: Arc<BackendMetrics>) -> Self {
        Self(Rc::new(RefCell::new(Recording {
            hint: source.size_hint(),
            progress: source.progress(),
            source,
            kept: Vec::new(),
            trailers: None,
            size: 0,
            limit,
            metrics,
            beyond: false,
            ended: false,
            attempt: 0,
        })))
    }

    /// The body for the next attempt, from the beginning. Earlier ones can read no more.
    pub(super) fn body(&self) -> RequestBody {
        let mut recording = self.0.borrow_mut();
        recording.attempt += 1;
        let progress = recording.progress.clone();
        RequestBody::replayed(
            Replayed { replay: self.clone(), attempt: recording.attempt, at: 0, done: false },
            progress,
        )
    }

    /// Lets earlier attempts read no more: what they read beyond what is kept, the next one would lack.
    pub(super) fn recall(&self) {
        self.0.borrow_mut().attempt += 1;
    }

    /// Whether all that was read is still there.
    pub(super) fn can_repeat(&self) -> bool {
        !self.0.borrow().beyond
    }
}

impl Replayed {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut recording = self.replay.0.borrow_mut();
        let recording = &mut *recording;
        if recording.attempt != self.attempt {
            return Poll::Ready(Some(Err(BodyError::Abandoned)));
        }
        if let Some(part) = recording.kept.get(self.at) {
            self.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(part.clone()))));
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

    pub(super) fn size_hint(&self) -> SizeHint {
        self.replay.0.borrow().hint
    }
}

impl Recording {
    fn keep(&mut self, part: &Bytes) {
        if self.beyond {
            return;
        }
        self.size = self.size.saturating_add(part.len());
        if self.size > self.limit {
            self.beyond = true;
            self.metrics.retries.buffer_overflows.increment(1);
            self.kept = Vec::new();
        } else {
            self.kept.push(part.clone());
        }
    }
}
