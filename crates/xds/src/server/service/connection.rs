//! One stream of a client, as a state machine that whoever sends its responses asks for the next: there is no task beside that of
//! the transport, and nothing between the two.

mod awaited;
mod open;
mod requests;
mod turn;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::{Code, Status};

use self::open::Open;
pub(super) use self::requests::Requests;
use crate::Variant;
use crate::server::demand::Demand;
use crate::server::{Identity, Options, Peer, Response, Source, StreamId};

/// What a stream has from the request that opens it.
pub(super) struct Opening<S: Source> {
    pub(super) id: StreamId,
    pub(super) variant: Variant,
    pub(super) source: Arc<S>,
    pub(super) options: Arc<Options>,
    /// One permit for each bulk response that may be unanswered.
    pub(super) bulk: Arc<Semaphore>,
    pub(super) address: Option<SocketAddr>,
    pub(super) identity: Option<Identity>,
}

/// The two directions of one stream, and what is between them.
pub(super) struct Connection<S: Source> {
    opening: Opening<S>,
    requests: Requests,
    /// For the first request, and then for the answer that other types wait for.
    timer: Pin<Box<Sleep>>,
    /// Nothing before the first request.
    open: Option<Open<S>>,
    /// The room it takes among all streams, given back after its end was told.
    _permit: OwnedSemaphorePermit,
}

impl<S: Source> Connection<S> {
    pub(super) fn new(opening: Opening<S>, requests: Requests, permit: OwnedSemaphorePermit) -> Self {
        let timer = Box::pin(sleep(opening.options.first_request_timeout));
        Self { opening, requests, timer, open: None, _permit: permit }
    }

    /// The next response, made when the transport asks for it, so that it is of the latest snapshot. Nothing if the client has ended
    /// its side, or the status with which the stream has to end.
    pub(super) fn poll_response(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Response>, Status>> {
        let Self { opening, requests, timer, open, .. } = self;
        let open = match open {
            Some(open) => open,
            None => match ready!(poll_first(opening, requests, timer, context))? {
                Some(first) => open.insert(opening.open(first)?),
                None => return Poll::Ready(Ok(None)),
            },
        };
        open.poll(requests, timer.as_mut(), context)
    }

    /// Says why it ends.
    pub(super) fn ended(&self, status: &Status) {
        let Opening { id, address, .. } = &self.opening;
        let (code, message) = (status.code(), status.message());
        match code {
            // Something is wrong with the client, or a limit is too low for it.
            Code::InvalidArgument | Code::ResourceExhausted => {
                tracing::warn!(stream = %id, ?address, ?code, message, "ended a discovery stream");
            }
            _ => tracing::debug!(stream = %id, ?address, ?code, message, "a discovery stream ended"),
        }
    }
}

/// The first request, if it comes in time.
fn poll_first<S: Source>(
    opening: &Opening<S>,
    requests: &mut Requests,
    timer: &mut Pin<Box<Sleep>>,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Demand>, Status>> {
    if let Poll::Ready(first) = requests.poll(context) {
        return Poll::Ready(first);
    }
    ready!(timer.as_mut().poll(context));
    let deadline = opening.options.first_request_timeout;
    Poll::Ready(Err(Status::deadline_exceeded(format!("no request within {deadline:?} of opening the stream"))))
}

impl<S: Source> Opening<S> {
    /// Asks the source what the peer gets.
    fn open(&mut self, first: Demand) -> Result<Open<S>, Status> {
        let node = first.node(&self.options)?.clone();
        let peer = Peer { node, address: self.address, identity: self.identity.take() };
        let snapshots = self.source.subscribe(&peer, first.type_url())?;
        Open::new(self, peer, snapshots, first)
    }
}
