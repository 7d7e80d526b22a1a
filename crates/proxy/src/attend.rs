//! Shows the control plane what requests are served, when somebody asks there. Until then the stream is idle.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use backstay_live::{Filter, FilterError};
use backstay_proto::live::attend_response::Command;
use backstay_proto::live::proxy_live_service_client::ProxyLiveServiceClient;
use backstay_proto::live::{AttendRequest, AttendResponse, Tap, Top, TopTable};
use backstay_xds::client::{Backoff, Link};
use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use crate::control::{SharedModel, look};
use crate::live::{Live, Look, Looking, Told};

/// How long a control plane that does not know of it is left alone: it may be replaced by one that does.
const NOT_KNOWN: Duration = Duration::from_secs(60);
/// Messages that wait for the stream. Requests that find no room wait where they are told, and are lost there.
const WAITING: usize = 16;

/// Who attends, and what there is to show.
#[derive(Debug, Clone)]
pub(crate) struct Attending {
    pub(crate) node: Arc<str>,
    pub(crate) fleet: Arc<str>,
    pub(crate) live: Arc<Live>,
    pub(crate) model: SharedModel,
}

impl Attending {
    /// Attends over this connection, for as long as it is polled.
    pub(crate) async fn run(&self, link: Link, metadata: MetadataMap, mut backoff: Backoff) -> Infallible {
        let mut rng: SmallRng = rand::make_rng();
        loop {
            let ended = self.stream(link.clone(), metadata.clone(), &mut backoff).await;
            let wait = match ended {
                Some(status) if status.code() == Code::Unimplemented => NOT_KNOWN,
                _ => backoff.next(&mut rng),
            };
            sleep(wait).await;
        }
    }

    /// One stream, from the first message to its end.
    async fn stream(&self, link: Link, metadata: MetadataMap, backoff: &mut Backoff) -> Option<Status> {
        let (messages, outgoing) = mpsc::channel(WAITING);
        let first =
            AttendRequest { node_id: self.node.to_string(), fleet: self.fleet.to_string(), ..AttendRequest::default() };
        messages.send(first).await.ok()?;
        let mut request = Request::new(ReceiverStream::new(outgoing));
        *request.metadata_mut() = metadata;
        let mut commands = match ProxyLiveServiceClient::new(link).attend(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Some(status),
        };
        let mut sessions: HashMap<u64, Session> = HashMap::new();
        loop {
            match commands.message().await {
                Ok(Some(AttendResponse { id, command })) => {
                    backoff.reset();
                    sessions.retain(|_, session| !session.0.is_finished());
                    match command {
                        Some(Command::Tap(tap)) => self.begin(id, tap_of(&tap), &messages, &mut sessions),
                        Some(Command::Top(top)) => self.begin(id, top_of(&top), &messages, &mut sessions),
                        // A command of a later version is none that this one could do.
                        Some(Command::Stop(_)) | None => drop(sessions.remove(&id)),
                    }
                }
                Ok(None) => return None,
                Err(status) => return Some(status),
            }
        }
    }

    fn begin(
        &self,
        id: u64,
        asked: Result<(Filter, Shown), FilterError>,
        messages: &mpsc::Sender<AttendRequest>,
        sessions: &mut HashMap<u64, Session>,
    ) {
        let messages = messages.clone();
        let begun = asked.map_err(|error| error.to_string()).and_then(|(filter, shown)| {
            let what = match shown {
                Shown::Requests(limit) => Look::Requests(limit),
                Shown::Tables(_) => Look::Figures,
            };
            self.live.look(filter, what).map(|looking| (looking, shown)).map_err(|error| error.to_string())
        });
        let model = Arc::clone(&self.model);
        let task = tokio::spawn(async move {
            match begun {
                Ok((looking, Shown::Requests(_))) => show_requests(id, looking, messages).await,
                Ok((looking, Shown::Tables(every))) => show_tables(id, looking, every, &model, messages).await,
                Err(refused) => {
                    let _ = messages.send(AttendRequest { id, refused, ..AttendRequest::default() }).await;
                }
            }
        });
        sessions.insert(id, Session(task));
    }
}

/// What is shown: so many requests a second, or tables so often.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Requests(u32),
    Tables(Duration),
}

fn tap_of(tap: &Tap) -> Result<(Filter, Shown), FilterError> {
    let filter = Filter::read(&tap.filter.clone().unwrap_or_default())?;
    Ok((filter, Shown::Requests(backstay_live::limit(tap.limit)?)))
}

fn top_of(top: &Top) -> Result<(Filter, Shown), FilterError> {
    let filter = Filter::read(&top.filter.clone().unwrap_or_default())?;
    Ok((filter, Shown::Tables(Duration::from_millis(backstay_live::interval(top.interval_ms)?.into()))))
}

/// Somebody looks. Ends when it is dropped.
struct Session(JoinHandle<()>);

impl Drop for Session {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn show_requests(id: u64, mut looking: Looking, messages: mpsc::Sender<AttendRequest>) {
    loop {
        let Told { requests, missed } = looking.requests().await;
        if messages.send(AttendRequest { id, requests, missed, ..AttendRequest::default() }).await.is_err() {
            return;
        }
    }
}

async fn show_tables(
    id: u64,
    mut looking: Looking,
    every: Duration,
    model: &SharedModel,
    messages: mpsc::Sender<AttendRequest>,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is at once.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let table = table(&mut looking, model);
        if messages.send(AttendRequest { id, table: Some(table), ..AttendRequest::default() }).await.is_err() {
            return;
        }
    }
}

/// The figures since they were last taken.
pub(crate) fn table(looking: &mut Looking, model: &SharedModel) -> TopTable {
    let backends = look(model).snapshots();
    looking.table(&backends)
}
