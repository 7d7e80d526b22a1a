//! The exporter against collectors of either protocol, on sockets.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::VecDeque;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_proto::otlp::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use backstay_proto::otlp::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use backstay_proto::otlp::trace::v1;
use backstay_telemetry::resource::resource;
use backstay_telemetry::{Counts, Environment, Exporter, Queue, Signal, Sources, Span, SpanKind, Targets};
use backstay_trace::{Collector, Protocol, SpanId, TraceId};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// A request, and the headers that came with it.
type Got = (ExportTraceServiceRequest, http::HeaderMap);

/// Only ends a test that would otherwise hang.
const PATIENCE: Duration = Duration::from_secs(60);

struct Grpc {
    got: mpsc::UnboundedSender<Got>,
    /// What is answered before anything is taken.
    failures: Mutex<VecDeque<Status>>,
}

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        if let Some(status) = self.failures.lock().unwrap().pop_front() {
            return Err(status);
        }
        let (metadata, _, message) = request.into_parts();
        self.got.send((message, metadata.into_headers())).unwrap();
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn grpc(failures: Vec<Status>) -> (SocketAddr, mpsc::UnboundedReceiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (got, receiver) = mpsc::unbounded_channel();
    let service = TraceServiceServer::new(Grpc { got, failures: Mutex::new(failures.into()) })
        .accept_compressed(tonic::codec::CompressionEncoding::Gzip);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    (address, receiver)
}

/// Answers each request over HTTP with the next of `answers`, and tells of those that are taken.
async fn http(answers: Vec<&'static str>) -> (SocketAddr, mpsc::UnboundedReceiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (got, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some((headers, body)) = read(&mut stream).await {
                let answer = answers.next().unwrap_or("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                if answer.contains(" 200 ") {
                    let mut plain = Vec::new();
                    flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
                    got.send((ExportTraceServiceRequest::decode(&plain[..]).unwrap(), headers)).unwrap();
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (address, receiver)
}

async fn read(stream: &mut TcpStream) -> Option<(http::HeaderMap, Vec<u8>)> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.lines();
    let mut headers = http::HeaderMap::new();
    headers.insert("x-request-line", lines.next().unwrap().parse().unwrap());
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    let length = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    Some((headers, body))
}

struct Bench {
    exporter: Exporter,
    spans: Queue<v1::Span>,
    counts: Arc<Counts>,
}

fn start(capacity: usize) -> Bench {
    begun(capacity, 0, Targets::default())
}

/// An exporter that finds so many spans in one lane as it starts.
fn begun(capacity: usize, waiting: u64, targets: Targets) -> Bench {
    let counts = Arc::<Counts>::default();
    let spans = Queue::new(Signal::Traces, capacity, Arc::clone(&counts));
    let lane = spans.lane();
    (1..=waiting).for_each(|number| lane.push(span(number)));
    let logs = Queue::new(Signal::Logs, 1, Arc::clone(&counts));
    let said = [("OTEL_SERVICE_NAME".to_owned(), "edge".to_owned())];
    let of = resource("backstay-proxy", "one", &[("backstay.fleet", "f")], &Environment::new(said));
    let requests = Queue::new(Signal::Requests, 1, Arc::clone(&counts));
    let sources = Sources { spans: spans.clone(), logs, metrics: Box::new(String::new), requests };
    let exporter = Exporter::start(sources, of, Arc::clone(&counts), targets).unwrap();
    Bench { exporter, spans, counts }
}

fn to(address: SocketAddr, protocol: Protocol) -> Targets {
    let mut collector = Collector::new(&format!("http://{address}"), protocol).unwrap();
    collector.header("api-key", "secret").unwrap();
    Targets { traces: Some(collector), ..Targets::default() }
}

fn span(number: u64) -> v1::Span {
    let span = Span {
        trace: TraceId::new(1, number),
        id: SpanId::new(number),
        parent: None,
        kind: SpanKind::Server,
        name: "GET /*".to_owned(),
        start: 1,
        end: 2,
        attributes: vec![],
        error: None,
    };
    span.into()
}

async fn next(got: &mut mpsc::UnboundedReceiver<Got>) -> Got {
    tokio::time::timeout(PATIENCE, got.recv()).await.unwrap().unwrap()
}

fn spans(got: &Got) -> usize {
    got.0.resource_spans.iter().flat_map(|of| &of.scope_spans).map(|scope| scope.spans.len()).sum()
}

#[tokio::test]
async fn a_collector_of_grpc_is_told_again_when_it_asks_for_it() {
    let asks = ErrorDetails::with_retry_info(Some(Duration::from_millis(5)));
    let busy = Status::with_error_details(tonic::Code::ResourceExhausted, "busy", asks);
    let (address, mut got) = grpc(vec![busy, Status::unavailable("soon")]).await;
    let Bench { exporter, spans: queue, counts } = start(4096);
    exporter.aim(to(address, Protocol::Grpc));
    let lane = queue.lane();
    (1..=3).for_each(|number| lane.push(span(number)));
    let told = next(&mut got).await;
    assert_eq!(spans(&told), 3);
    assert_eq!(told.1["api-key"], "secret");
    let attributes = &told.0.resource_spans[0].resource.as_ref().unwrap().attributes;
    let named = |key: &str| attributes.iter().filter(|attribute| attribute.key == key).count();
    assert_eq!((named("service.name"), named("backstay.fleet")), (1, 1));
    tokio::task::spawn_blocking(|| exporter.end()).await.unwrap();
    let counts = counts.of(Signal::Traces);
    assert_eq!((counts.sent(), counts.failures()), (3, 2));
    assert_eq!(counts.dropped().map(|(_, count)| count), [0, 0, 0]);
}

#[tokio::test]
async fn a_collector_of_http_is_told_again_when_it_asks_for_it() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    let (address, mut got) = http(vec![busy]).await;
    let Bench { exporter, spans: queue, counts } = start(4096);
    exporter.aim(to(address, Protocol::Http));
    let lane = queue.lane();
    // More than one request has room for.
    (1..=700).for_each(|number| lane.push(span(number)));
    let mut sent = 0;
    while sent < 700 {
        let told = next(&mut got).await;
        assert!(spans(&told) <= 512);
        assert_eq!(told.1["x-request-line"], "POST /v1/traces HTTP/1.1");
        assert_eq!(
            (&told.1["content-type"], &told.1["api-key"]),
            (&"application/x-protobuf".parse().unwrap(), &"secret".parse().unwrap())
        );
        sent += spans(&told);
    }
    tokio::task::spawn_blocking(|| exporter.end()).await.unwrap();
    assert_eq!((sent, counts.of(Signal::Traces).sent(), counts.of(Signal::Traces).failures()), (700, 700, 1));
}

#[tokio::test]
async fn what_is_not_wanted_or_has_no_room_is_lost_and_counted() {
    let refused = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    let (address, mut got) = http(vec![refused]).await;
    let Bench { exporter, spans: queue, counts } = begun(2, 5, to(address, Protocol::Http));
    let dropped = || counts.of(Signal::Traces).dropped().map(|(_, count)| count);
    let waiting = async {
        while dropped() != [3, 2, 0] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    queue.lane().push(span(6));
    assert_eq!(spans(&next(&mut got).await), 1, "what comes next is told");
    drop(tokio::task::spawn_blocking(|| exporter.end()).await);
}

#[tokio::test]
async fn what_is_left_is_told_before_the_end() {
    let (address, mut got) = grpc(vec![]).await;
    let Bench { exporter, .. } = begun(2, 1, to(address, Protocol::Grpc));
    tokio::task::spawn_blocking(|| exporter.end()).await.unwrap();
    assert_eq!(spans(&next(&mut got).await), 1);
}
