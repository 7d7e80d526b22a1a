//! The access log: a line for each request, written off the data threads.
//!
//! What lines are made of, and which requests have one, is a plan (`plan`), which the fleet and the command line have a say in
//! (`settings`) and which may change at any time: a request keeps the one that it began with.
//!
//! Data threads hand records to a bounded queue and never wait: when the writer is behind, lines are dropped and counted. So are
//! lines that cannot be written, as on a full disk: the writer goes on, and lines follow once there is room again.

mod fields;
mod file;
mod line;
mod plan;
mod record;
mod served;
mod settings;
mod told;
mod writer;

pub(crate) use file::LogFile;
pub(crate) use plan::Plan;
pub use record::Record;
pub(crate) use record::{CallRecord, Came, ClientTls, InTrace, flags, protocol};
pub(crate) use settings::LogControl;
pub use settings::LogOverrides;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use arc_swap::ArcSwapOption;
use backstay_proto::access_log_service::HttpAccessLogEntry;
use backstay_proto::otlp::logs::v1::LogRecord;
use backstay_telemetry::Lane;

use crate::counts::ServerMetrics;
use writer::Writer;

/// Where data threads leave records.
#[derive(Debug, Clone)]
pub struct Log {
    queue: SyncSender<Word>,
    asked: Arc<AtomicBool>,
    /// `None`: no request is logged.
    plan: Arc<ArcSwapOption<Plan>>,
}

/// Where records are taken from.
#[derive(Debug)]
pub struct Records {
    queue: Receiver<Word>,
    asked: Arc<AtomicBool>,
    /// Where those are left that a collector is told of.
    told: Option<Lane<LogRecord>>,
    /// Where those are left that an access log service is told of.
    served: Option<Lane<HttpAccessLogEntry>>,
}

/// What the writer is told.
#[derive(Debug)]
enum Word {
    Record(Box<Record>),
    /// To see now whether the file was moved.
    Reopen,
}

/// A queue of at most `capacity` records, of all requests and with the usual fields until another plan comes.
pub fn channel(capacity: usize) -> (Log, Records) {
    let (sender, receiver) = sync_channel(capacity);
    let asked = Arc::<AtomicBool>::default();
    let plan = Arc::new(ArcSwapOption::from_pointee(Plan::default()));
    (
        Log { queue: sender, asked: Arc::clone(&asked), plan },
        Records { queue: receiver, asked, told: None, served: None },
    )
}

impl Log {
    /// The plan of a request that begins now; `None` where it is not logged.
    #[inline]
    pub(crate) fn plan(&self) -> Option<Arc<Plan>> {
        self.plan.load_full()
    }

    /// Logs by `plan` from now on, or not at all.
    pub(crate) fn turn(&self, plan: Option<Plan>) {
        self.plan.store(plan.map(Arc::new));
    }

    /// Leaves a record; `false` when there is no room for it.
    pub(crate) fn write(&self, record: Box<Record>) -> bool {
        self.queue.try_send(Word::Record(record)).is_ok()
    }

    /// Has the writer look now whether its file was moved away, and begin a new one if so.
    pub(crate) fn reopen(&self) {
        self.asked.store(true, Relaxed);
        // A writer whose queue is full is awake.
        let _ = self.queue.try_send(Word::Reopen);
    }
}

impl Records {
    /// The same, where what a collector is to be told is left in a lane, and what an access log service is in the other.
    pub(crate) fn telling(mut self, told: Lane<LogRecord>, served: Lane<HttpAccessLogEntry>) -> Self {
        (self.told, self.served) = (Some(told), Some(served));
        self
    }

    /// Writes lines to `out` until every [`Log`] is gone. Blocks: meant for a thread of its own. Lines are written whenever
    /// the queue is empty. What `out` refuses is tried again; what there is no place for meanwhile is counted as lost.
    pub fn write_to(self, out: impl Write, metrics: &ServerMetrics) {
        self.run(Elsewhere(out), metrics);
    }

    /// Writes lines to `file`, and to a new one of its name once it was moved away or removed.
    pub(crate) fn write_to_file(self, file: LogFile, metrics: &ServerMetrics) {
        self.run(file, metrics);
    }

    fn run(self, out: impl Output, metrics: &ServerMetrics) {
        let mut writer = Writer::new(out, metrics);
        loop {
            let word = match writer.wait() {
                None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => self.queue.recv_timeout(wait),
            };
            if matches!(word, Err(RecvTimeoutError::Disconnected)) {
                break;
            }
            let mut next = word.ok();
            while let Some(word) = next {
                match word {
                    Word::Record(record) => {
                        if let Some(lane) = self.told.as_ref().filter(|_| record.plan.told) {
                            lane.push(record.told());
                        }
                        if let Some(lane) = self.served.as_ref().filter(|_| record.plan.served) {
                            lane.push(record.served());
                        }
                        if record.plan.written {
                            writer.add(&record);
                        }
                    }
                    Word::Reopen => writer.hurry(),
                }
                next = self.queue.try_recv().ok();
            }
            if self.asked.swap(false, Relaxed) {
                writer.look();
            }
            writer.write();
        }
        writer.end();
    }
}

/// Where lines go.
trait Output: Write {
    /// Called where no line is half written, or to give up the one that is: whether what is written from now on goes to another
    /// file than before. To `look` at once, or when it is time to.
    fn follow(&mut self, look: Look) -> Followed;
}

/// When to look whether a file was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Now,
    WhenDue,
}

/// Whether lines go to another file from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    Same,
    Another,
}

/// What has no name to be moved from.
struct Elsewhere<W>(W);

impl<W: Write> Write for Elsewhere<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Output for Elsewhere<W> {
    fn follow(&mut self, _: Look) -> Followed {
        Followed::Same
    }
}

#[cfg(test)]
mod tests;
