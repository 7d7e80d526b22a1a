//! Answers, from upstreams and of the proxy's own.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::{BodyError, Silence};
use crate::config::Flag;
use crate::forward::attempt::Held;
use crate::forward::failure::Failure;
use crate::forward::outbound::Active;
use crate::forward::progress::Progress;
use crate::forward::trailers;
use crate::server::Exchange;
use crate::upstream::{self, Incoming};

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
pub(in crate::forward) struct Answer {
    pub(in crate::forward) incoming: Incoming,
    pub(in crate::forward) deadline: Option<Pin<Box<Sleep>>>,
    /// Counts the request as active at its backend.
    pub(in crate::forward) active: Active,
    /// The request's body, to know its size.
    pub(in crate::forward) sent: Option<Rc<Progress>>,
    pub(in crate::forward) complete: bool,
    /// Why it has ended before its end.
    pub(in crate::forward) failed: Option<upstream::Error>,
    /// How long the next part may take.
    pub(in crate::forward) silence: Option<Box<Silence>>,
    /// What the request is counted as, until its end.
    pub(in crate::forward) _held: Held,
}

impl Body {
    /// No body, and no exchange to end.
    pub(in crate::forward) fn tunnel() -> Self {
        Self { content: Content::Empty, exchange: None }
    }

    /// A body of the proxy's own.
    pub(in crate::forward) fn full(bytes: Bytes, exchange: Exchange) -> Self {
        Self { content: if bytes.is_empty() { Content::Empty } else { Content::Full(bytes) }, exchange: Some(exchange) }
    }

    /// A body from upstream.
    pub(in crate::forward) fn upstream(answer: Answer, exchange: Exchange) -> Self {
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
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, upstream::Error>>> {
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
                    let failure = Failure::of(&error);
                    failure.count(&answer.active.upstream.backend.metrics);
                    let (flag, details) = failure.after_head();
                    this.note_error(flag, details);
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(Some(Ok(mut frame))) => {
                    if let Some(silence) = &mut answer.silence {
                        silence.since = Instant::now();
                    }
                    // Nothing follows, and hyper does not ask: whether or not the client can be sent them, this was all.
                    answer.complete |= frame.is_trailers();
                    trailers::filter(&mut frame).then_some(Ok(frame))
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
            answer.incoming.done();
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
