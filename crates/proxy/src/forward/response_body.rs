//! Bodies of answers, from upstreams and of the proxy's own.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};

use super::failure::Failure;
use super::guard::{Active, RequestGuard};
use super::silence::Silence;
use crate::activity::Cause;
use crate::body::{BodyError, BodyProgress, trailers};
use crate::data_thread::Timer;
use crate::exchange::Exchange;
use crate::upstream::Incoming;
use backstay_composition::Gunzip;
use backstay_http_cache::Recorder;
use backstay_http1::Error as Http1Error;
use backstay_model::OnSilence;
use backstay_upstream as upstream;

/// The body of an answer. Its end is the end of the exchange.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    content: Content,
    /// `None` when the exchange goes on as a tunnel.
    exchange: Option<Exchange>,
}

#[derive(Debug)]
enum Content {
    Empty,
    Full(Bytes),
    Upstream(Box<UpstreamBody>),
}

/// What is left of an upstream's answer after its head.
#[derive(Debug)]
pub(super) struct UpstreamBody {
    pub(super) incoming: Incoming,
    pub(super) deadline: Option<Timer>,
    /// Counts the request as active at its backend.
    pub(super) active: Active,
    /// The request's body, to know its size.
    pub(super) sent: Option<Rc<BodyProgress>>,
    pub(super) complete: bool,
    /// Why the answer has ended before its end.
    pub(super) failed: Option<upstream::Error>,
    /// How long the next part may take.
    pub(super) silence: Option<Silence>,
    /// Undoes the coding that the body comes in, where the client has not asked for it.
    pub(super) gunzip: Option<Box<Gunzip>>,
    /// Keeps the answer, once all of it is there.
    pub(super) recorder: Option<Box<Recorder>>,
    /// The answer has no body, and a length all the same: that of what its client has (304; RFC 9110, 8.6). hyper says a length that is
    /// not its body's only of a body that has not ended yet.
    pub(super) says_length: bool,
    /// What the request is counted as, until its end.
    pub(super) _guard: RequestGuard,
}

impl ResponseBody {
    /// No body, and no exchange to end.
    pub(super) fn tunnel() -> Self {
        Self { content: Content::Empty, exchange: None }
    }

    /// Whether the line of its request has headers of the answer.
    pub(super) fn tells_headers(&self) -> bool {
        let record = self.exchange.as_ref().and_then(|exchange| exchange.record.as_ref());
        record.is_some_and(|record| record.plan.has_response_headers())
    }

    /// The client is told this, and then the body.
    pub(super) fn answered(&mut self, status: StatusCode) {
        if let Some(exchange) = &mut self.exchange {
            exchange.answered(status);
        }
    }

    /// A body of the proxy's own.
    pub(super) fn full(bytes: Bytes, exchange: Exchange) -> Self {
        Self { content: if bytes.is_empty() { Content::Empty } else { Content::Full(bytes) }, exchange: Some(exchange) }
    }

    /// A body from upstream.
    pub(super) fn upstream(body: UpstreamBody, exchange: Exchange) -> Self {
        Self { content: Content::Upstream(Box::new(body)), exchange: Some(exchange) }
    }
}

/// Keeps what the line of an answer's request has of its headers.
#[cold]
pub(super) fn tell_headers(response: &mut Response<ResponseBody>) {
    let plan = response.body().exchange.as_ref().and_then(|exchange| Some(Arc::clone(&exchange.record.as_ref()?.plan)));
    let Some(captured) = plan.map(|plan| plan.of_response(response.headers())) else { return };
    if let Some(exchange) = &mut response.body_mut().exchange {
        exchange.note(|record| record.response_headers = captured);
    }
}

impl UpstreamBody {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, upstream::Error>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = match &mut self.gunzip {
            None => self.incoming.poll_frame(cx),
            Some(gunzip) => decompressed(&mut self.incoming, gunzip, cx),
        };
        match frame {
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

    /// The endpoint has broken off. That counts from when it is known, though the client is told later.
    fn note_failure(&self, error: &upstream::Error, exchange: &mut Exchange) {
        if exchange.cause().is_some() {
            return;
        }
        exchange.ends(Cause::Recorded);
        let failure = Failure::of(error);
        failure.count(&self.active.upstream.backend.metrics);
        let (flag, details) = failure.after_head();
        exchange.note(|record| {
            record.flag = flag;
            record.details = details.into();
        });
    }

    /// Whether what has come so far is an answer, if nothing more comes. Where a length was promised, its receiver must be able to
    /// tell that it is not.
    fn may_end_here(&self) -> bool {
        let timeouts = &self.active.upstream.backend.timeouts;
        timeouts.on_silence == OnSilence::End && self.incoming.size_hint().exact().is_none()
    }

    /// Ready with the timeout that has passed, when one has.
    fn poll_timeouts(&mut self, cx: &mut Context<'_>) -> Poll<Cause> {
        let late = self
            .deadline
            .as_mut()
            .and_then(|deadline| deadline.poll(cx).is_ready().then(|| deadline.deadline().into_std()));
        let silent = self.silence.as_mut().and_then(|silence| match silence.poll(cx) {
            Poll::Ready(due) => Some(due),
            Poll::Pending => None,
        });
        earlier(late, silent).map_or(Poll::Pending, Poll::Ready)
    }
}

/// The next part of what `incoming` was before it was compressed.
#[cold]
fn decompressed(
    incoming: &mut Incoming,
    gunzip: &mut Gunzip,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, upstream::Error>>> {
    let broken = || upstream::Error::Http1(Http1Error::Body("not compressed as it says"));
    loop {
        match gunzip.part() {
            Ok(Some(part)) => return Poll::Ready(Some(Ok(Frame::data(part)))),
            Ok(None) => {}
            Err(_) => return Poll::Ready(Some(Err(broken()))),
        }
        match ready!(incoming.poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => gunzip.feed(data),
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            },
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => {
                let rest = gunzip.end().map_err(|_| broken());
                return Poll::Ready(rest.transpose().map(|rest| rest.map(Frame::data)));
            }
        }
    }
}

/// Which of two timeouts that have passed was due first.
fn earlier(total: Option<Instant>, between_bytes: Option<Instant>) -> Option<Cause> {
    match (total, between_bytes) {
        (Some(total), Some(between_bytes)) if between_bytes < total => Some(Cause::BetweenBytes),
        (Some(_), _) => Some(Cause::Deadline),
        (None, Some(_)) => Some(Cause::BetweenBytes),
        (None, None) => None,
    }
}

impl http_body::Body for ResponseBody {
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
            Content::Upstream(body) => match body.poll(cx) {
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(Some(Ok(mut frame))) => {
                    if let Some(silence) = &mut body.silence {
                        silence.broken();
                    }
                    if let (Some(recorder), Some(data)) = (&mut body.recorder, frame.data_ref())
                        && !recorder.take(data)
                    {
                        body.recorder = None;
                    }
                    // Nothing follows, and hyper does not ask: whether or not the client can be sent them, this was all.
                    body.complete |= frame.is_trailers();
                    trailers::filter(&mut frame).then_some(Ok(frame))
                }
                Poll::Ready(None) => {
                    body.complete = true;
                    None
                }
                Poll::Pending => {
                    if let Some(error) = &body.failed {
                        if let Some(exchange) = &mut this.exchange {
                            body.note_failure(error, exchange);
                        }
                        return Poll::Pending;
                    }
                    let cause = ready!(body.poll_timeouts(cx));
                    if let Some(exchange) = &this.exchange {
                        exchange.ends(cause);
                    }
                    (body.deadline, body.silence) = (None, None);
                    if cause == Cause::BetweenBytes && body.may_end_here() {
                        return Poll::Ready(None);
                    }
                    return Poll::Ready(Some(Err(BodyError::Timeout)));
                }
            },
        };
        if let Some(exchange) = &mut this.exchange
            && let Some(record) = &mut exchange.record
            && let Some(Ok(frame)) = &frame
        {
            if let Some(data) = frame.data_ref() {
                record.bytes_out += data.len() as u64;
            } else if let Some(trailers) = frame.trailers_ref() {
                record.trailers = record.plan.of_trailers(trailers);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Full(_) => false,
            // What is compressed may be longer than what comes.
            Content::Upstream(body) if body.gunzip.is_some() => body.complete,
            Content::Upstream(body) if body.says_length => body.complete,
            Content::Upstream(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Upstream(body) if body.gunzip.is_some() || body.says_length => SizeHint::default(),
            Content::Upstream(body) => body.incoming.size_hint(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let Content::Upstream(body) = &mut self.content else { return };
        if let Some(exchange) = &mut self.exchange {
            exchange.note(|record| record.bytes_in = body.sent.as_ref().map_or(0, |sent| sent.bytes.get()));
        }
        if body.complete || body.incoming.is_end_stream() {
            body.incoming.done();
            // Of what is decompressed there may be more than was asked for.
            if let Some(recorder) = body.recorder.take().filter(|_| body.complete || body.gunzip.is_none()) {
                recorder.finish();
            }
            if let (Some(exchange), Some(sent)) = (&self.exchange, body.sent.take().filter(|sent| sent.is_under_way()))
            {
                exchange.client.thread.linger(sent);
            }
            return;
        }
        // While the client did not read, nobody asked for more, and nobody noticed that the time was over.
        let due = body.deadline.as_ref().map(|deadline| deadline.deadline());
        let timeouts = &body.active.upstream.backend.metrics.timeouts;
        match self.exchange.as_ref().map(|exchange| exchange.left(due)) {
            Some(Cause::Deadline) => timeouts.total.increment(1),
            Some(Cause::BetweenBytes) => timeouts.between_bytes.increment(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
