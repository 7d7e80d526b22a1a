use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use backstay_proto::discovery::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{Event, Identity, Options, Output, Peer, Source, Stream, StreamId, Violation};
use crate::Snapshot;

type Message = Result<DeltaDiscoveryResponse, Status>;

/// The aggregated discovery service, to be added to a tonic server.
///
/// Streams live until one side ends them, so a graceful shutdown has to drop the watches of the source. Keepalive, TLS and
/// connection limits are the server's: set an HTTP/2 keepalive there, or half-open connections stay.
pub fn service<S: Source>(source: Arc<S>, options: Options) -> AggregatedDiscoveryServiceServer<Service<S>> {
    let max_request_bytes = options.max_request_bytes;
    let streams = Arc::new(Semaphore::new(options.max_streams.min(Semaphore::MAX_PERMITS)));
    let bulk = Arc::new(Semaphore::new(options.max_bulk_responses.clamp(1, Semaphore::MAX_PERMITS)));
    let service = Service { source, options, streams, bulk, opened: AtomicU64::new(0) };
    AggregatedDiscoveryServiceServer::new(service).max_decoding_message_size(max_request_bytes)
}

/// Serves the streams of a [`Source`]. Made by [`service`].
pub struct Service<S> {
    source: Arc<S>,
    options: Options,
    streams: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
    opened: AtomicU64,
}

#[tonic::async_trait]
impl<S: Source> AggregatedDiscoveryService for Service<S> {
    type StreamAggregatedResourcesStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaAggregatedResourcesStream = ReceiverStream<Message>;

    async fn stream_aggregated_resources(
        &self,
        _: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented(
            "this control plane does not speak state-of-the-world xDS; use the incremental protocol (in Envoy: api_type DELTA_GRPC)",
        ))
    }

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let Ok(permit) = self.streams.clone().try_acquire_owned() else {
            let limit = self.options.max_streams;
            return Err(Status::resource_exhausted(format!("the control plane serves its limit of {limit} streams")));
        };
        let (address, identity) = (request.remote_addr(), request.extensions().get::<Identity>().cloned());
        let requests = request.into_inner();
        // One message: a response is made when the one before it has left, so that it is of the latest snapshot.
        let (responses, receiver) = mpsc::channel(1);
        let connection = Connection {
            id: StreamId(self.opened.fetch_add(1, Ordering::Relaxed)),
            source: self.source.clone(),
            options: self.options.clone(),
            bulk: self.bulk.clone(),
            address,
            identity,
            requests,
            responses,
        };
        tokio::spawn(async move {
            connection.run().await;
            drop(permit);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// The two directions of one stream, and what runs between them.
struct Connection<S: Source> {
    id: StreamId,
    source: Arc<S>,
    options: Options,
    /// One permit for each bulk response that may be unanswered.
    bulk: Arc<Semaphore>,
    address: Option<SocketAddr>,
    identity: Option<Identity>,
    requests: Streaming<DeltaDiscoveryRequest>,
    responses: mpsc::Sender<Message>,
}

impl<S: Source> Connection<S> {
    async fn run(mut self) {
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
        let first = timeout(deadline, self.requests.message())
            .await
            .map_err(|_| Status::deadline_exceeded(format!("no request within {deadline:?} of opening the stream")))?;
        let Some(first) = first.map_err(unreadable)? else { return Ok(()) };
        let node = Stream::node(&first, &self.options)?.clone();
        let peer = Peer { node, address: self.address, identity: self.identity.take() };
        let mut snapshots = self.source.subscribe(&peer, &first.type_url)?;
        let observed = Observed { source: &*self.source, id: self.id };
        observed.tell(Event::Opened { peer, type_url: first.type_url.as_str().into() });
        let mut stream = Stream::new(self.id, self.options.clone(), snapshots.borrow_and_update().clone());
        stream.request(first)?;
        let mut turn: Option<Turn<'_>> = None;
        loop {
            let bulk = (turn.is_none() && stream.is_bulk()).then_some(&*self.bulk);
            tokio::select! {
                room = room(&self.responses, bulk), if stream.is_ready() => {
                    let Some((slot, permit)) = room else { return Ok(()) };
                    let taken = permit.map(|permit| Turn { _permit: permit, until: Instant::now() + self.options.bulk_timeout });
                    turn = taken.or(turn);
                    advance(&mut stream, &observed, slot);
                }
                request = self.requests.message() => match request.map_err(unreadable)? {
                    Some(request) => stream.request(request)?,
                    None => return Ok(()),
                },
                snapshot = newer(&mut snapshots) => stream.snapshot(snapshot?),
                () = over(turn.as_ref()) => turn = None,
                () = self.responses.closed() => return Ok(()),
            }
            turn = turn.filter(|_| stream.is_bulk_in_flight());
            // An answer is told at once, also while the next response waits for room.
            while let Some(event) = stream.event() {
                observed.tell(event);
            }
        }
    }
}

/// The right to have a bulk response unanswered.
struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    until: Instant,
}

async fn over(turn: Option<&Turn<'_>>) {
    match turn {
        Some(turn) => sleep_until(turn.until).await,
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
fn advance<S: Source>(stream: &mut Stream, observed: &Observed<'_, S>, slot: mpsc::Permit<'_, Message>) {
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
struct Observed<'a, S: Source> {
    source: &'a S,
    id: StreamId,
}

impl<S: Source> Observed<'_, S> {
    fn tell(&self, event: Event) {
        self.source.observe(self.id, event);
    }
}

impl<S: Source> Drop for Observed<'_, S> {
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

impl From<Violation> for Status {
    fn from(violation: Violation) -> Self {
        let code = match violation {
            Violation::NoNode | Violation::NoType | Violation::NameTooLong { .. } => Code::InvalidArgument,
            Violation::TooManyTypes { .. }
            | Violation::TooManySubscriptions { .. }
            | Violation::TooManyBytes { .. } => Code::ResourceExhausted,
        };
        Self::new(code, violation.to_string())
    }
}
