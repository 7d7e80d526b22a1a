//! The right to send one request on a connection.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::pool::Pool;
use super::queue::Queue;
use crate::forward::RequestBody;

/// How long what is left of a request may take once it has been answered.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// The right to send one request on a connection. Dropped before [`Lease::done`], an HTTP/1.1 connection closes.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Connection,
    /// The connection has carried a request before: it may have been closed by the endpoint in the meantime.
    pub(crate) reused: bool,
}

#[derive(Debug)]
enum Connection {
    Http1 { kept: Kept, pool: Rc<Pool> },
    Http2 { sender: http2::SendRequest<RequestBody>, _slot: Slot },
}

/// An HTTP/1.1 connection.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) sender: http1::SendRequest<RequestBody>,
    /// What drives it.
    task: AbortHandle,
    pub(super) born: Instant,
    /// Requests it has carried, the one under way included.
    pub(super) served: u32,
    /// Whether a request is under way.
    busy: bool,
}

impl Kept {
    /// A connection that `task` drives.
    pub(super) fn new(sender: http1::SendRequest<RequestBody>, task: AbortHandle, born: Instant) -> Self {
        Self { sender, task, born, served: 0, busy: false }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What is left of the request may never be read, and hyper would wait for that.
        if self.busy {
            self.task.abort();
        }
    }
}

/// A stream's place on a shared connection.
#[derive(Debug)]
pub(super) struct Slot(Rc<Cell<usize>>, Rc<Queue>);

impl Slot {
    pub(super) fn take(streams: &Rc<Cell<usize>>, queue: &Rc<Queue>) -> Self {
        streams.set(streams.get() + 1);
        Self(Rc::clone(streams), Rc::clone(queue))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
        self.1.wake();
    }
}

impl Lease {
    pub(super) fn http1(mut kept: Kept, pool: Rc<Pool>, reused: bool) -> Self {
        kept.served = kept.served.saturating_add(1);
        kept.busy = true;
        Self { connection: Connection::Http1 { kept, pool }, reused }
    }

    pub(super) fn http2(sender: http2::SendRequest<RequestBody>, slot: Slot, reused: bool) -> Self {
        Self { connection: Connection::Http2 { sender, _slot: slot }, reused }
    }

    /// Sends a request, ends with the head of the answer. The error gives the request back when none of it was sent.
    // No `async fn`: its future would hold the request beside hyper's.
    pub(crate) fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
        match &mut self.connection {
            Connection::Http1 { kept, .. } => Either::Left(kept.sender.try_send_request(request)),
            Connection::Http2 { sender, .. } => Either::Right(sender.try_send_request(request)),
        }
    }

    /// Whether the connection carries other requests at the same time.
    pub(crate) fn is_multiplexed(&self) -> bool {
        matches!(self.connection, Connection::Http2 { .. })
    }

    /// Whether the connection is gone.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.connection {
            Connection::Http1 { kept, .. } => kept.sender.is_closed(),
            Connection::Http2 { sender, .. } => sender.is_closed(),
        }
    }

    /// The answer has been read to its end: an HTTP/1.1 connection goes back to its pool.
    pub(crate) fn done(self) {
        let Connection::Http1 { mut kept, pool } = self.connection else { return };
        if kept.sender.is_ready() {
            kept.busy = false;
            pool.keep(kept);
        } else if !kept.sender.is_closed() {
            // The request's body is still on its way, or hyper has yet to notice the end.
            tokio::task::spawn_local(async move {
                if let Ok(Ok(())) = timeout(LINGER, kept.sender.ready()).await {
                    kept.busy = false;
                    pool.keep(kept);
                }
            });
        }
    }
}
