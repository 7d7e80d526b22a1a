//! An answer that begins before its request has been sent to the end.
//!
//! The client may send the rest only when it has read what there is, or read only when it has sent all: neither waits for the
//! other. So a task reads the answer, a part ahead of whoever asks for it, and sends the request.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backstay_http1::Error;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::PollSender;

use super::http1::Connection;
use super::idle::IdleConnections;
use crate::connector::Connector;

/// How long what is left of a request may take once it has been answered.
pub const LINGER: Duration = Duration::from_secs(1);

type Part = Result<Frame<Bytes>, Error>;

/// The answer of a connection that a task drives. Dropped before [`Duplex::done`], the connection closes.
#[derive(Debug)]
pub(super) struct Duplex {
    parts: mpsc::Receiver<Part>,
    /// Bytes of it to come, where it says how many.
    left: Option<u64>,
    ended: bool,
    /// What is left of the request may be sent.
    goes_on: bool,
    task: AbortHandle,
}

impl Duplex {
    /// Goes on with both directions of `connection`. It goes back to `idle` if it can carry another request then.
    pub(super) fn drive<C: Connector>(connection: Box<Connection<C>>, idle: Rc<IdleConnections<C>>) -> Self {
        let (sender, parts) = mpsc::channel(1);
        let left = connection.size_hint().exact();
        let task = tokio::task::spawn_local(drive(connection, idle, sender)).abort_handle();
        Self { parts, left, ended: left == Some(0), goes_on: false, task }
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        let part = ready!(self.parts.poll_recv(cx));
        match (&part, &mut self.left) {
            (Some(Ok(part)), Some(left)) => {
                *left = left.saturating_sub(part.data_ref().map_or(0, Bytes::len) as u64);
                self.ended |= *left == 0;
            }
            (None, _) => self.ended = true,
            _ => {}
        }
        Poll::Ready(part)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.ended
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    /// The answer has been read: what is left of the request has a little more time.
    pub(super) fn done(mut self) {
        self.goes_on = true;
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        if !self.goes_on {
            self.task.abort();
        }
    }
}

async fn drive<C: Connector>(
    mut connection: Box<Connection<C>>,
    idle: Rc<IdleConnections<C>>,
    parts: mpsc::Sender<Part>,
) {
    let mut parts = PollSender::new(parts);
    let (mut sending, mut failed) = (true, false);
    let broken = poll_fn(|cx| {
        // To read comes first, as it ends when whoever asked has enough for now.
        let read = poll_answer::<C>(&mut connection, &mut parts, cx);
        if sending && let Poll::Ready(result) = connection.poll_write(cx) {
            sending = false;
            failed = result.is_err();
            if let Err(error @ (Error::Request(_) | Error::RequestLength)) = result
                && read.is_pending()
            {
                return Poll::Ready(Some(error));
            }
        }
        read.map(|()| None)
    })
    .await;
    if let Some(error) = broken {
        // Only the end of the connection tells the endpoint not to wait for the rest.
        drop(connection);
        if poll_fn(|cx| parts.poll_reserve(cx)).await.is_ok() {
            let _ = parts.send_item(Err(error));
        }
        return;
    }
    drop(parts);
    if sending && !failed {
        failed = !matches!(timeout(LINGER, poll_fn(|cx| connection.poll_write(cx))).await, Ok(Ok(())));
    }
    if !failed {
        idle.give_back(connection);
    }
}

/// Hands the answer on; ready at its end, or when nobody wants more.
fn poll_answer<C: Connector>(
    connection: &mut Connection<C>,
    parts: &mut PollSender<Part>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    while ready!(parts.poll_reserve(cx)).is_ok() {
        let Some(part) = ready!(connection.poll_frame(cx)) else { break };
        let failed = part.is_err();
        if parts.send_item(part).is_err() || failed {
            break;
        }
    }
    Poll::Ready(())
}
