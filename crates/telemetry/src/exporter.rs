//! The thread that sends.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use backstay_proto::access_log_service::HttpAccessLogEntry;
use backstay_proto::otlp::logs::v1::LogRecord;
use backstay_proto::otlp::resource::v1::Resource;
use backstay_proto::otlp::trace::v1::Span;
use backstay_trace::Collector;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Counts;
use crate::access_log_service::{self, AccessLogService};
use crate::back_off::BackOff;
use crate::metrics::{Reader, batches};
use crate::queue::{BATCH, Queue};
use crate::signal::{Signal, Told};
use crate::transport::{Said, Transport};

/// How long what is left waits for more, where there is not enough for a request.
const GATHER: Duration = Duration::from_secs(1);
/// How long the last requests may take, once nothing more comes.
const LAST: Duration = Duration::from_secs(2);

/// Where to send what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// Where spans go; `None`: nowhere.
    pub traces: Option<Collector>,
    /// Where log records go.
    pub logs: Option<Collector>,
    /// Where metrics go, and how often.
    pub metrics: Option<(Collector, Duration)>,
    /// Which access log service is told of requests.
    pub service: Option<AccessLogService>,
}

/// Where what is sent comes from.
pub struct Sources {
    /// Spans.
    pub spans: Queue<Span>,
    /// Log records.
    pub logs: Queue<LogRecord>,
    /// Metrics as those who fetch them are answered, asked for when it is time to.
    pub metrics: Box<dyn Fn() -> String + Send>,
    /// Requests for an access log service.
    pub requests: Queue<HttpAccessLogEntry>,
}

/// The thread that sends. Dropped, it sends what it has, for two seconds at most.
#[derive(Debug)]
pub struct Exporter {
    targets: watch::Sender<Targets>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// A thread that sends what comes from `sources` as told of `resource` to `targets`, until [`Exporter::aim`] says
    /// others.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn start(sources: Sources, resource: Resource, counts: Arc<Counts>, targets: Targets) -> io::Result<Self> {
        let (targets, aimed) = watch::channel(targets);
        let (stop, stopped) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("telemetry".to_owned()).spawn(move || {
            runtime.block_on(run(sources, &resource, &counts, aimed, stopped));
        })?;
        Ok(Self { targets, stop, thread: Some(thread) })
    }

    /// Has it send there from now on.
    pub fn aim(&self, targets: Targets) {
        self.targets.send_if_modified(|current| {
            let differs = *current != targets;
            *current = targets;
            differs
        });
    }

    /// Sends what there is, for two seconds at most, and ends. Blocks for as long.
    pub fn end(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.finish();
    }
}

async fn run(
    sources: Sources,
    resource: &Resource,
    counts: &Counts,
    targets: watch::Receiver<Targets>,
    stop: watch::Receiver<bool>,
) {
    let Sources { spans, logs, metrics, requests } = sources;
    let line = |signal| Line { signal, resource, counts, targets: targets.clone(), stop: stop.clone() };
    let work = async {
        tokio::join!(
            line(Signal::Traces).queued(&spans, |targets| targets.traces.clone()),
            line(Signal::Logs).queued(&logs, |targets| targets.logs.clone()),
            line(Signal::Metrics).periodic(&metrics),
            access_log_service::run(&requests, targets.clone(), counts, stop.clone()),
        );
    };
    let mut stop = stop.clone();
    let late = async {
        let _ = stop.wait_for(|stop| *stop).await;
        sleep(LAST).await;
    };
    tokio::select! {
        () = work => {}
        () = late => {}
    }
}

/// One signal, on its way.
struct Line<'a> {
    signal: Signal,
    resource: &'a Resource,
    counts: &'a Counts,
    targets: watch::Receiver<Targets>,
    stop: watch::Receiver<bool>,
}

impl Line<'_> {
    /// Sends what is queued, as soon as there is enough of it or it has waited for long enough.
    async fn queued<T: Told>(mut self, queue: &Queue<T>, aim: impl Fn(&Targets) -> Option<Collector>) {
        let mut way: Option<(Collector, Transport)> = None;
        let mut stop = self.stop.clone();
        loop {
            let last = tokio::select! {
                () = queue.filled() => false,
                () = sleep(GATHER) => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            let aimed = aim(&self.targets.borrow_and_update());
            let items = queue.take();
            // What was left before there was nowhere to send it is of no use any more.
            let Some(collector) = aimed else {
                way = None;
                if last { return } else { continue }
            };
            if way.as_ref().is_none_or(|(known, _)| *known != collector) {
                way = Transport::new(collector.clone(), self.signal).ok().map(|transport| (collector, transport));
            }
            if let Some((_, transport)) = &mut way {
                let mut items = items.into_iter();
                loop {
                    let batch: Vec<T> = items.by_ref().take(BATCH).collect();
                    if batch.is_empty() {
                        break;
                    }
                    self.deliver(transport, batch).await;
                }
            }
            if last {
                return;
            }
        }
    }

    /// Reads and sends metrics as often as it is said, and a last time.
    async fn periodic(mut self, text: &(dyn Fn() -> String + Send)) {
        let mut reader = Reader::new(SystemTime::now());
        let mut stop = self.stop.clone();
        let mut way: Option<(Collector, Transport)> = None;
        let mut next: Option<Instant> = None;
        loop {
            let aimed = self.targets.borrow_and_update().metrics.clone();
            let due = match (&aimed, next) {
                (None, _) => None,
                (Some((_, interval)), None) => Some(Instant::now() + *interval),
                (Some(_), Some(next)) => Some(next),
            };
            next = due;
            let wait = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            let last = tokio::select! {
                () = wait => false,
                changed = self.targets.changed() => if changed.is_ok() { next = None; continue } else { true },
                _ = stop.wait_for(|stop| *stop) => true,
            };
            let Some((collector, interval)) = aimed else { if last { return } else { continue } };
            next = Some(Instant::now() + interval);
            if way.as_ref().is_none_or(|(known, _)| *known != collector) {
                way = Transport::new(collector.clone(), self.signal).ok().map(|transport| (collector, transport));
            }
            if let Some((_, transport)) = &mut way {
                for batch in batches(reader.read(&text(), SystemTime::now())) {
                    self.deliver(transport, batch).await;
                }
            }
            if last {
                return;
            }
        }
    }

    /// Sends a batch, as often as it takes or there is a point in it.
    async fn deliver<T: Told>(&self, transport: &mut Transport, batch: Vec<T>) {
        let (count, counts) = (batch.iter().map(Told::count).sum::<u64>(), self.counts.of(self.signal));
        let signal = self.signal.name();
        let request = bytes::Bytes::from(T::request(batch, self.resource));
        let mut back_off = BackOff::default();
        let mut stop = self.stop.clone();
        loop {
            let (asked, why) = match transport.send(request.clone()).await {
                Said::Taken(refused, why) => {
                    counts.taken(count.saturating_sub(refused));
                    if refused > 0 {
                        counts.refused(refused.min(count));
                        tracing::warn!(signal, refused, why, "a collector has refused some of what it was told");
                    }
                    return;
                }
                Said::Refused(why) => {
                    counts.failed();
                    counts.refused(count);
                    tracing::warn!(signal, count, why, "a collector refuses what it is told; it is lost");
                    return;
                }
                Said::Again(asked, why) => {
                    counts.failed();
                    (asked, why)
                }
            };
            let Some(wait) = back_off.next(asked) else {
                counts.unreachable(count);
                tracing::warn!(
                    signal,
                    count,
                    why,
                    "a collector cannot be told for too long; what it was to be told is lost"
                );
                return;
            };
            tracing::debug!(signal, count, why, ?wait, "a collector cannot be told; it is tried again");
            let ends = stop.wait_for(|stop| *stop);
            if *self.stop.borrow() {
                // Whoever waits for the end does not wait for a collector that is away.
                counts.unreachable(count);
                return;
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = ends => {}
            }
        }
    }
}
