//! Metrics, told to collectors of either protocol on sockets.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../../../tests/harness/collector.rs"]
#[allow(dead_code, unreachable_pub, reason = "several tests share it, and use a part each")]
mod collector;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use backstay_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use backstay_proto::otlp::metrics::v1::{Metric, metric, number_data_point};
use backstay_telemetry::resource::resource;
use backstay_telemetry::{Counts, Environment, Exporter, Queue, Signal, Sources, Targets};
use backstay_trace::{Collector, Protocol};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Got = mpsc::UnboundedReceiver<ExportMetricsServiceRequest>;

/// Only ends a test that would otherwise hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Refuses the first request, and takes the others.
async fn http() -> (SocketAddr, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (told, got)) = (listener.local_addr().unwrap(), mpsc::unbounded_channel());
    tokio::spawn(async move {
        let mut status = "400 Bad Request";
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if !head.ends_with(b"\r\n\r\n") {
                    continue;
                }
                let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
                assert!(text.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{text}");
                let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                stream.read_exact(&mut body).await.unwrap();
                if status.starts_with("200") {
                    told.send(ExportMetricsServiceRequest::decode(&body[..]).unwrap()).unwrap();
                }
                stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
                status = "200 OK";
            }
        }
    });
    (address, got)
}

/// An exporter of a counter that is one more each time, and of as many `levels`.
fn start(levels: usize, collector: Collector, interval: Duration) -> (Exporter, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let spans = Queue::new(Signal::Traces, 1, Arc::clone(&counts));
    let logs = Queue::new(Signal::Logs, 1, Arc::clone(&counts));
    let read = AtomicU64::new(0);
    let metrics = move || {
        let times = read.fetch_add(1, SeqCst) + 1;
        let levels: String = (0..levels).map(|level| format!("level{{of=\"{level}\"}} 1\n")).collect();
        format!("# HELP read_total Times.\n# TYPE read_total counter\nread_total {times}\n# TYPE level gauge\n{levels}")
    };
    let of = resource("backstay-proxy", "one", &[], &Environment::default());
    let requests = Queue::new(Signal::Requests, 1, Arc::clone(&counts));
    let sources = Sources { spans, logs, metrics: Box::new(metrics), requests };
    let targets = Targets { metrics: Some((collector, interval)), ..Targets::default() };
    (Exporter::start(sources, of, Arc::clone(&counts), targets).unwrap(), counts)
}

async fn next(got: &mut Got) -> Vec<Metric> {
    let request = tokio::time::timeout(PATIENCE, got.recv()).await.unwrap().unwrap();
    let [of] = &request.resource_metrics[..] else { panic!("{request:?}") };
    assert_eq!(of.resource.as_ref().unwrap().attributes[0].key, "service.name");
    of.scope_metrics[0].metrics.clone()
}

fn read(metric: &Metric) -> number_data_point::Value {
    let Some(metric::Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    sum.data_points[0].value.unwrap()
}

#[tokio::test]
async fn a_collector_of_grpc_is_told_again_and_again_and_at_the_end() {
    let collector::Collector { address, requests: mut got, .. } = collector::Collector::start().await;
    let collector = Collector::new(&format!("http://{address}"), Protocol::Grpc).unwrap();
    let (exporter, counts) = start(1, collector.clone(), Duration::from_millis(1));
    for times in 1..=3 {
        let metrics = next(&mut got).await;
        assert_eq!((&*metrics[0].name, &*metrics[0].description, &*metrics[1].name), ("read", "Times.", "level"));
        assert_eq!(read(&metrics[0]), number_data_point::Value::AsInt(times));
    }
    // From now on only at the end.
    exporter.aim(Targets { metrics: Some((collector, Duration::from_secs(86_400))), ..Targets::default() });
    tokio::task::spawn_blocking(|| exporter.end()).await.unwrap();
    let mut told = 3;
    while let Ok(request) = got.try_recv() {
        told += request.resource_metrics.len() as u64;
    }
    assert!(told >= 4, "what there is at the end is told");
    assert_eq!((counts.of(Signal::Metrics).sent(), counts.of(Signal::Metrics).failures()), (told * 2, 0));
}

#[tokio::test]
async fn a_collector_of_http_is_told_in_requests_of_a_size_that_it_takes() {
    let (address, mut got) = http().await;
    let mut collector = Collector::new(&format!("http://{address}"), Protocol::Http).unwrap();
    collector.gzip = false;
    let (exporter, counts) = start(10_000, collector, Duration::from_millis(1));
    // The first, of the counter, is refused.
    let mut levels = 0;
    while levels < 10_000 {
        for metric in next(&mut got).await {
            let Some(metric::Data::Gauge(gauge)) = &metric.data else { panic!("{}", metric.name) };
            assert!(gauge.data_points.len() <= 4000);
            levels += gauge.data_points.len();
        }
    }
    assert_eq!(levels, 10_000);
    assert_eq!(counts.of(Signal::Metrics).dropped().map(|(_, count)| count), [0, 1, 0]);
    drop(tokio::task::spawn_blocking(|| exporter.end()).await);
}
