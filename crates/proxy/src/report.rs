//! Tells the control plane how the backends fare, over a stream of its own beside the subscription. On the same connection a proxy
//! [attends](crate::attend) whoever looks at its requests.
//!
//! # Layout
//!
//! - `summary`: what there is to tell of a configuration, and what of it has changed.

mod summary;

use std::time::Duration;

use backstay_proto::report::ReportHealthRequest;
use backstay_proto::report::health_report_service_client::HealthReportServiceClient;
use backstay_xds::client::{self, Backoff, Dialer, Disconnect, Link};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};

use self::summary::changes;
pub(crate) use self::summary::{Summary, of};
use crate::attend::Attending;

/// How often it is looked whether something has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a control plane that takes no reports is left alone: it may be replaced by one that does.
const NOT_TAKEN: Duration = Duration::from_secs(60);
/// Backends of one message, so that it stays small.
const BACKENDS: usize = 1000;

/// Reports for as long as it is polled, over as many connections as it takes. Where a control plane wants a connection to end, another
/// one has told everything before that one is given up.
pub(crate) async fn run<L: Look>(options: client::Options, look: L, attending: Option<Attending>) {
    let mut dialer = Dialer::new(options);
    let mut old: Option<Streaming> = None;
    loop {
        let dialed = match dialer.dial().await {
            Ok(dialed) => dialed,
            // That there is no connection is what the subscription tells.
            Err((place, cause)) => {
                sleep(dialer.failed(&place, &cause).await).await;
                continue;
            }
        };
        let (link, place) = (dialed.link.clone(), dialed.place.clone());
        let (whole, told) = oneshot::channel();
        let stream = stream(dialer.options().clone(), dialed.link, look.clone(), attending.clone(), whole);
        let mut current = Streaming(tokio::spawn(stream));
        let mut told = Some(told);
        let ended = loop {
            tokio::select! {
                ended = &mut current.0 => break Some(ended.ok().flatten()),
                said = told_all(&mut told) => {
                    told = None;
                    if said {
                        dialer.served();
                    }
                    drop(old.take());
                }
                () = link.leaving(), if told.is_none() => break None,
            }
        };
        let wait = match ended {
            None => {
                old = Some(current);
                continue;
            }
            Some(Some(status)) if status.code() == Code::Unimplemented => NOT_TAKEN,
            Some(status) => {
                let status = status.unwrap_or_else(|| Status::unavailable("the stream ended"));
                tracing::debug!(code = ?status.code(), message = status.message(), "a report of health ended");
                dialer.failed(&place, &Disconnect::Status(Box::new(status))).await
            }
        };
        drop(old.take());
        sleep(wait).await;
    }
}

/// Tells how the backends fare now.
pub(crate) trait Look: Fn() -> Summary + Clone + Send + Sync + 'static {}

impl<F: Fn() -> Summary + Clone + Send + Sync + 'static> Look for F {}

/// A stream, which ends when this is dropped.
struct Streaming(JoinHandle<Option<Status>>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether all that was to be told at first has been taken; never again once that was answered.
async fn told_all(told: &mut Option<oneshot::Receiver<()>>) -> bool {
    match told {
        Some(told) => told.await.is_ok(),
        None => std::future::pending().await,
    }
}

/// One stream, to its end, and why it ended. Says when all that there is to tell at first has been sent.
async fn stream<L: Look>(
    options: client::Options,
    link: Link,
    look: L,
    attending: Option<Attending>,
    whole: oneshot::Sender<()>,
) -> Option<Status> {
    let (messages, outgoing) = mpsc::channel(1);
    let mut request = Request::new(ReceiverStream::new(outgoing));
    let metadata = client::metadata(&options).await.ok()?;
    request.metadata_mut().clone_from(&metadata);
    let backoff = Backoff::new(options.backoff_base, options.backoff_max);
    let beside = link.clone();
    let attended = async move {
        match attending {
            Some(attending) => attending.run(beside, metadata, backoff).await,
            None => std::future::pending().await,
        }
    };
    let mut client = HealthReportServiceClient::new(link);
    let first = ReportHealthRequest {
        node_id: options.node.id.clone(),
        fleet: options.node.cluster.clone(),
        ..ReportHealthRequest::default()
    };
    tokio::select! {
        answer = client.report_health(request) => answer.err(),
        // Ends when the stream has.
        () = tell(messages, first, look, whole) => None,
        never = attended => match never {},
    }
}

/// Sends what there is to tell, and then what changes. A control plane that does not read is waited for: what changes meanwhile is
/// folded into the next message.
async fn tell<L: Look>(
    messages: mpsc::Sender<ReportHealthRequest>,
    first: ReportHealthRequest,
    look: L,
    whole: oneshot::Sender<()>,
) {
    let (mut whole, mut begun) = (Some(whole), false);
    let mut told = Summary::new();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if messages.send(first).await.is_err() {
        return;
    }
    loop {
        ticks.tick().await;
        // What was sent at the first look has been read by the second.
        if let Some(whole) = whole.take_if(|_| begun) {
            let _ = whole.send(());
        }
        let now = look();
        for message in changes(&told, &now, BACKENDS) {
            if messages.send(message).await.is_err() {
                return;
            }
        }
        told = now;
        begun = true;
    }
}
