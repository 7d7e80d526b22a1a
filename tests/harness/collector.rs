//! An OpenTelemetry collector that takes what it is told over gRPC, compressed or not, and shows it.

use std::net::SocketAddr;
use std::time::Duration;

use backstay_proto::otlp::collector::metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer};
use backstay_proto::otlp::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use backstay_proto::otlp::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use backstay_proto::otlp::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use backstay_proto::otlp::metrics::v1::Metric;
use backstay_proto::otlp::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Only ends a test that would otherwise hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector, for as long as the runtime that it was started on.
pub struct Collector {
    pub address: SocketAddr,
    pub spans: UnboundedReceiver<Span>,
    pub requests: UnboundedReceiver<ExportMetricsServiceRequest>,
}

#[derive(Clone)]
struct Told {
    spans: UnboundedSender<Span>,
    requests: UnboundedSender<ExportMetricsServiceRequest>,
}

impl Collector {
    /// One on a port of its own.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ((span, spans), (request, requests)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let told = Told { spans: span, requests: request };
        let traces = TraceServiceServer::new(told.clone()).accept_compressed(CompressionEncoding::Gzip);
        let metrics = MetricsServiceServer::new(told).accept_compressed(CompressionEncoding::Gzip);
        let server = tonic::transport::Server::builder().add_service(traces).add_service(metrics);
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { address, spans, requests }
    }

    /// The next span that it is told of.
    pub async fn span(&mut self) -> Span {
        tokio::time::timeout(PATIENCE, self.spans.recv()).await.unwrap().unwrap()
    }

    /// The next request that tells of metrics.
    pub async fn request(&mut self) -> ExportMetricsServiceRequest {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.unwrap().unwrap()
    }

    /// The metrics of the next request.
    pub async fn metrics(&mut self) -> Vec<Metric> {
        let of = self.request().await.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
        of.flat_map(|scope| scope.metrics).collect()
    }
}

// What nobody waits for any more is taken all the same.
#[tonic::async_trait]
impl TraceService for Told {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let of = request.into_inner().resource_spans.into_iter().flat_map(|of| of.scope_spans);
        of.flat_map(|scope| scope.spans).for_each(|span| drop(self.spans.send(span)));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Told {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        drop(self.requests.send(request.into_inner()));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
