//! Proxies that attend, on the discovery address.

use std::sync::Arc;
use std::time::Duration;

use backstay_auth::Proxy;
use backstay_model::FleetName;
use backstay_proto::live::proxy_live_service_server::{ProxyLiveService, ProxyLiveServiceServer};
use backstay_proto::live::{AttendRequest, AttendResponse};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::Attendance;
use crate::membership::Membership;

/// How long a proxy may take from opening a stream to its first message.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// Size of one message: a table of as many rows as one may have, with their figures.
const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// Takes proxies that attend, until it is told to stop.
pub(crate) struct Attending {
    attendance: Arc<Attendance>,
    stop: CancellationToken,
    membership: Membership,
}

impl Attending {
    /// The service, to be routed.
    pub(crate) fn service(
        attendance: Arc<Attendance>,
        stop: CancellationToken,
        membership: Membership,
    ) -> ProxyLiveServiceServer<Self> {
        ProxyLiveServiceServer::new(Self { attendance, stop, membership }).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }
}

#[tonic::async_trait]
impl ProxyLiveService for Attending {
    type AttendStream = BoxStream<'static, Result<AttendResponse, Status>>;

    async fn attend(&self, request: Request<Streaming<AttendRequest>>) -> Result<Response<Self::AttendStream>, Status> {
        let proved = request.extensions().get::<Arc<Proxy>>().cloned();
        let mut messages = request.into_inner();
        let late = |_| Status::deadline_exceeded(format!("no message within {FIRST_MESSAGE:?} of opening the stream"));
        let first = timeout(FIRST_MESSAGE, messages.message()).await.map_err(late)??;
        let first = first.ok_or_else(|| Status::invalid_argument("the stream ended before its first message"))?;
        let fleet = if first.fleet.is_empty() { FleetName::DEFAULT } else { &first.fleet };
        if let Some(proved) = proved {
            self.membership.check(&proved, fleet).map_err(Status::permission_denied)?;
        }
        let beyond = |beyond: super::Beyond| Status::resource_exhausted(beyond.to_string());
        let (attendant, commands) = self.attendance.attend(&first.node_id, fleet).map_err(beyond)?;
        // What it shows is read while what it is to do is written: both end with the first that does.
        let state = (attendant, commands, messages, self.stop.clone());
        let answers = stream::unfold(state, |(attendant, mut commands, mut messages, stop)| async move {
            loop {
                tokio::select! {
                    command = commands.recv() => return Some((Ok(command?), (attendant, commands, messages, stop))),
                    message = messages.message() => attendant.shows(message.ok()??),
                    () = stop.cancelled() => return None,
                }
            }
        });
        Ok(Response::new(answers.boxed()))
    }
}
