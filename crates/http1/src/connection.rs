//! A request sent, and its answer read.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use http::{Method, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;

use crate::body::{Decoder, Part};
use crate::error::Error;
use crate::head::{Head, HeadLimits};
use crate::read::Input;
use crate::upload::{self, RequestBody, Upload};

/// Interim answers (RFC 9110, 15.2) that are read in one go.
const MAX_INTERIM: u32 = 32;

/// Is told of each interim answer that comes before the answer (RFC 9110, 15.2), but not of a change of protocol.
pub type OnInterim<'a> = dyn FnMut(Response<()>) + 'a;

/// An HTTP/1.1 connection to an endpoint, over the stream `S`, for requests whose bodies are `B`.
#[derive(Debug)]
pub struct Connection<S, B> {
    stream: S,
    /// Was read, and not looked at yet.
    input: Input,
    /// What is left of the answer.
    decoder: Decoder,
    /// Of a request without a body, what the endpoint has not taken yet.
    output: Bytes,
    /// Of a request with a body, what is left of it.
    upload: Option<Box<Upload<B>>>,
    limits: HeadLimits,
    /// Some of the request was written.
    begun: bool,
    /// All of it that was written has left: TLS keeps what the socket does not take.
    flushed: bool,
    /// The endpoint has reset the connection. To say so, the kernel has the writer only; for the reader it is an end like others.
    reset: bool,
    /// Another request may follow.
    reusable: bool,
    /// Requests it has carried, the one under way included.
    served: u32,
}

/// A connection that has changed to another protocol.
#[derive(Debug)]
pub struct Switched<S> {
    /// The stream, on which the other protocol is spoken.
    pub stream: S,
    /// What was read of that protocol already.
    pub ahead: Bytes,
}

/// Why there is no answer, and what that means for the request.
#[derive(Debug)]
pub struct Unanswered {
    /// What went wrong.
    pub error: Error,
    /// None of the request was sent, and it is whole.
    pub unsent: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin, B: RequestBody> Connection<S, B> {
    /// A connection over `stream`, on which nothing has been said yet. Answers are held to `limits`.
    pub fn new(stream: S, limits: HeadLimits) -> Box<Self> {
        Box::new(Self {
            stream,
            input: Input::default(),
            decoder: Decoder::Ended,
            output: Bytes::new(),
            upload: None,
            limits,
            begun: false,
            flushed: true,
            reset: false,
            reusable: true,
            served: 0,
        })
    }

    /// The stream. To read or write it would put the connection out of step.
    #[inline]
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Requests it has carried, the one under way included.
    #[inline]
    pub fn served(&self) -> u32 {
        self.served
    }

    /// Whether an unused connection can carry a request: the endpoint has neither closed it nor sent what nobody asked for.
    pub fn is_usable(&mut self) -> bool {
        self.look().is_ok()
    }

    /// Looks at what has come in on an unused connection. That costs no system call where nothing has.
    fn look(&mut self) -> Result<(), Error> {
        let mut byte = [0];
        let mut read = ReadBuf::new(&mut byte);
        // Over TLS there may be tickets, which are read on the way. What the task has done before must not keep it from looking:
        // what is not seen now would pass for the answer.
        let stream = &mut self.stream;
        let looks = unconstrained(std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut read)));
        let looked = pin!(looks).poll(&mut Context::from_waker(Waker::noop()));
        match looked {
            Poll::Pending => Ok(()),
            Poll::Ready(Err(error)) => Err(Error::Io(error)),
            Poll::Ready(Ok(())) if read.filled().is_empty() => Err(Error::Ended),
            Poll::Ready(Ok(())) => Err(Error::Unasked),
        }
    }

    /// Sends a request, and ends with the head of the answer; what comes before it goes to `interim`. A body is taken out of the
    /// request. Cancelled, the connection is of no more use.
    ///
    /// # Errors
    /// When the stream or the request's body fails, or the answer is not what the standard demands.
    pub async fn send(
        &mut self,
        request: &mut Request<B>,
        interim: &mut OnInterim<'_>,
    ) -> Result<Response<()>, Unanswered> {
        self.begun = false;
        self.flushed = false;
        self.served = self.served.saturating_add(1);
        if let Err(error) = self.look() {
            return Err(Unanswered { error, unsent: true });
        }
        let bodyless = request.body().is_empty();
        if let Err(error) = self.begin(request) {
            return Err(Unanswered { error, unsent: false });
        }
        let method = request.method();
        std::future::poll_fn(|cx| self.poll_answer(cx, method, interim))
            .await
            .map_err(|error| Unanswered { error, unsent: bodyless && !self.begun })
    }

    fn begin(&mut self, request: &mut Request<B>) -> Result<(), Error> {
        if request.body().is_empty() {
            // Written from where it was made, if the endpoint takes it at once, as it does.
            return upload::with_head(request, |head| {
                let mut context = Context::from_waker(Waker::noop());
                let written = match Pin::new(&mut self.stream).poll_write(&mut context, head) {
                    Poll::Ready(Ok(written)) => written,
                    // An error comes again.
                    Poll::Ready(Err(_)) | Poll::Pending => 0,
                };
                self.begun = written > 0;
                if written < head.len() {
                    self.output = Bytes::copy_from_slice(&head[written..]);
                }
            });
        }
        self.upload = Some(Upload::new(request)?);
        Ok(())
    }

    /// Sends what can be sent, and reads the head of the answer.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        interim: &mut OnInterim<'_>,
    ) -> Poll<Result<Response<()>, Error>> {
        // To read comes first: it ends when nothing has come, while a long request would use up what the runtime lets a task
        // do in one go. But there is no answer to what was not sent.
        let reads = self.begun;
        if reads && let Poll::Ready(head) = self.poll_head(cx, method, interim) {
            return Poll::Ready(head.map(|head| self.receive(head)));
        }
        if self.is_sending()
            && let Poll::Ready(written) = self.poll_write(cx)
        {
            match written {
                Ok(()) => {}
                Err(error @ (Error::Request(_) | Error::RequestLength)) => return Poll::Ready(Err(error)),
                // An endpoint may answer without having read all of a request, and take no more of it.
                Err(_) => self.give_up_sending(),
            }
        }
        if reads {
            return Poll::Pending;
        }
        self.poll_head(cx, method, interim).map(|head| head.map(|head| self.receive(head)))
    }

    fn receive(&mut self, Head { response, keep_alive, decoder }: Head) -> Response<()> {
        // A tunnel sends what is left by itself. Elsewhere nobody might look again.
        let alone = &mut Context::from_waker(Waker::noop());
        self.flushed |= response.status() == StatusCode::SWITCHING_PROTOCOLS
            || matches!(Pin::new(&mut self.stream).poll_flush(alone), Poll::Ready(Ok(())));
        self.reusable &= keep_alive;
        self.decoder = decoder;
        response
    }

    fn give_up_sending(&mut self) {
        self.upload = None;
        self.output = Bytes::new();
        self.flushed = true;
        self.reusable = false;
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        interim: &mut OnInterim<'_>,
    ) -> Poll<Result<Head, Error>> {
        let mut read = 0;
        loop {
            while let Some(head) = self.input.take_head(method, self.limits)? {
                let status = head.response.status();
                if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                    return Poll::Ready(Ok(head));
                }
                interim(head.response);
                read += 1;
                if read == MAX_INTERIM {
                    // Whoever sends them without end holds up nobody else on the thread.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            if ready!(self.input.poll_more(cx, &mut self.stream))? == 0 {
                return Poll::Ready(Err(Error::Ended));
            }
        }
    }

    /// Sends what is left of the request; ready when nothing is.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let written = ready!(self.poll_rest(cx));
        self.flushed |= written.is_ok();
        self.reset |= matches!(&written, Err(Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionReset);
        Poll::Ready(written)
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(upload) = &mut self.upload {
            ready!(upload.poll(cx, &mut self.stream, &mut self.begun))?;
            self.upload = None;
        }
        while !self.output.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output))?;
            if written == 0 {
                return Poll::Ready(Err(Error::Ended));
            }
            self.begun = true;
            self.output.advance(written);
        }
        Pin::new(&mut self.stream).poll_flush(cx).map_err(Error::Io)
    }

    /// Whether some of the request is still to be sent.
    pub fn is_sending(&self) -> bool {
        self.upload.is_some() || !self.output.is_empty() || !self.flushed
    }

    /// The next part of the answer's body.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            match self.decoder.decode(self.input.unread(), self.limits) {
                Ok(Part::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Part::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Part::End) => return Poll::Ready(None),
                Ok(Part::More) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            let ended = match ready!(self.input.poll_more(cx, &mut self.stream)) {
                Ok(0) if self.reset => Err(Error::Ended),
                Ok(0) => self.decoder.end(),
                Ok(_) => Ok(()),
                Err(error) => Err(Error::Io(error)),
            };
            if let Err(error) = ended {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Whether all of the answer has been read.
    pub fn is_end_stream(&self) -> bool {
        matches!(self.decoder, Decoder::Ended)
    }

    /// How much of the answer is left.
    pub fn size_hint(&self) -> SizeHint {
        self.decoder.size_hint()
    }

    /// Ends the exchange. `None` if it must be the last one of this connection.
    pub fn rest(self: Box<Self>) -> Option<Box<Self>> {
        let clean = self.reusable && self.is_end_stream() && !self.is_sending() && self.input.is_empty();
        clean.then_some(self)
    }

    /// The stream, for another protocol.
    pub fn into_switched(mut self) -> Switched<S> {
        let ahead = self.input.take();
        Switched { stream: self.stream, ahead }
    }

    /// Tells the endpoint that nothing more will come, if it takes that now.
    pub fn close(mut self) {
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }
}

#[cfg(test)]
mod tests;
