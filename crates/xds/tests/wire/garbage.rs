//! Our client against a control plane that sends what nobody should.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use backstay_proto::discovery::{Any, DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource};
use backstay_xds::refusal;
use bytes::Bytes;
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::codec::Unchecked;
use super::plane::{PATIENCE, TYPE};
use super::proxy::Proxy;

/// Serves each stream the messages of its script, then keeps it open. Requests go to the test.
#[derive(Clone)]
struct Scripted {
    scripts: Arc<Mutex<VecDeque<Vec<Bytes>>>>,
    requests: mpsc::UnboundedSender<DeltaDiscoveryRequest>,
}

impl NamedService for Scripted {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

impl tower_service::Service<http::Request<Body>> for Scripted {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(Unchecked::<DeltaDiscoveryRequest>::default());
            Ok(grpc.streaming(this, request).await)
        })
    }
}

impl StreamingService<DeltaDiscoveryRequest> for Scripted {
    type Response = Bytes;
    type ResponseStream = ReceiverStream<Result<Bytes, Status>>;
    type Future = std::future::Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<DeltaDiscoveryRequest>>) -> Self::Future {
        let Self { scripts, requests } = self.clone();
        let script = scripts.lock().unwrap().pop_front().unwrap_or_default();
        let (messages, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            for message in script {
                messages.send(Ok(message)).await.unwrap();
            }
            let mut incoming = request.into_inner();
            while let Ok(Some(request)) = incoming.message().await {
                let _ = requests.send(request);
            }
            drop(messages);
        });
        std::future::ready(Ok(Response::new(receiver.into())))
    }
}

/// A server of scripts, one for each stream in turn, and the requests it gets.
async fn scripted(
    scripts: impl IntoIterator<Item = Vec<Bytes>>,
) -> (SocketAddr, mpsc::UnboundedReceiver<DeltaDiscoveryRequest>) {
    let (requests, receiver) = mpsc::unbounded_channel();
    let service = Scripted { scripts: Arc::new(Mutex::new(scripts.into_iter().collect())), requests };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
    (address, receiver)
}

fn resource(name: &str, value: &'static str) -> Resource {
    let any = Any { type_url: TYPE.to_owned(), value: Bytes::from_static(value.as_bytes()) };
    Resource { name: name.to_owned(), version: format!("version of {value}"), resource: Some(any) }
}

fn response(nonce: &str, resources: Vec<Resource>, removed: &[&str]) -> DeltaDiscoveryResponse {
    DeltaDiscoveryResponse {
        type_url: TYPE.to_owned(),
        nonce: nonce.to_owned(),
        resources,
        removed_resources: removed.iter().map(|&name| name.to_owned()).collect(),
        ..DeltaDiscoveryResponse::default()
    }
}

fn encoded(response: &DeltaDiscoveryResponse) -> Bytes {
    response.encode_to_vec().into()
}

async fn answer(requests: &mut mpsc::UnboundedReceiver<DeltaDiscoveryRequest>, nonce: &str) -> DeltaDiscoveryRequest {
    let find = async {
        loop {
            let request = requests.recv().await.unwrap();
            if request.response_nonce == nonce {
                return request;
            }
        }
    };
    timeout(PATIENCE, find).await.expect("the response is answered")
}

#[tokio::test]
async fn a_response_that_contradicts_itself_is_refused_and_the_stream_goes_on() {
    let twice = response("1", vec![resource("a", "1"), resource("a", "2")], &[]);
    let both = response("2", vec![resource("a", "1")], &["a"]);
    let good = response("3", vec![resource("a", "1")], &[]);
    let (address, mut requests) = scripted([[twice, both, good].iter().map(encoded).collect()]).await;
    let mut proxy = Proxy::start(Proxy::options(address));
    assert_eq!(proxy.applied().await.0, ["a"], "the first to be applied is the good one");
    for nonce in ["1", "2"] {
        let error = answer(&mut requests, nonce).await.error_detail.unwrap();
        assert_eq!((error.message.as_str(), error.details.len()), ("resource \"a\" occurs more than once", 0));
    }
    assert_eq!(answer(&mut requests, "3").await.error_detail, None);
}

#[tokio::test]
async fn a_resource_without_content_is_refused_by_name() {
    let empty = Resource { resource: None, ..resource("b", "1") };
    let (address, mut requests) = scripted([vec![encoded(&response("1", vec![resource("a", "1"), empty], &[]))]]).await;
    let mut proxy = Proxy::start(Proxy::options(address));
    assert_eq!(proxy.applied().await.0, ["a"]);
    let error = answer(&mut requests, "1").await.error_detail.unwrap();
    let rejections = refusal::rejections(&error.details).unwrap();
    assert_eq!((rejections.len(), rejections[0].name.as_str()), (1, "b"));
}

#[tokio::test]
async fn what_cannot_be_answered_ends_the_stream_and_nothing_is_lost() {
    let good = || encoded(&response("1", vec![resource("a", "1")], &[]));
    let foreign = DeltaDiscoveryResponse { type_url: "type.example/Other".to_owned(), ..response("2", vec![], &["a"]) };
    let giant = response("2", vec![resource("b", Box::leak("x".repeat(100_000).into_boxed_str()))], &["a"]);
    let scripts = [
        vec![good(), encoded(&foreign)],
        vec![Bytes::from_static(&[0xff; 64])],
        vec![encoded(&giant)],
        vec![encoded(&response("3", vec![resource("c", "1")], &[]))],
    ];
    let (address, mut requests) = scripted(scripts).await;
    let mut options = Proxy::options(address);
    options.max_message_bytes = 50_000;
    let mut proxy = Proxy::start(options);
    assert_eq!(proxy.applied().await.0, ["a"]);
    for words in ["asked for", "failed to decode", "too large"] {
        let cause = proxy.disconnected().await;
        assert!(cause.contains(words), "{cause}");
    }
    let (updates, _, held) = proxy.applied().await;
    assert_eq!(updates, ["c"]);
    assert_eq!(held.keys().collect::<Vec<_>>(), ["a", "c"]);
    let reconnects = async {
        let mut reconnects = 0;
        loop {
            let request = requests.recv().await.unwrap();
            if request.node.is_some() {
                let expected: &[(&str, &str)] = if reconnects == 0 { &[] } else { &[("a", "version of 1")] };
                let expected = expected.iter().map(|&(name, version)| (name.to_owned(), version.to_owned()));
                assert_eq!(request.initial_resource_versions, expected.collect::<BTreeMap<_, _>>());
                reconnects += 1;
            }
            if request.response_nonce == "3" {
                return reconnects;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, reconnects).await.unwrap(), 4);
}

#[tokio::test]
async fn a_control_plane_that_says_nothing_is_left() {
    // Only the first stream has to be silent for long enough; on a busy machine others may be, too.
    let mut scripts = vec![vec![encoded(&response("1", vec![resource("a", "1")], &[]))]; 50];
    scripts[0].clear();
    let (address, _requests) = scripted(scripts).await;
    let mut options = Proxy::options(address);
    options.first_response_timeout = std::time::Duration::from_millis(200);
    let mut proxy = Proxy::start(options);
    let cause = proxy.disconnected().await;
    assert!(cause.contains("sent nothing within"), "{cause}");
    assert_eq!(proxy.applied().await.0, ["a"]);
}

#[tokio::test]
async fn something_that_is_no_control_plane_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.write_all(b"HTTP/1.1 418 I am a teapot\r\n\r\n").await;
        }
    });
    let mut proxy = Proxy::start(Proxy::options(address));
    for _ in 0..3 {
        proxy.disconnected().await;
    }
}
