use std::pin::{Pin, pin};
use std::time::Duration;

use backstay_proto::discovery::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use futures::TryFutureExt as _;
use hyper_util::rt::TokioIo;
use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status, Streaming};
use tower::service_fn;

use super::disconnect::Disconnect;
use super::{Backoff, Delivery, Handler, Options, Received, Session};

/// How many answers may wait to be sent. A control plane that lets so many pile up does not read.
const WAITING_ANSWERS: usize = 64;

/// Subscribes to all resources of the type for as long as `shutdown` is pending, over as many connections as it takes.
/// Returns the handler.
pub async fn run<H: Handler>(options: Options, mut handler: H, shutdown: impl Future<Output = ()>) -> H {
    let mut shutdown = pin!(shutdown);
    let mut backoff = Backoff::new(options.backoff_base, options.backoff_max);
    let mut rng: SmallRng = rand::make_rng();
    let mut candidate = 0;
    loop {
        let here = options.candidate(candidate);
        let mut stream = Stream { options: &here, handler: &mut handler, backoff: &mut backoff, connected: false };
        let ended = stream.run(shutdown.as_mut()).await;
        let served = stream.connected;
        if served {
            handler.connected(false);
        }
        let Err(cause) = ended else { return handler };
        candidate = if served { 0 } else { (candidate + 1) % options.candidates() };
        // The next one is tried at once; when all were, it is time to wait.
        let wait = if candidate == 0 { backoff.next(&mut rng) } else { Duration::ZERO };
        let wait = wait.max(cause.retry_after().unwrap_or_default().min(options.backoff_max));
        tracing::warn!(endpoint = %here.endpoint, %cause, retry_in = ?wait, "not connected to the control plane");
        handler.disconnected(&cause, wait);
        tokio::select! {
            () = shutdown.as_mut() => return handler,
            () = sleep(wait) => {}
        }
    }
}

struct Stream<'a, H> {
    options: &'a Options,
    handler: &'a mut H,
    backoff: &'a mut Backoff,
    /// Whether the handler was told that it is.
    connected: bool,
}

impl<H: Handler> Stream<'_, H> {
    /// One stream, from connecting to its end. Ok when it was shut down.
    async fn run(&mut self, mut shutdown: Pin<&mut impl Future<Output = ()>>) -> Result<(), Disconnect> {
        let (session, first) = Session::open(&self.options.type_url, self.options.node.clone(), self.handler.held());
        let (answers, outgoing) = mpsc::channel(WAITING_ANSWERS);
        // There is room: it is the first.
        let _ = answers.try_send(first);
        let (mut responses, mut response) = tokio::select! {
            biased;
            () = shutdown.as_mut() => return Ok(()),
            opened = open(self.options, outgoing) => opened?,
        };
        self.connected = true;
        self.handler.connected(true);
        loop {
            let acknowledgement = self.receive(&session, response).await?;
            // Never waits: a control plane that writes before it reads would then wait for us, and we for it.
            if let Err(TrySendError::Full(_)) = answers.try_send(acknowledgement) {
                return Err(Disconnect::Congested);
            }
            response = tokio::select! {
                biased;
                () = shutdown.as_mut() => return Ok(()),
                next = responses.message() => next.map_err(status)?.ok_or(Disconnect::Ended)?,
            };
        }
    }

    async fn receive(
        &mut self,
        session: &Session,
        response: DeltaDiscoveryResponse,
    ) -> Result<DeltaDiscoveryRequest, Disconnect> {
        match session.receive(response)? {
            Received::Refuse(acknowledgement) => Ok(*acknowledgement),
            Received::Apply(Delivery { updates, removed, acknowledgement }) => {
                let rejections = self.handler.apply(&self.options.type_url, updates, removed).await;
                self.backoff.reset();
                Ok(acknowledgement.with(rejections))
            }
        }
    }
}

/// Connects, and waits for the first response.
async fn open(
    options: &Options,
    outgoing: mpsc::Receiver<DeltaDiscoveryRequest>,
) -> Result<(Streaming<DeltaDiscoveryResponse>, DeltaDiscoveryResponse), Disconnect> {
    let channel = connect(options).await?;
    let mut client =
        AggregatedDiscoveryServiceClient::new(channel).max_decoding_message_size(options.max_message_bytes);
    let mut request = Request::new(ReceiverStream::new(outgoing));
    *request.metadata_mut() = metadata(options).await?;
    let silent = options.first_response_timeout;
    let first = async {
        let mut responses = client.delta_aggregated_resources(request).await.map_err(status)?.into_inner();
        let first = responses.message().await.map_err(status)?.ok_or(Disconnect::Ended)?;
        Ok((responses, first))
    };
    timeout(silent, first).await.unwrap_or(Err(Disconnect::Silent(silent)))
}

/// A connection to the control plane, as [`run`] opens it: for what is told it beside the subscription.
///
/// # Errors
/// [`Disconnect::Connect`].
pub async fn connect(options: &Options) -> Result<Channel, Disconnect> {
    let endpoint = Endpoint::from(options.endpoint.clone())
        .connect_timeout(options.connect_timeout)
        .http2_keep_alive_interval(options.keepalive_interval)
        .keep_alive_timeout(options.keepalive_timeout)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    match &options.transport {
        None => endpoint.connect().await,
        Some(transport) => {
            let transport = transport.clone();
            let connector = service_fn(move |uri: Uri| transport.connect(uri).map_ok(TokioIo::new));
            endpoint.connect_with_connector(connector).await
        }
    }
    .map_err(Disconnect::Connect)
}

/// The headers of a call, as [`run`] sends them.
///
/// # Errors
/// [`Disconnect::Credential`].
pub async fn metadata(options: &Options) -> Result<MetadataMap, Disconnect> {
    let mut metadata = options.metadata.clone();
    if let Some(transport) = &options.transport {
        let more = transport.metadata().await.map_err(Disconnect::Credential)?;
        metadata.as_mut().extend(more.into_headers());
    }
    Ok(metadata)
}

fn status(status: Status) -> Disconnect {
    Disconnect::Status(Box::new(status))
}
