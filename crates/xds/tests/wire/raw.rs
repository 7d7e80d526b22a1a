//! A client that says exactly what the test wants it to say.

use backstay_proto::discovery::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node, Status};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::plane::{PATIENCE, Plane, TYPE};

pub(crate) struct Raw {
    requests: mpsc::Sender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
}

pub(crate) fn wildcard(id: &str) -> DeltaDiscoveryRequest {
    let node = Node { id: id.to_owned(), ..Node::default() };
    DeltaDiscoveryRequest { node: Some(node), type_url: TYPE.to_owned(), ..DeltaDiscoveryRequest::default() }
}

pub(crate) fn names(response: &DeltaDiscoveryResponse) -> Vec<&str> {
    response.resources.iter().map(|resource| resource.name.as_str()).collect()
}

impl Raw {
    pub(crate) async fn channel(plane: &Plane) -> Channel {
        Endpoint::from_shared(format!("http://{}", plane.address)).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn open(channel: Channel) -> Self {
        let (requests, outgoing) = mpsc::channel(16);
        let mut client = AggregatedDiscoveryServiceClient::new(channel);
        let responses = client.delta_aggregated_resources(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
        Self { requests, responses }
    }

    /// A stream of its own connection, opened with a request.
    pub(crate) async fn connect(plane: &Plane, first: DeltaDiscoveryRequest) -> Self {
        let this = Self::open(Self::channel(plane).await).await;
        this.send(first).await;
        this
    }

    pub(crate) async fn send(&self, request: DeltaDiscoveryRequest) {
        self.requests.send(request).await.unwrap();
    }

    pub(crate) async fn answer(&self, response: &DeltaDiscoveryResponse, error_detail: Option<Status>) {
        let answer = DeltaDiscoveryRequest {
            type_url: response.type_url.clone(),
            response_nonce: response.nonce.clone(),
            error_detail,
            ..DeltaDiscoveryRequest::default()
        };
        self.send(answer).await;
    }

    pub(crate) async fn next(&mut self) -> DeltaDiscoveryResponse {
        self.message().await.expect("a response and no error").expect("a response and not the end")
    }

    /// The next response, acknowledged.
    pub(crate) async fn take(&mut self) -> DeltaDiscoveryResponse {
        let response = self.next().await;
        self.answer(&response, None).await;
        response
    }

    pub(crate) async fn message(&mut self) -> Result<Option<DeltaDiscoveryResponse>, tonic::Status> {
        timeout(PATIENCE, self.responses.message()).await.expect("something arrives")
    }
}
