//! The gRPC service that takes reports.

use std::sync::Arc;
use std::time::Duration;

use backstay_auth::Proxy;
use backstay_model::FleetName;
use backstay_proto::report::health_report_service_server::{HealthReportService, HealthReportServiceServer};
use backstay_proto::report::{ReportHealthRequest, ReportHealthResponse};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::Reports;
use crate::events::Teller;
use crate::membership::Membership;

/// How long a proxy may take from opening a stream to its first message.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// Size of one message.
const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// Takes what proxies report, until it is told to stop.
pub(crate) struct Reporting {
    reports: Arc<Reports>,
    teller: Teller,
    streams: Semaphore,
    stop: CancellationToken,
    membership: Membership,
}

impl Reporting {
    /// The service, to be routed.
    pub(crate) fn service(
        reports: Arc<Reports>,
        teller: Teller,
        stop: CancellationToken,
        membership: Membership,
    ) -> HealthReportServiceServer<Self> {
        let streams = Semaphore::new(reports.limits.streams);
        HealthReportServiceServer::new(Self { reports, teller, streams, stop, membership })
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    async fn read(
        &self,
        proxy: Option<Arc<Proxy>>,
        mut messages: Streaming<ReportHealthRequest>,
    ) -> Result<(), Status> {
        let late = |_| Status::deadline_exceeded(format!("no message within {FIRST_MESSAGE:?} of opening the stream"));
        let first = timeout(FIRST_MESSAGE, messages.message()).await.map_err(late)??;
        let Some(first) = first else { return Ok(()) };
        if let Some(proxy) = proxy {
            let fleet = if first.fleet.is_empty() { FleetName::DEFAULT } else { &first.fleet };
            self.membership.check(&proxy, fleet).map_err(Status::permission_denied)?;
        }
        let beyond = |beyond: super::Beyond| Status::resource_exhausted(beyond.to_string());
        let stream = self.reports.open(&first).map_err(beyond)?;
        let node = stream.node();
        self.teller.health(&node, stream.told(first).map_err(beyond)?);
        while let Some(message) = messages.message().await? {
            self.teller.health(&node, stream.told(message).map_err(beyond)?);
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl HealthReportService for Reporting {
    async fn report_health(
        &self,
        request: Request<Streaming<ReportHealthRequest>>,
    ) -> Result<Response<ReportHealthResponse>, Status> {
        let Ok(_permit) = self.streams.try_acquire() else {
            return Err(Status::resource_exhausted("the control plane takes no more reports"));
        };
        let proxy = request.extensions().get::<Arc<Proxy>>().cloned();
        tokio::select! {
            read = self.read(proxy, request.into_inner()) => read?,
            () = self.stop.cancelled() => return Err(Status::unavailable("the control plane stops")),
        }
        Ok(Response::new(ReportHealthResponse {}))
    }
}
