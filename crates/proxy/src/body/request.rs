//! Requests, from clients, copied and sent again.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::client::ClientBody;
use super::error::BodyError;
use super::progress::BodyProgress;
use super::replay::{Replay, Replayed};
use super::tap::{Tap, Tapped};
use super::trailers;
use crate::activity::{Activity, StreamActivity};

/// The body of a request on its way upstream.
#[derive(Debug)]
pub(crate) struct RequestBody {
    source: Source,
    progress: Option<Rc<BodyProgress>>,
    /// Copies for mirrors.
    taps: Vec<Tap>,
}

#[derive(Debug)]
enum Source {
    Empty,
    Client(ClientBody),
    Tap(Tapped),
    Replay(Replayed<RequestBody>),
    /// All of it, until it is taken.
    Kept(Bytes),
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self { source: Source::Empty, progress: None, taps: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.source, Source::Empty)
    }

    /// The body of a client's request, which came on the connection of `activity`, and there on `stream` if it shares it.
    pub(crate) fn client(incoming: ClientBody, activity: &Arc<Activity>, stream: Option<&Rc<StreamActivity>>) -> Self {
        if incoming.is_end_stream() {
            match stream {
                Some(stream) => stream.body_has_come(),
                None => activity.body_has_come(),
            }
            return Self::empty();
        }
        Self { source: Source::Client(incoming), progress: Some(BodyProgress::new(activity, stream)), taps: Vec::new() }
    }

    pub(crate) fn tapped(tapped: Tapped) -> Self {
        Self { source: Source::Tap(tapped), progress: None, taps: Vec::new() }
    }

    pub(crate) fn replayed((replayed, progress): (Replayed<Self>, Option<Rc<BodyProgress>>)) -> Self {
        Self { source: Source::Replay(replayed), progress, taps: Vec::new() }
    }

    /// A body that is there already.
    pub(crate) fn kept(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        Self { source: Source::Kept(bytes), progress: None, taps: Vec::new() }
    }

    /// Keeps what is sent of it, up to `limit` bytes, so that it can be sent again.
    pub(crate) fn keep(&mut self, limit: usize) -> Replay<Self> {
        if let Source::Replay(replayed) = &self.source {
            return replayed.replay();
        }
        let progress = self.progress();
        let body = std::mem::replace(self, Self::empty());
        let replay = Replay::new(body, progress, limit, None);
        *self = Self::replayed(replay.body());
        replay
    }

    pub(crate) fn progress(&self) -> Option<Rc<BodyProgress>> {
        self.progress.clone()
    }

    pub(crate) fn tap(&mut self, tap: Tap) {
        self.taps.push(tap);
    }

    fn note_end(&self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }
}

impl backstay_http1::RequestBody for RequestBody {
    #[inline]
    fn empty() -> Self {
        Self::empty()
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        // hyper does not ask for the end of a body whose length it knows.
        if let Source::Client(incoming) = &self.source
            && incoming.is_end_stream()
        {
            self.taps.drain(..).for_each(Tap::finish);
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.source {
            Source::Empty => return Poll::Ready(None),
            Source::Tap(tapped) => return tapped.poll(cx),
            Source::Kept(bytes) => {
                let bytes = std::mem::take(bytes);
                return Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))));
            }
            Source::Replay(replayed) => {
                let frame = replayed.poll(cx);
                let over = match &frame {
                    Poll::Ready(Some(Ok(_))) => replayed.is_end(),
                    Poll::Ready(end) => end.is_none(),
                    Poll::Pending => false,
                };
                if over {
                    this.note_end();
                }
                return frame;
            }
            Source::Client(_) if this.progress.as_ref().is_some_and(|progress| progress.is_abandoned()) => {
                return Poll::Ready(Some(Err(BodyError::Abandoned)));
            }
            Source::Client(incoming) => match (incoming.poll_frame(cx), &this.progress) {
                (Poll::Ready(Some(Ok(mut frame))), _) => trailers::filter(&mut frame).then_some(Ok(frame)),
                (Poll::Ready(end), _) => end,
                (Poll::Pending, Some(progress)) => return progress.wait(cx),
                (Poll::Pending, None) => return Poll::Pending,
            },
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    if let Some(progress) = &this.progress {
                        progress.advance(data.len());
                    }
                    this.taps.iter_mut().for_each(|tap| tap.push(data));
                } else if let Some(trailers) = frame.trailers_ref() {
                    // Nothing follows, and whoever sends them does not ask.
                    this.taps.drain(..).for_each(|tap| tap.finish_with(trailers.clone()));
                    this.note_end();
                }
                if let Source::Client(incoming) = &this.source
                    && incoming.is_end_stream()
                {
                    this.note_end();
                }
            }
            Some(Err(_)) => {
                if let Some(progress) = &this.progress {
                    progress.failed.set(true);
                }
                this.taps.clear();
            }
            None => {
                this.taps.drain(..).for_each(Tap::finish);
                this.note_end();
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            // With copies the end must be seen by polling, so that they end too.
            Source::Client(incoming) => incoming.is_end_stream() && self.taps.is_empty(),
            Source::Kept(bytes) => bytes.is_empty(),
            Source::Tap(_) => false,
            Source::Replay(replayed) => replayed.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Client(incoming) => incoming.size_hint(),
            Source::Kept(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Tap(_) => SizeHint::default(),
            Source::Replay(replayed) => replayed.size_hint(),
        }
    }
}
