//! Tells the control plane how the backends fare, over a stream of its own beside the subscription. On the same connection the proxy
//! [attends](crate::attend) whoever looks at its requests.
//!
//! # Layout
//!
//! - `summary`: what there is to tell of a configuration, and what of it has changed.

mod summary;

use std::time::Duration;

use backstay_proto::report::ReportHealthRequest;
use backstay_proto::report::health_report_service_client::HealthReportServiceClient;
use backstay_xds::client::{self, Backoff};
use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};

use self::summary::{Summary, changes};
use crate::attend::Attending;
use crate::control::{SharedModel, look};

/// How often it is looked whether something has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a control plane that takes no reports is left alone: it may be replaced by one that does.
const NOT_TAKEN: Duration = Duration::from_secs(60);
/// Backends of one message, so that it stays small.
const BACKENDS: usize = 1000;

/// Reports for as long as it is polled, over as many connections as it takes.
pub(crate) async fn run(options: client::Options, attending: Attending) {
    let mut backoff = Backoff::new(options.backoff_base, options.backoff_max);
    let mut rng: SmallRng = rand::make_rng();
    let candidates = 1 + options.fallbacks.len();
    let mut candidate = 0;
    loop {
        let here = options.candidate(candidate);
        let mut connected = false;
        let ended = stream(&here, &attending, &mut backoff, &mut connected).await;
        // As the subscription does: the first one that can be reached.
        candidate = if connected { 0 } else { (candidate + 1) % candidates };
        let wait = match ended {
            Some(status) if status.code() == Code::Unimplemented => NOT_TAKEN,
            Some(status) => {
                tracing::debug!(code = ?status.code(), message = status.message(), "a report of health ended");
                backoff.next(&mut rng)
            }
            // That there is no connection is what the subscription tells.
            None => backoff.next(&mut rng),
        };
        sleep(wait).await;
    }
}

/// One stream, from connecting to its end. `None` where there is no connection.
async fn stream(
    options: &client::Options,
    attending: &Attending,
    backoff: &mut Backoff,
    connected: &mut bool,
) -> Option<Status> {
    let channel = client::connect(options).await.ok()?;
    *connected = true;
    let (messages, outgoing) = mpsc::channel(1);
    let mut request = Request::new(ReceiverStream::new(outgoing));
    let metadata = client::metadata(options).await.ok()?;
    request.metadata_mut().clone_from(&metadata);
    let own = Backoff::new(options.backoff_base, options.backoff_max);
    let attended = attending.run(channel.clone(), metadata, own);
    let mut client = HealthReportServiceClient::new(channel);
    let first = ReportHealthRequest {
        node_id: options.node.id.clone(),
        fleet: options.node.cluster.clone(),
        ..ReportHealthRequest::default()
    };
    tokio::select! {
        answer = client.report_health(request) => answer.err(),
        // Ends when the stream has.
        () = tell(messages, first, &attending.model, backoff) => None,
        never = attended => match never {},
    }
}

/// Sends what there is to tell, and then what changes. A control plane that does not read is waited for: what changes meanwhile is
/// folded into the next message.
async fn tell(
    messages: mpsc::Sender<ReportHealthRequest>,
    first: ReportHealthRequest,
    model: &SharedModel,
    backoff: &mut Backoff,
) {
    let mut told = Summary::new();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if messages.send(first).await.is_err() {
        return;
    }
    loop {
        ticks.tick().await;
        let now = summary::of(look(model).backends());
        for message in changes(&told, &now, BACKENDS) {
            if messages.send(message).await.is_err() {
                return;
            }
            backoff.reset();
        }
        told = now;
    }
}
