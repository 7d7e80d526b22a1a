use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use backstay_proto::discovery::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{Event, Options, Output, Peer, Source, Stream, StreamId, Violation};
use crate::Snapshot;

/// The aggregated discovery service, to be added to a tonic server.
///
/// Streams live until one side ends them, so a graceful shutdown has to drop the watches of the source. Keepalive, TLS and
/// connection limits are the server's: set an HTTP/2 keepalive there, or half-open connections stay.
pub fn service<S: Source>(source: Arc<S>, options: Options) -> AggregatedDiscoveryServiceServer<Service<S>> {
    let max_request_bytes = options.max_request_bytes;
    let streams = Arc::new(Semaphore::new(options.max_streams.min(Semaphore::MAX_PERMITS)));
    let service = Service { source, options, streams, opened: AtomicU64::new(0) };
    AggregatedDiscoveryServiceServer::new(service).max_decoding_message_size(max_request_bytes)
}

/// Serves the streams of a [`Source`]. Made by [`service`].
pub struct Service<S> {
    source: Arc<S>,
    options: Options,
    streams: Arc<Semaphore>,
    opened: AtomicU64,
}

#[tonic::async_trait]
impl<S: Source> AggregatedDiscoveryService for Service<S> {
    type StreamAggregatedResourcesStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaAggregatedResourcesStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

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
        let address = request.remote_addr();
        let (metadata, extensions, requests) = request.into_parts();
        // One message: a response is made when the one before it has left, so that it is of the latest snapshot.
        let (responses, receiver) = mpsc::channel(1);
        let connection = Connection {
            id: StreamId(self.opened.fetch_add(1, Ordering::Relaxed)),
            source: self.source.clone(),
            options: self.options.clone(),
            peer: Peer::new(address, metadata, extensions),
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
    peer: Peer,
    requests: Streaming<DeltaDiscoveryRequest>,
    responses: mpsc::Sender<Result<DeltaDiscoveryResponse, Status>>,
}

impl<S: Source> Connection<S> {
    async fn run(mut self) {
        let (id, address) = (self.id, self.peer.address());
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
        let node = Stream::node(&first)?.clone();
        let mut snapshots = self.source.subscribe(&node, self.peer.clone())?;
        let observed = Observed { source: &*self.source, id: self.id };
        observed.tell(Event::Opened { node, peer: self.peer.clone() });
        let mut stream = Stream::new(self.id, self.options.clone(), snapshots.borrow_and_update().clone());
        stream.request(first)?;
        loop {
            tokio::select! {
                permit = self.responses.reserve(), if stream.is_ready() => match permit {
                    Ok(permit) => advance(&mut stream, &observed, permit),
                    Err(_) => return Ok(()),
                },
                request = self.requests.message() => match request.map_err(unreadable)? {
                    Some(request) => stream.request(request)?,
                    None => return Ok(()),
                },
                snapshot = newer(&mut snapshots) => stream.snapshot(snapshot?),
                () = self.responses.closed() => return Ok(()),
            }
        }
    }
}

/// Does what the stream wants, up to and including the one message there is room for.
fn advance<S: Source>(
    stream: &mut Stream,
    observed: &Observed<'_, S>,
    permit: mpsc::Permit<'_, Result<DeltaDiscoveryResponse, Status>>,
) {
    while let Some(output) = stream.output() {
        match output {
            Output::Event(event) => observed.tell(event),
            Output::Response(response, event) => {
                observed.tell(event);
                permit.send(Ok(response));
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
