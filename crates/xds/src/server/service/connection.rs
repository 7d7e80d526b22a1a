use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Code, Status, Streaming};

use crate::server::demand::Demand;
use crate::server::{Event, Identity, Options, Output, Peer, Response, Source, Stream, StreamId};
use crate::{Snapshot, Variant};

type Message = Result<Response, Status>;

/// The two directions of one stream, and what runs between them.
pub(super) struct Connection<S: Source, R> {
    pub(super) id: StreamId,
    pub(super) variant: Variant,
    /// The type that the service is of.
    pub(super) implied: Option<&'static str>,
    pub(super) source: Arc<S>,
    pub(super) options: Arc<Options>,
    /// One permit for each bulk response that may be unanswered.
    pub(super) bulk: Arc<Semaphore>,
    pub(super) address: Option<SocketAddr>,
    pub(super) identity: Option<Identity>,
    pub(super) requests: Streaming<R>,
    pub(super) responses: mpsc::Sender<Message>,
}

impl<S: Source, R: TryInto<Demand, Error: std::fmt::Display> + 'static> Connection<S, R> {
    pub(super) async fn run(mut self) {
        let (id, address) = (self.id, self.address);
        if let Err(status) = self.serve().await {
            let (code, message) = (status.code(), status.message());
            match code {
                // Something is wrong with the client, or a limit is too low for it.
                Code::InvalidArgument | Code::ResourceExhausted => {
                    tracing::warn!(stream = %id, ?address, ?code, message, "ended a discovery stream");
                }
                _ => tracing::debug!(stream = %id, ?address, ?code, message, "a discovery stream ended"),
            }
            // A client that does not read holds this up until its connection is gone.
            let _ = self.responses.send(Err(status)).await;
        }
    }

    async fn serve(&mut self) -> Result<(), Status> {
        let deadline = self.options.first_request_timeout;
        let first = timeout(deadline, self.request())
            .await
            .map_err(|_| Status::deadline_exceeded(format!("no request within {deadline:?} of opening the stream")))?;
        let Some(first) = first? else { return Ok(()) };
        let node = first.node(&self.options)?.clone();
        let peer = Peer { node, address: self.address, identity: self.identity.take() };
        let mut snapshots = self.source.subscribe(&peer, first.type_url())?;
        let observed = Observed { source: self.source.clone(), id: self.id };
        observed.tell(Event::Opened { peer, type_url: first.type_url().into() });
        let snapshot = snapshots.borrow_and_update().clone();
        let mut stream = Stream::new(self.id, self.variant, self.options.clone(), snapshot);
        stream.request(first)?;
        let bulk_permits = self.bulk.clone();
        let mut turn: Option<Turn<'_>> = None;
        let mut wait: Option<Wait> = None;
        loop {
            let bulk = (turn.is_none() && stream.is_bulk()).then_some(&*bulk_permits);
            wait = Wait::on(&stream, wait, self.options.answer_timeout);
            // What is ready is sent before the next request is read: a client that ends its side gets what is due.
            tokio::select! {
                biased;
                room = room(&self.responses, bulk), if stream.is_ready() => {
                    let Some((slot, permit)) = room else { return Ok(()) };
                    let taken = permit.map(|permit| Turn { _permit: permit, until: Instant::now() + self.options.bulk_timeout });
                    turn = taken.or(turn);
                    advance(&mut stream, &observed, slot);
                }
                () = self.responses.closed() => return Ok(()),
                () = until(turn.as_ref().map(|turn| turn.until)) => turn = None,
                () = until(wait.as_ref().map(|wait| wait.until)) => {
                    if let Some(wait) = &wait {
                        stream.late(&wait.nonce);
                    }
                }
                snapshot = newer(&mut snapshots) => stream.snapshot(snapshot?),
                request = request(&mut self.requests, self.implied) => match request? {
                    Some(request) => stream.request(request)?,
                    None => return Ok(()),
                },
            }
            turn = turn.filter(|_| stream.is_bulk_in_flight());
            // An answer is told at once, also while the next response waits for room.
            while let Some(event) = stream.event() {
                observed.tell(event);
            }
        }
    }

    async fn request(&mut self) -> Result<Option<Demand>, Status> {
        request(&mut self.requests, self.implied).await
    }
}

/// The next request, of the type that the service implies.
async fn request<R: TryInto<Demand, Error: std::fmt::Display>>(
    requests: &mut Streaming<R>,
    implied: Option<&'static str>,
) -> Result<Option<Demand>, Status> {
    let Some(request) = requests.message().await.map_err(unreadable)? else { return Ok(None) };
    let demand = request.try_into();
    let mut demand: Demand = demand.map_err(|error| unreadable(Status::internal(error.to_string())))?;
    if let Some(implied) = implied {
        demand.imply(implied)?;
    }
    Ok(Some(demand))
}

/// The right to have a bulk response unanswered.
struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    until: Instant,
}

/// For the answer that other types wait for.
struct Wait {
    nonce: Arc<str>,
    until: Instant,
}

impl Wait {
    fn on(stream: &Stream, before: Option<Self>, patience: Duration) -> Option<Self> {
        let nonce = stream.waits()?;
        let same = before.filter(|before| before.nonce == nonce);
        Some(same.unwrap_or_else(|| Self { nonce, until: Instant::now() + patience }))
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Waits until the transport takes a message and, for a bulk response, for a turn. Nothing if the transport is gone.
async fn room<'a>(
    responses: &'a mpsc::Sender<Message>,
    bulk: Option<&'a Semaphore>,
) -> Option<(mpsc::Permit<'a, Message>, Option<SemaphorePermit<'a>>)> {
    let slot = responses.reserve().await.ok()?;
    let turn = match bulk {
        Some(bulk) => Some(bulk.acquire().await.ok()?),
        None => None,
    };
    Some((slot, turn))
}

/// Does what the stream wants, up to and including the one message there is room for.
fn advance<S: Source>(stream: &mut Stream, observed: &Observed<S>, slot: mpsc::Permit<'_, Message>) {
    while let Some(output) = stream.output() {
        match output {
            Output::Event(event) => observed.tell(event),
            Output::Response(response, event) => {
                observed.tell(event);
                slot.send(Ok(response));
                return;
            }
        }
    }
}

async fn newer(snapshots: &mut watch::Receiver<Snapshot>) -> Result<Snapshot, Status> {
    match snapshots.changed().await {
        Ok(()) => Ok(snapshots.borrow_and_update().clone()),
        Err(_) => Err(Status::unavailable("the control plane no longer serves this stream; connect again")),
    }
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

/// What tonic calls an internal error is what the client sent: a message that is too long, or not a message.
fn unreadable(status: Status) -> Status {
    match status.code() {
        Code::Internal | Code::OutOfRange | Code::Unimplemented | Code::DataLoss => {
            Status::invalid_argument(format!("the request cannot be read: {}", status.message()))
        }
        _ => status,
    }
}
