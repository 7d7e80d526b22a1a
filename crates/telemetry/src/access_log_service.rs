//! Envoy's gRPC access log service: a stream of entries, of which nobody says that they have arrived.
//!
//! Source: Envoy, `envoy/service/accesslog/v3/als.proto`.

use std::time::Duration;

use backstay_proto::access_log_service::access_log_service_client::AccessLogServiceClient;
use backstay_proto::access_log_service::stream_access_logs_message::{HttpAccessLogEntries, Identifier, LogEntries};
use backstay_proto::access_log_service::{HttpAccessLogEntry, StreamAccessLogsMessage};
use backstay_trace::Collector;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;

use crate::back_off::BackOff;
use crate::exporter::Targets;
use crate::queue::{BATCH, Queue};
use crate::transport::{channel, reason};
use crate::{Counts, Signal};

/// How long what is left waits for more.
const GATHER: Duration = Duration::from_secs(1);

/// A service that is told of requests.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessLogService {
    /// Where it is. What speaks gRPC to a collector speaks it here.
    pub at: Collector,
    /// Who tells it, and what the log is called.
    pub identifier: Identifier,
}

/// A stream that goes on.
struct Open {
    messages: mpsc::Sender<StreamAccessLogsMessage>,
    /// Ends with why it has ended.
    call: JoinHandle<String>,
    is_new: bool,
}

/// Tells the service of what is queued, until the end.
pub(crate) async fn run(
    queue: &Queue<HttpAccessLogEntry>,
    mut targets: watch::Receiver<Targets>,
    counts: &Counts,
    mut stop: watch::Receiver<bool>,
) {
    let mut open: Option<(AccessLogService, Open)> = None;
    loop {
        let last = tokio::select! {
            () = queue.filled() => false,
            () = sleep(GATHER) => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        let service = targets.borrow_and_update().service.clone();
        let mut entries = queue.take().into_iter();
        match service {
            None => open = None,
            Some(service) => {
                let mut stream = open.take().filter(|(known, _)| *known == service).map(|(_, open)| open);
                loop {
                    let batch: Vec<_> = entries.by_ref().take(BATCH).collect();
                    if batch.is_empty() {
                        break;
                    }
                    stream = deliver(&service, stream, batch, counts, &stop).await;
                }
                open = stream.map(|stream| (service, stream));
            }
        }
        if last {
            if let Some((_, Open { messages, call, .. })) = open {
                // The service answers once it has all of it.
                drop(messages);
                let _ = call.await;
            }
            return;
        }
    }
}

/// Hands a batch to the stream, or to another one if that has ended, as often as there is a point in it.
async fn deliver(
    service: &AccessLogService,
    mut stream: Option<Open>,
    batch: Vec<HttpAccessLogEntry>,
    counts: &Counts,
    stop: &watch::Receiver<bool>,
) -> Option<Open> {
    let (count, counts) = (batch.len() as u64, counts.of(Signal::Requests));
    let entries = LogEntries::HttpLogs(HttpAccessLogEntries { log_entry: batch });
    let mut back_off = BackOff::default();
    let mut stop = stop.clone();
    loop {
        let begun = match stream.take().filter(|stream| !stream.call.is_finished()) {
            Some(stream) => Ok(stream),
            None => open(service).await,
        };
        let why = match begun {
            Err(why) => why,
            Ok(mut stream) => {
                let identifier = std::mem::take(&mut stream.is_new).then(|| service.identifier.clone());
                let message = StreamAccessLogsMessage { identifier, log_entries: Some(entries.clone()) };
                // Until it is on its way: before there is a connection nothing is read.
                let sent = async {
                    stream.messages.send(message).await.map_err(drop)?;
                    stream.messages.reserve().await.map(drop).map_err(drop)
                };
                match timeout(service.at.timeout, sent).await {
                    Ok(Ok(())) => {
                        counts.taken(count);
                        return Some(stream);
                    }
                    Ok(Err(_)) => stream.call.await.unwrap_or_default(),
                    Err(_) => {
                        stream.call.abort();
                        format!("nothing was read within {:?}", service.at.timeout)
                    }
                }
            }
        };
        counts.failed();
        let wait = back_off.next(None).filter(|_| !*stop.borrow());
        let Some(wait) = wait else {
            counts.unreachable(count);
            tracing::warn!(
                count,
                why,
                "the access log service cannot be told for too long; what it was to be told is lost"
            );
            return None;
        };
        tracing::debug!(count, why, ?wait, "the access log service cannot be told; it is tried again");
        tokio::select! {
            () = sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

async fn open(service: &AccessLogService) -> Result<Open, String> {
    let mut client = AccessLogServiceClient::new(channel(&service.at));
    if service.at.gzip {
        client = client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    }
    // One message may wait while another is on its way.
    let (messages, waiting) = mpsc::channel(1);
    let mut request = Request::new(ReceiverStream::new(waiting));
    *request.metadata_mut() = MetadataMap::from_headers(service.at.headers.iter().cloned().collect());
    let call = tokio::spawn(async move {
        match client.stream_access_logs(request).await {
            Ok(_) => "it has ended the stream".to_owned(),
            Err(status) => format!("{:?}: {}", status.code(), reason(&status)),
        }
    });
    Ok(Open { messages, call, is_new: true })
}
