use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::coop::poll_proceed;
use tokio::time::{Instant, Sleep};
use tokio_stream::wrappers::WatchStream;
use tonic::Status;

use super::Opening;
use super::awaited::Awaited;
use super::requests::Requests;
use super::turn::{Queue, Turn};
use crate::Snapshot;
use crate::server::demand::Demand;
use crate::server::{Event, Options, Output, Peer, Response, Source, Stream, StreamId};

/// A stream whose client has said who it is.
pub(super) struct Open<S: Source> {
    stream: Stream,
    observed: Observed<S>,
    snapshots: Awaited<WatchStream<Snapshot>>,
    options: Arc<Options>,
    bulk: Arc<Semaphore>,
    /// Of the bulk response that is unanswered.
    turn: Option<Turn>,
    queue: Queue,
    /// What other types wait for: the timer is set for it.
    wait: Option<Arc<str>>,
}

impl<S: Source> Open<S> {
    /// Begins with the first request of a peer that the source has let in.
    pub(super) fn new(
        opening: &Opening<S>,
        peer: Peer,
        mut snapshots: watch::Receiver<Snapshot>,
        first: Demand,
    ) -> Result<Self, Status> {
        let Opening { id, variant, source, options, bulk, .. } = opening;
        let observed = Observed { source: source.clone(), id: *id };
        observed.tell(Event::Opened { peer, type_url: first.type_url().into() });
        let snapshot = snapshots.borrow_and_update().clone();
        let mut stream = Stream::new(*id, *variant, options.clone(), snapshot);
        stream.request(first)?;
        Ok(Self {
            stream,
            observed,
            snapshots: Awaited::new(WatchStream::from_changes(snapshots)),
            options: options.clone(),
            bulk: bulk.clone(),
            turn: None,
            queue: Queue::default(),
            wait: None,
        })
    }

    /// The next response; nothing if the client has ended its side.
    pub(super) fn poll(
        &mut self,
        requests: &mut Requests,
        mut timer: Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Response>, Status>> {
        loop {
            let budget = ready!(poll_proceed(context));
            // What is ready is sent before the next request is read: a client that ends its side gets what is due.
            if self.stream.is_ready()
                && self.poll_turn(context).is_ready()
                && let Some(response) = self.advance()
            {
                budget.made_progress();
                return Poll::Ready(Ok(Some(response)));
            }
            if self.poll_late(timer.as_mut(), context).is_ready() {
                continue;
            }
            match self.snapshots.poll(context, |snapshots, context| Pin::new(snapshots).poll_next(context)) {
                Poll::Ready(Some(snapshot)) => self.stream.snapshot(snapshot),
                Poll::Ready(None) => return Poll::Ready(Err(ended())),
                Poll::Pending => match ready!(requests.poll(context))? {
                    Some(request) => self.stream.request(request)?,
                    None => return Poll::Ready(Ok(None)),
                },
            }
            budget.made_progress();
            self.keep_turn();
            // An answer is told at once, also while the next response waits for its turn.
            while let Some(event) = self.stream.event() {
                self.observed.tell(event);
            }
        }
    }

    /// Waits, before a bulk response, for the turn to send one.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let has_turn = self.turn.as_ref().is_some_and(|turn| !turn.is_over());
        if has_turn || !self.stream.is_bulk() {
            self.queue.leave();
            return Poll::Ready(());
        }
        self.turn = Some(ready!(self.queue.poll(&self.bulk, self.options.bulk_timeout, context)));
        Poll::Ready(())
    }

    /// Gives up the turn of a bulk response that is answered, or that was not sent after all.
    fn keep_turn(&mut self) {
        if self.turn.is_some() && !self.stream.is_bulk_in_flight() {
            self.turn = None;
        }
    }

    /// Does what the stream wants, up to and including the first response.
    fn advance(&mut self) -> Option<Response> {
        let mut next = None;
        while next.is_none()
            && let Some(output) = self.stream.output()
        {
            match output {
                Output::Event(event) => self.observed.tell(event),
                Output::Response(response, event) => {
                    self.observed.tell(event);
                    next = Some(response);
                }
            }
        }
        self.keep_turn();
        next
    }

    /// Sees to it that nothing waits for an answer for too long.
    fn poll_late(&mut self, mut timer: Pin<&mut Sleep>, context: &mut Context<'_>) -> Poll<()> {
        let wait = self.stream.waits();
        if wait.is_some() && wait != self.wait {
            timer.as_mut().reset(Instant::now() + self.options.answer_timeout);
        }
        self.wait = wait;
        let Some(nonce) = &self.wait else { return Poll::Pending };
        ready!(timer.poll(context));
        self.stream.late(nonce);
        Poll::Ready(())
    }
}

fn ended() -> Status {
    Status::unavailable("the control plane no longer serves this stream; connect again")
}

/// Tells the observer that the stream closed, however it ends.
struct Observed<S: Source> {
    source: Arc<S>,
    id: StreamId,
}

impl<S: Source> Observed<S> {
    fn tell(&self, event: Event) {
        self.source.observe(self.id, event);
    }
}

impl<S: Source> Drop for Observed<S> {
    fn drop(&mut self) {
        self.source.observe(self.id, Event::Closed);
    }
}
