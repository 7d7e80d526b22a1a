//! An HTTP/2 connection from a client.
//!
//! The library (`h2`) reads and writes frames, keeps windows, and ends a connection that is not what the standard demands. Here its
//! streams are handed to the service, each in a task of its own that the sweep may end.

mod stream;

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::{Builder, Connection, Handshake, SendResponse};
use h2::{Reason, RecvStream};
use http::{Method, Request};
use tokio::sync::oneshot;

use super::io::ClientIo;
use crate::activity::StreamActivity;
use crate::body::{ClientBody, StreamBody};
use crate::counts::ServerMetrics;
use crate::exchange::{ClientConnection, Exchange, Service, StreamUpgrade};

/// Streams of one connection that this side may have to reset because of what came on them. Each may cost the connection to the
/// endpoint on which its request was under way ("MadeYouReset", CVE-2025-8671), and no honest client comes near.
const MAX_RESETS: usize = 100;

/// Bytes of answers that the library keeps for each stream while its client does not read.
const MAX_SEND_BUFFER: usize = 400 << 10;

/// An HTTP/2 connection from a client.
pub(super) struct Http2<S> {
    state: State,
    client: Rc<ClientConnection>,
    service: S,
    /// The connection takes no more requests.
    finishing: bool,
}

enum State {
    Opening(Handshake<ClientIo, Bytes>),
    Serving(Connection<ClientIo, Bytes>),
}

impl<S: Service> Http2<S> {
    pub(super) fn new(stream: ClientIo, client: Rc<ClientConnection>, service: S) -> Self {
        let shared = &client.thread.shared;
        let limits = &shared.limits;
        let mut builder = Builder::new();
        builder
            .max_concurrent_streams(limits.max_streams)
            .initial_window_size(limits.stream_window)
            .initial_connection_window_size(limits.connection_window)
            .max_send_buffer_size(MAX_SEND_BUFFER)
            .max_local_error_reset_streams(Some(MAX_RESETS))
            // The library refuses by itself what is larger, unseen; what is larger than may be is refused with the request.
            .max_header_list_size(u32::try_from(2 * client.max_head_size()).unwrap_or(u32::MAX));
        if !shared.upgrades.is_empty() {
            builder.enable_connect_protocol();
        }
        Self { state: State::Opening(builder.handshake(stream)), client, service, finishing: false }
    }

    /// The connection takes no more requests.
    pub(super) fn finish(self: Pin<&mut Self>) {
        let this = self.get_mut();
        this.finishing = true;
        if let State::Serving(connection) = &mut this.state {
            connection.graceful_shutdown();
        }
    }

    /// A request has come.
    fn begin(&self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        let activity = Rc::<StreamActivity>::default();
        let (parts, stream) = request.into_parts();
        let has_body = !stream.is_end_stream();
        let (mut request, connect) = if parts.method == Method::CONNECT {
            if parts.headers.get(http::header::CONTENT_LENGTH).is_some_and(|length| length != "0") {
                // There is no telling a body from what follows.
                respond.send_reset(Reason::PROTOCOL_ERROR);
                return;
            }
            (Request::from_parts(parts, ClientBody::Empty), Some(stream))
        } else {
            let body = if has_body {
                ClientBody::Http2(StreamBody::new(stream, &parts.headers, &activity))
            } else {
                ClientBody::Empty
            };
            (Request::from_parts(parts, body), None)
        };
        let exchange = Exchange::start(&self.client, &request, Some(Rc::clone(&activity)));
        let connect = connect.map(|stream| {
            let (changed, waits) = oneshot::channel();
            request.extensions_mut().insert(StreamUpgrade::new(waits));
            stream::Connect { stream, changed }
        });
        let thread = &self.client.thread;
        let work = self.service.serve(exchange, request);
        let answering =
            stream::Answering { thread: Rc::clone(thread), activity: Rc::clone(&activity), respond, connect };
        thread.streams.run(activity, answering.run(work));
    }
}

impl<S: Service> Future for Http2<S> {
    type Output = Result<(), h2::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Opening(handshake) => {
                    let mut connection = ready!(Pin::new(handshake).poll(cx))?;
                    if this.finishing {
                        connection.graceful_shutdown();
                    }
                    this.state = State::Serving(connection);
                }
                State::Serving(connection) => match ready!(connection.poll_accept(cx)) {
                    Some(Ok((request, respond))) => {
                        this.begin(request, respond);
                        // Told before its first request, a client could lose that.
                        if this.client.is_closing() && !this.finishing {
                            Pin::new(&mut *this).finish();
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    None => return Poll::Ready(Ok(())),
                },
            }
        }
    }
}

/// Counts that a connection has ended because of what arrived, if that is why.
pub(super) fn count(error: &h2::Error, metrics: &ServerMetrics) {
    if error.is_library() && error.reason() != Some(Reason::NO_ERROR) {
        metrics.protocol_errors.increment(1);
    }
}
