//! The right to send one request on a connection.

use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll};

use backstay_http1::{OnInterim, RequestBody};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body::{Frame, SizeHint};
use hyper::client::conn::http2;
use thiserror::Error;

use super::duplex::Duplex;
use super::http1::{self, Tunnel};
use super::idle::IdleConnections;
use super::stream::{Origin, Stream, StreamPermit};
use crate::connector::Connector;
use crate::received::{ReceiveError, Received};

/// The right to send one request on a connection. Dropped before [`Incoming::done`], an HTTP/1.1 connection closes.
#[derive(Debug)]
pub struct Lease<C: Connector> {
    connection: Connection<C>,
    /// Where the connection comes from.
    pub origin: Origin,
}

#[derive(Debug)]
enum Connection<C: Connector> {
    Http1 { connection: Box<http1::Connection<C>>, idle: Rc<IdleConnections<C>> },
    Http2 { sender: http2::SendRequest<C::Body>, permit: StreamPermit },
}

/// What is left of an answer after its head. Dropped before [`Incoming::done`], an HTTP/1.1 connection closes.
#[derive(Debug)]
pub struct Incoming<C: Connector>(Source<C>);

#[derive(Debug)]
enum Source<C: Connector> {
    Http1 {
        connection: Box<http1::Connection<C>>,
        idle: Rc<IdleConnections<C>>,
    },
    Duplex(Duplex),
    Http2 {
        body: Received,
        sender: http2::SendRequest<C::Body>,
        _permit: StreamPermit,
    },
    /// Nothing is left.
    Done,
}

/// Why an endpoint does not answer, or breaks off.
#[derive(Debug, Error)]
pub enum Error {
    /// On a connection of HTTP/1.1.
    #[error(transparent)]
    Http1(#[from] backstay_http1::Error),
    /// On a stream of HTTP/2.
    #[error("{error}")]
    Http2 {
        /// What hyper says.
        error: hyper::Error,
        /// The connection is gone too.
        closed: bool,
    },
    /// The stream was reset in the middle of its answer.
    #[error("the endpoint reset the stream")]
    Reset,
}

/// Why there is no answer to a request.
#[derive(Debug)]
pub struct Unanswered {
    /// What went wrong.
    pub error: Error,
    /// None of the request was sent. It is whole.
    pub unsent: bool,
}

impl<C: Connector> Lease<C> {
    pub(super) fn http1(connection: Box<http1::Connection<C>>, idle: Rc<IdleConnections<C>>, origin: Origin) -> Self {
        Self { connection: Connection::Http1 { connection, idle }, origin }
    }

    pub(super) fn http2(Stream { sender, permit, origin }: Stream<C>) -> Self {
        Self { connection: Connection::Http2 { sender, permit }, origin }
    }

    /// The address of this end of the connection.
    pub fn local(&self) -> Option<SocketAddr> {
        match &self.connection {
            Connection::Http1 { connection, .. } => C::local(&connection.stream().stream),
            Connection::Http2 { permit, .. } => permit.local(),
        }
    }

    /// Sends a request, and ends with the head of the answer and what follows. What comes before it goes to `interim`, which is told of
    /// nothing by endpoints of HTTP/2: hyper drops it. The request stays what it was if it has no body, or if none of it was sent.
    ///
    /// # Errors
    /// When there is no answer: why, and whether the request was sent.
    pub async fn send(
        self,
        request: &mut Request<C::Body>,
        interim: &mut OnInterim<'_>,
    ) -> Result<(Response<()>, Incoming<C>), Unanswered> {
        match self.connection {
            Connection::Http1 { mut connection, idle } => {
                let sent = connection.send(request, interim).await;
                let response = sent.map_err(|backstay_http1::Unanswered { error, unsent }| Unanswered {
                    error: error.into(),
                    unsent,
                })?;
                let source = if connection.is_sending() {
                    Source::Duplex(Duplex::drive(connection, idle))
                } else {
                    Source::Http1 { connection, idle }
                };
                Ok((response, Incoming(source)))
            }
            // Boxed: a future is as large as its largest part, and is moved.
            Connection::Http2 { sender, permit } => Box::pin(send_http2(sender, permit, request)).await,
        }
    }

    /// There is no request after all.
    pub fn cancel(self) {
        if let Connection::Http1 { connection, idle } = self.connection {
            idle.give_back(connection);
        }
    }
}

async fn send_http2<C: Connector>(
    mut sender: http2::SendRequest<C::Body>,
    permit: StreamPermit,
    request: &mut Request<C::Body>,
) -> Result<(Response<()>, Incoming<C>), Unanswered> {
    let spare = request.body().is_empty().then(|| Spare::of(request));
    let taken = std::mem::replace(request, Request::new(C::Body::empty()));
    let mut error = match sender.try_send_request(taken).await {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            let source = Source::Http2 { body: Received(body), sender, _permit: permit };
            return Ok((Response::from_parts(parts, ()), Incoming(source)));
        }
        Err(error) => error,
    };
    let returned = error.take_message();
    let unsent = returned.is_some();
    if let Some(returned) = returned.or_else(|| spare.map(Spare::into_request)) {
        *request = returned;
    }
    Err(Unanswered { error: Error::Http2 { error: error.into_error(), closed: sender.is_closed() }, unsent })
}

impl<C: Connector> Incoming<C> {
    /// The next part.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Source::Http1 { connection, .. } => connection.poll_frame(cx).map_err(Error::Http1),
            Source::Duplex(duplex) => duplex.poll_frame(cx).map_err(Error::Http1),
            Source::Http2 { body, sender, .. } => body.poll_frame(cx).map_err(|error| match error {
                ReceiveError::Peer(error) => Error::Http2 { error, closed: sender.is_closed() },
                ReceiveError::Reset => Error::Reset,
            }),
            Source::Done => Poll::Ready(None),
        }
    }

    /// Whether all has been read.
    pub fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Http1 { connection, .. } => connection.is_end_stream(),
            Source::Duplex(duplex) => duplex.is_end_stream(),
            Source::Http2 { body, .. } => body.is_end_stream(),
            Source::Done => true,
        }
    }

    /// How much is left.
    pub fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Http1 { connection, .. } => connection.size_hint(),
            Source::Duplex(duplex) => duplex.size_hint(),
            Source::Http2 { body, .. } => body.size_hint(),
            Source::Done => SizeHint::with_exact(0),
        }
    }

    /// All has been read: an HTTP/1.1 connection goes back to its pool.
    pub fn done(&mut self) {
        match std::mem::replace(&mut self.0, Source::Done) {
            Source::Http1 { connection, idle } => idle.give_back(connection),
            Source::Duplex(duplex) => duplex.done(),
            Source::Http2 { .. } | Source::Done => {}
        }
    }

    /// Whether the answer may change the protocol: the connection is this request's alone, and all of that has been sent, or what
    /// is left of it would be taken for the other protocol.
    pub fn may_tunnel(&self) -> bool {
        matches!(self.0, Source::Http1 { .. })
    }

    /// The connection, when the answer has changed its protocol. `None` where connections are shared.
    pub fn into_tunnel(self) -> Option<Tunnel<C>> {
        match self.0 {
            Source::Http1 { connection, .. } => Some(Tunnel(connection.into_switched())),
            Source::Duplex(_) | Source::Http2 { .. } | Source::Done => None,
        }
    }
}

/// What it takes to send a request without a body again.
struct Spare {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

impl Spare {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
        }
    }

    fn into_request<B: RequestBody>(self) -> Request<B> {
        let mut request = Request::new(B::empty());
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }
}
