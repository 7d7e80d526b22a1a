//! An HTTP/1.1 connection from a client, which needs little memory between requests that are far apart.
//!
//! While requests follow each other, hyper keeps its buffers, and they are there for the next one. A connection that has been
//! idle since the last sweep is taken out of hyper's hands, and what it took goes: its stream waits alone for the next bytes,
//! with which hyper begins anew. Whether there is nothing left to do hyper says itself: it is told to shut down, which it does at
//! once only between requests, and the stream stays open.

use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1::UpgradeableConnection;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;

use super::io::{ClientIo, poll_first};
use crate::exchange::ClientConnection;

/// A connection in hyper's hands.
pub(super) type Served<S> = UpgradeableConnection<TokioIo<ClientIo>, S>;

/// An HTTP/1.1 connection from a client. `begin` puts a stream into hyper's hands.
pub(super) struct Http1<S: HttpService<Incoming>, F> {
    begin: F,
    client: Rc<ClientConnection>,
    state: State<S>,
    /// The connection takes no more requests.
    finishing: bool,
}

enum State<S: HttpService<Incoming>> {
    /// Boxed, so that what is parked does not keep the place.
    Served(Box<Served<S>>),
    /// Without hyper, until bytes come.
    Parked(ClientIo, #[expect(dead_code, reason = "held")] ParkedGuard),
    /// Without hyper, to say that nothing follows.
    Closing(ClientIo),
    Closed,
}

/// Counts a connection that is parked, and keeps its stream from being shut down, for as long as it is.
struct ParkedGuard(Rc<ClientConnection>);

impl ParkedGuard {
    fn begin(client: &Rc<ClientConnection>) -> Self {
        client.activity.park();
        client.thread.shared.metrics.parked.increment();
        Self(Rc::clone(client))
    }
}

impl Drop for ParkedGuard {
    fn drop(&mut self) {
        self.0.activity.unpark();
        self.0.thread.shared.metrics.parked.decrement();
    }
}

impl<S, B, F> Http1<S, F>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    F: Fn(ClientIo) -> Served<S> + Unpin,
{
    pub(super) fn new(stream: ClientIo, client: Rc<ClientConnection>, begin: F) -> Self {
        let state = State::Served(Box::new(begin(stream)));
        Self { begin, client, state, finishing: false }
    }

    /// Puts a stream into hyper's hands again, of which `ahead` was read.
    fn serve(&self, mut stream: ClientIo, ahead: Bytes) -> State<S> {
        stream.begin_anew(ahead);
        State::Served(Box::new((self.begin)(stream)))
    }

    /// The connection takes no more requests.
    pub(super) fn finish(self: Pin<&mut Self>) {
        let this = self.get_mut();
        this.finishing = true;
        this.state = match mem::replace(&mut this.state, State::Closed) {
            State::Served(mut connection) => {
                Pin::new(&mut *connection).graceful_shutdown();
                State::Served(connection)
            }
            State::Parked(stream, _) => State::Closing(stream),
            other => other,
        };
    }

    /// The stream, unless the connection has ended.
    pub(super) fn into_stream(self) -> Option<ClientIo> {
        match self.state {
            State::Served(connection) => Some(connection.into_parts()?.io.into_inner()),
            State::Parked(stream, _) | State::Closing(stream) => Some(stream),
            State::Closed => None,
        }
    }

    /// Takes the connection out of hyper's hands. Pending when hyper is not done with it.
    fn park(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        let State::Served(connection) = &mut self.state else { return Poll::Ready(Ok(())) };
        let parked = ParkedGuard::begin(&self.client);
        Pin::new(&mut **connection).graceful_shutdown();
        let Poll::Ready(ended) = Pin::new(&mut **connection).poll(cx) else {
            self.finishing = true;
            return Poll::Pending;
        };
        let State::Served(connection) = mem::replace(&mut self.state, State::Closed) else { return Poll::Ready(ended) };
        ended?;
        let Some(parts) = connection.into_parts() else { return Poll::Ready(Ok(())) };
        let (stream, read) = (parts.io.into_inner(), parts.read_buf);
        // Empty lines before a request mean nothing (RFC 9112, 2.2).
        self.state = match read.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) {
            None if !stream.is_refused() => State::Parked(stream, parked),
            // The client began another request before it had all of the last answer.
            start => self.serve(stream, read.slice(start.unwrap_or(0)..)),
        };
        Poll::Ready(Ok(()))
    }

    /// Takes a parked connection up again, with the first bytes of a request, or with none at the end of the stream.
    fn wake(&mut self, first: Bytes) {
        let State::Parked(stream, _) = mem::replace(&mut self.state, State::Closed) else { return };
        self.state = if first.is_empty() { State::Closing(stream) } else { self.serve(stream, first) };
    }
}

impl<S, B, F> Future for Http1<S, F>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    F: Fn(ClientIo) -> Served<S> + Unpin,
{
    type Output = hyper::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Served(connection) => {
                    if let Poll::Ready(ended) = Pin::new(&mut **connection).poll(cx) {
                        this.state = State::Closed;
                        return Poll::Ready(ended);
                    }
                    if this.finishing || !this.client.activity.may_park() {
                        return Poll::Pending;
                    }
                    ready!(this.park(cx))?;
                }
                State::Parked(stream, _) => match ready!(poll_first(&mut stream.stream, cx)) {
                    Ok(first) => this.wake(first),
                    Err(error) => {
                        tracing::debug!(%error, "a client's connection failed while it was idle");
                        this.state = State::Closed;
                    }
                },
                State::Closing(stream) => {
                    // The client may be gone.
                    let _ = ready!(Pin::new(stream).poll_shutdown(cx));
                    this.state = State::Closed;
                }
                State::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}
