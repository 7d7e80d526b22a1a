//! Bodies on their way through: read only as fast as the other side takes them.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::Sleep;

use super::attempt::Held;
use super::failure::{Failure, REMOTE_RESET};
use super::progress::Progress;
use super::received::Received;
use super::replay::Replayed;
use super::tap::{Tap, Tapped};
use crate::config::Flag;
use crate::server::Exchange;
use crate::upstream::Lease;

/// Why a body ends before its end.
#[derive(Debug, Error)]
pub(crate) enum BodyError {
    #[error("the other side failed: {0}")]
    Peer(#[from] hyper::Error),
    #[error("the other side reset the stream")]
    Reset,
    #[error("a timeout of the route or the backend has passed")]
    Timeout,
    #[error("nobody needs the rest")]
    Abandoned,
}

impl BodyError {
    /// How an endpoint fails that breaks off its answer. `closed` says that the connection is gone with it.
    fn failure(&self, closed: bool) -> Failure {
        match self {
            Self::Peer(error) => Failure::of(error, closed),
            Self::Reset | Self::Timeout | Self::Abandoned => Failure::Reset(REMOTE_RESET),
        }
    }
}

/// The body of an answer. Its end is the end of the exchange.
#[derive(Debug)]
pub(crate) struct Body {
    content: Content,
    /// `None` when the exchange goes on as a tunnel.
    exchange: Option<Exchange>,
}

#[derive(Debug)]
enum Content {
    Empty,
    Full(Bytes),
    Upstream(Box<Answer>),
}

/// What is left of an upstream's answer after its head.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) incoming: Received,
    pub(super) lease: Option<Lease>,
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    /// Counts the request as active at its backend.
    pub(super) active: super::outbound::Active,
    /// The request's body, to know its size.
    pub(super) sent: Option<Rc<Progress>>,
    pub(super) complete: bool,
    /// Why it has ended before its end.
    pub(super) failed: Option<BodyError>,
    /// How long the next part may take.
    pub(super) silence: Option<Box<Silence>>,
    /// What the request is counted as, until its end.
    pub(super) _held: Held,
}

impl Body {
    /// No body, and no exchange to end.
    pub(super) fn tunnel() -> Self {
        Self { content: Content::Empty, exchange: None }
    }

    /// A body of the proxy's own.
    pub(super) fn full(bytes: Bytes, exchange: Exchange) -> Self {
        Self { content: if bytes.is_empty() { Content::Empty } else { Content::Full(bytes) }, exchange: Some(exchange) }
    }

    /// A body from upstream.
    pub(super) fn upstream(answer: Answer, exchange: Exchange) -> Self {
        Self { content: Content::Upstream(Box::new(answer)), exchange: Some(exchange) }
    }

    fn note_error(&mut self, flag: Flag, details: &'static str) {
        if let Some(exchange) = &mut self.exchange {
            exchange.note(|record| {
                record.flag = flag;
                record.details = details.into();
            });
        }
    }
}

impl Answer {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match self.incoming.poll_frame(cx) {
            Poll::Ready(Some(Err(error))) => {
                // hyper drops what it has not written when a body fails: the client gets what there was before it learns that
                // there is no more.
                self.failed = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            other => other,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.content {
            Content::Empty => return Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.content = Content::Empty;
                Some(Ok(Frame::data(bytes)))
            }
            Content::Upstream(answer) => match answer.poll(cx) {
                Poll::Ready(Some(Err(error))) => {
                    let failure = error.failure(answer.lease.as_ref().is_some_and(Lease::is_closed));
                    failure.count(&answer.active.upstream.backend.metrics);
                    let (flag, details) = failure.after_head();
                    this.note_error(flag, details);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(silence) = &mut answer.silence {
                        silence.since = Instant::now();
                    }
                    // Nothing follows, and hyper does not ask: whether or not the client can be sent them, this was all.
                    answer.complete |= frame.is_trailers();
                    Some(Ok(frame))
                }
                Poll::Ready(None) => {
                    answer.complete = true;
                    None
                }
                Poll::Pending => {
                    if let Some(deadline) = &mut answer.deadline
                        && deadline.as_mut().poll(cx).is_ready()
                    {
                        answer.deadline = None;
                        answer.active.upstream.backend.metrics.timeouts.total.increment(1);
                        this.note_error(Flag::UpstreamRequestTimeout, "response_timeout");
                        return Poll::Ready(Some(Err(BodyError::Timeout)));
                    }
                    if let Some(silence) = &mut answer.silence
                        && silence.poll(cx).is_ready()
                    {
                        answer.active.upstream.backend.metrics.timeouts.between_bytes.increment(1);
                        this.note_error(Flag::UpstreamRequestTimeout, "between_bytes_timeout");
                        return Poll::Ready(Some(Err(BodyError::Timeout)));
                    }
                    return Poll::Pending;
                }
            },
        };
        if let Some(exchange) = &mut this.exchange
            && let Some(record) = &mut exchange.record
            && let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            record.bytes_out += data.len() as u64;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Full(_) => false,
            Content::Upstream(answer) => answer.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Upstream(answer) => answer.incoming.size_hint(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Content::Upstream(answer) = &mut self.content else { return };
        if let Some(exchange) = &mut self.exchange {
            exchange.note(|record| record.bytes_in = answer.sent.as_ref().map_or(0, |sent| sent.bytes.get()));
        }
        if answer.complete || answer.incoming.is_end_stream() {
            if let Some(lease) = answer.lease.take() {
                lease.done();
            }
            if let (Some(exchange), Some(sent)) =
                (&self.exchange, answer.sent.take().filter(|sent| sent.is_under_way()))
            {
                exchange.local.shard.linger(sent);
            }
            return;
        }
        // While the client did not read, nobody asked for more, and nobody noticed.
        let late = |deadline: &Pin<Box<Sleep>>| deadline.deadline() <= tokio::time::Instant::now();
        if answer.deadline.as_ref().is_some_and(late) {
            answer.active.upstream.backend.metrics.timeouts.total.increment(1);
            self.note_error(Flag::UpstreamRequestTimeout, "response_timeout");
        } else if let Some(exchange) = &mut self.exchange {
            exchange.note(|record| {
                if record.flag == Flag::None {
                    record.flag = Flag::DownstreamConnectionTermination;
                    record.details = "downstream_remote_disconnect".into();
                }
            });
        }
    }
}

/// The body of a request on its way upstream.
#[derive(Debug)]
pub(crate) struct RequestBody {
    source: Source,
    progress: Option<Rc<Progress>>,
    /// Copies for mirrors.
    taps: Vec<Tap>,
}

#[derive(Debug)]
enum Source {
    Empty,
    Client(Received),
    Tap(Tapped),
    Replay(Replayed),
}

impl RequestBody {
    pub(super) fn empty() -> Self {
        Self { source: Source::Empty, progress: None, taps: Vec::new() }
    }

    /// The body of the request that `exchange` is about.
    pub(super) fn client(incoming: Incoming, exchange: &Exchange) -> Self {
        if http_body::Body::is_end_stream(&incoming) {
            return Self::empty();
        }
        Self {
            source: Source::Client(Received::new(incoming, exchange.local.is_multiplexed())),
            progress: Some(Progress::new(exchange)),
            taps: Vec::new(),
        }
    }

    pub(super) fn tapped(tapped: Tapped) -> Self {
        Self { source: Source::Tap(tapped), progress: None, taps: Vec::new() }
    }

    pub(super) fn replayed(replayed: Replayed, progress: Option<Rc<Progress>>) -> Self {
        Self { source: Source::Replay(replayed), progress, taps: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.source, Source::Empty)
    }

    pub(super) fn progress(&self) -> Option<Rc<Progress>> {
        self.progress.clone()
    }

    pub(super) fn tap(&mut self, tap: Tap) {
        self.taps.push(tap);
    }
}

impl RequestBody {
    fn note_end(&self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }
}

/// How long the next part of an answer may take.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Duration,
    since: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Silence {
    pub(super) fn new(limit: Duration) -> Box<Self> {
        Box::new(Self { limit, since: Instant::now(), sleep: Box::pin(tokio::time::sleep(limit)) })
    }

    /// Ready when it was too long. The timer is set anew only when it goes off, not with each part.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.sleep.as_mut().poll(cx).is_ready() {
            let due = self.since + self.limit;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(due.into());
        }
        Poll::Pending
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
            Source::Replay(replayed) => {
                let frame = replayed.poll(cx);
                if matches!(frame, Poll::Ready(None)) {
                    this.note_end();
                }
                return frame;
            }
            Source::Client(_) if this.progress.as_ref().is_some_and(|progress| progress.is_abandoned()) => {
                return Poll::Ready(Some(Err(BodyError::Abandoned)));
            }
            Source::Client(incoming) => match (incoming.poll_frame(cx), &this.progress) {
                (Poll::Ready(frame), _) => frame,
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
            Source::Tap(_) | Source::Replay(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Client(incoming) => incoming.size_hint(),
            Source::Tap(_) => SizeHint::default(),
            Source::Replay(replayed) => replayed.size_hint(),
        }
    }
}
