//! One stream: its first response, and those after it.

use backstay_proto::discovery::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use super::options::metadata;
use super::{Delivery, Dialed, Disconnect, Handler, Link, Options, Place, Received, Session};

/// How many answers may wait to be sent. A control plane that lets so many pile up does not read.
const WAITING_ANSWERS: usize = 64;

/// A stream that the control plane has answered on.
pub(super) struct Stream {
    pub(super) link: Link,
    pub(super) place: Place,
    session: Session,
    answers: mpsc::Sender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
}

impl Stream {
    /// Subscribes over a connection, and waits for the first response, which has yet to be [received](Self::receive).
    pub(super) async fn open<H: Handler>(
        options: &Options,
        Dialed { link, place }: Dialed,
        handler: &H,
    ) -> Result<(Self, DeltaDiscoveryResponse), (Place, Disconnect)> {
        let (session, first) = Session::open(&options.type_url, options.node.clone(), handler.held());
        let (answers, outgoing) = mpsc::channel(WAITING_ANSWERS);
        // There is room: it is the first.
        let _ = answers.try_send(first);
        let mut client =
            AggregatedDiscoveryServiceClient::new(link.clone()).max_decoding_message_size(options.max_message_bytes);
        let mut request = Request::new(ReceiverStream::new(outgoing));
        let silent = options.first_response_timeout;
        let answered = async {
            *request.metadata_mut() = metadata(options).await?;
            let mut responses = client.delta_aggregated_resources(request).await.map_err(status)?.into_inner();
            let first = responses.message().await.map_err(status)?.ok_or(Disconnect::Ended)?;
            Ok((responses, first))
        };
        match timeout(silent, answered).await.unwrap_or(Err(Disconnect::Silent(silent))) {
            Ok((responses, response)) => Ok((Self { link, place, session, answers, responses }, response)),
            Err(cause) => Err((place, cause)),
        }
    }

    /// The next response. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<DeltaDiscoveryResponse, Disconnect> {
        self.responses.message().await.map_err(status)?.ok_or(Disconnect::Ended)
    }

    /// Has a response applied, and answers it. True if it was: the control plane serves us.
    pub(super) async fn receive<H: Handler>(
        &self,
        type_url: &str,
        handler: &mut H,
        response: DeltaDiscoveryResponse,
    ) -> Result<bool, Disconnect> {
        let (acknowledgement, applied) = match self.session.receive(response)? {
            Received::Refuse(acknowledgement) => (*acknowledgement, false),
            Received::Apply(Delivery { updates, removed, acknowledgement }) => {
                let rejections = handler.apply(type_url, updates, removed).await;
                (acknowledgement.with(rejections), true)
            }
        };
        // Never waits: a control plane that writes before it reads would then wait for us, and we for it.
        match self.answers.try_send(acknowledgement) {
            Err(TrySendError::Full(_)) => Err(Disconnect::Congested),
            _ => Ok(applied),
        }
    }
}

fn status(status: Status) -> Disconnect {
    Disconnect::Status(Box::new(status))
}
