//! The answer to one request on a connection of HTTP/2.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, Response, header};
use http_body::Body;
use tokio::sync::oneshot;

use crate::activity::StreamActivity;
use crate::data_thread::DataThread;
use crate::exchange::StreamTunnel;

/// What means something on a connection of HTTP/1.1 alone (RFC 9113, 8.2.2).
const OF_CONNECTIONS: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// With it, the head of an answer of gRPC without a body is its trailers.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A request that asks for another protocol on its stream: what becomes of it.
pub(super) struct Connect {
    pub(super) stream: RecvStream,
    pub(super) changed: oneshot::Sender<StreamTunnel>,
}

/// A request that is being answered.
pub(super) struct Answering {
    pub(super) thread: Rc<DataThread>,
    pub(super) activity: Rc<StreamActivity>,
    pub(super) respond: SendResponse<Bytes>,
    pub(super) connect: Option<Connect>,
}

impl Answering {
    /// Sends the answer that `work` comes to.
    pub(super) async fn run<B>(mut self, work: impl Future<Output = Result<Response<B>, Infallible>>)
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let Some(response) = self.wait(work).await else { return };
        let (mut parts, body) = response.into_parts();
        let ends = body.is_end_stream();
        OF_CONNECTIONS.iter().for_each(|name| drop(parts.headers.remove(name)));
        let is_trailers = ends && parts.headers.contains_key(&GRPC_STATUS);
        if !is_trailers && !parts.headers.contains_key(header::DATE) {
            parts.headers.insert(header::DATE, self.thread.date());
        }
        if let Some(Connect { stream, changed }) = self.connect.take_if(|_| parts.status.is_success()) {
            parts.headers.remove(header::CONTENT_LENGTH);
            if let Ok(sender) = self.respond.send_response(Response::from_parts(parts, ()), false) {
                let _ = changed.send(StreamTunnel::new(stream, sender));
            }
            return;
        }
        if !ends {
            say_length(&mut parts.headers, body.size_hint().exact());
        }
        match self.respond.send_response(Response::from_parts(parts, ()), ends) {
            Ok(sender) if !ends => {
                let mut sending = Sending { sender, held: None, body: pin!(body) };
                poll_fn(|cx| sending.poll(cx)).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "an answer could not be sent");
                self.respond.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    }

    /// The answer; `None` when the client does not wait for it any more. What comes before it is sent meanwhile.
    async fn wait<B>(&mut self, work: impl Future<Output = Result<Response<B>, Infallible>>) -> Option<Response<B>> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            // First, since it may be woken by what is done in here.
            self.activity.send_by(cx.waker());
            let done = work.as_mut().poll(cx);
            for interim in self.activity.take_interim() {
                // What cannot be sent says so again with the answer.
                let _ = self.respond.send_informational(interim);
            }
            match done {
                Poll::Ready(Ok(response)) => Poll::Ready(Some(response)),
                Poll::Pending => self.respond.poll_reset(cx).map(|_| None),
            }
        })
        .await
    }
}

/// Says how long the body is, if that is known and not said yet.
fn say_length(headers: &mut HeaderMap, length: Option<u64>) {
    if let Some(length) = length {
        headers.entry(header::CONTENT_LENGTH).or_insert_with(|| length.into());
    }
}

/// A body on its way.
struct Sending<'b, B> {
    sender: SendStream<Bytes>,
    /// What waits for room in the client's windows, and whether nothing follows.
    held: Option<(Bytes, bool)>,
    body: Pin<&'b mut B>,
}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>> Sending<'_, B> {
    /// Ready when all has been handed over, or the client wants no more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.sender.poll_reset(cx).is_ready() {
                return Poll::Ready(());
            }
            if self.held.is_some() && !ready!(self.poll_room(cx)) {
                return Poll::Ready(());
            }
            if let Some((data, last)) = self.held.take() {
                if self.sender.send_data(data, last).is_err() || last {
                    return Poll::Ready(());
                }
                continue;
            }
            match ready!(self.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() && !self.body.is_end_stream() => {}
                    Ok(data) => {
                        // Only now: what is reserved for nothing is kept from other streams of the connection. When the part is handed
                        // over, the library asks for all that it needs.
                        self.sender.reserve_capacity(usize::from(!data.is_empty()));
                        self.held = Some((data, self.body.is_end_stream()));
                    }
                    Err(frame) => {
                        self.sender.reserve_capacity(0);
                        if let Ok(trailers) = frame.into_trailers() {
                            let _ = self.sender.send_trailers(trailers);
                        }
                        return Poll::Ready(());
                    }
                },
                Some(Err(error)) => {
                    let error = error.into();
                    tracing::debug!(%error, "an answer ended before its end");
                    self.sender.send_reset(reason(&*error));
                    return Poll::Ready(());
                }
                None => {
                    let _ = self.sender.send_data(Bytes::new(), true);
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Ready when the client takes some of what is held; false when it takes nothing any more.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let empty = self.held.as_ref().is_none_or(|(data, _)| data.is_empty());
        while !empty && self.sender.capacity() == 0 {
            match ready!(self.sender.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(false),
            }
        }
        Poll::Ready(true)
    }
}

/// Why an answer is broken off: what an endpoint of HTTP/2 says, where it has been one.
fn reason(error: &(dyn Error + 'static)) -> Reason {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(said) = error.downcast_ref::<h2::Error>().and_then(h2::Error::reason) {
            return said;
        }
        cause = error.source();
    }
    Reason::INTERNAL_ERROR
}
