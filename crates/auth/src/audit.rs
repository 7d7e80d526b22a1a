//! The audit log: who has done what, a line of JSON for each.
//!
//! - [`event`]: what a line says, as Kubernetes' `audit.k8s.io/v1` has it. `writer`: the file that lines go to.

pub mod event;
mod writer;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use metrics::Counter;
use tokio::sync::oneshot;

pub use self::event::{Event, ObjectRef, Stage};
use self::writer::Writer;

/// Where the audit log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file, which is added to, and made again when it was moved.
    File(PathBuf),
}

/// What happens to requests while the log cannot keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They go on. Lines for which the queue has no room are lost, and counted.
    #[default]
    Batch,
    /// Each is answered once its line is written.
    Blocking,
}

/// Settings of the audit log.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Where it goes.
    pub target: Target,
    /// What happens while it cannot keep up.
    pub mode: Mode,
    /// Bytes of lines that may wait to be written.
    pub queue_bytes: usize,
}

/// What is counted of the audit log.
#[derive(Debug, Clone)]
pub struct AuditCounts {
    /// Events that were written.
    pub written: Counter,
    /// Events that were lost, since the queue was full or the log could not be written.
    pub lost: Counter,
}

/// The audit log, or none. Clones are one.
#[derive(Clone, Default)]
pub struct Audit(Option<Arc<Log>>);

struct Log {
    queue: Mutex<Sender<Message>>,
    /// Bytes that wait.
    waiting: Arc<AtomicUsize>,
    options: AuditOptions,
    counts: AuditCounts,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Line(String, Option<oneshot::Sender<()>>),
    Reopen,
    End,
}

impl Audit {
    /// No log.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Begins a log.
    ///
    /// # Errors
    /// When its file cannot be opened, or no thread be started.
    pub fn open(options: AuditOptions, counts: AuditCounts) -> io::Result<Self> {
        let writer = Writer::open(&options.target, counts.clone())?;
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&waiting);
        let thread =
            std::thread::Builder::new().name("audit".to_owned()).spawn(move || run(writer, &receiver, &own))?;
        let (queue, thread) = (Mutex::new(sender), Mutex::new(Some(thread)));
        Ok(Self(Some(Arc::new(Log { queue, waiting, options, counts, thread }))))
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes an event soon.
    pub fn record(&self, event: &Event) {
        if let Some(log) = &self.0 {
            log.send(event, None);
        }
    }

    /// Writes an event; in the mode [`Mode::Blocking`] returns once that is done, or has failed.
    pub async fn recorded(&self, event: &Event) {
        let Some(log) = &self.0 else { return };
        if log.options.mode == Mode::Batch {
            log.send(event, None);
            return;
        }
        let (sender, done) = oneshot::channel();
        if log.send(event, Some(sender)) {
            let _ = done.await;
        }
    }

    /// The next line goes to the file that has the name then, as after a rotation.
    pub fn reopen(&self) {
        if let Some(log) = &self.0 {
            log.post(Message::Reopen);
        }
    }

    /// Writes what waits, and ends. What is recorded afterwards is lost. It may take as long as the log takes to be written.
    pub fn close(&self) {
        let Some(log) = &self.0 else { return };
        log.post(Message::End);
        let thread = log.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Log {
    /// Whether it will be tried.
    fn send(&self, event: &Event, done: Option<oneshot::Sender<()>>) -> bool {
        let line = event.line();
        let bytes = line.len();
        // Whoever waits for its line is bounded by what is in flight.
        let limit = if done.is_some() { usize::MAX } else { self.options.queue_bytes };
        let fits = |waiting: usize| (bytes <= limit.saturating_sub(waiting)).then_some(waiting + bytes);
        if self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            self.counts.lost.increment(1);
            return false;
        }
        let sent = self.post(Message::Line(line, done));
        if !sent {
            self.counts.lost.increment(1);
        }
        sent
    }

    fn post(&self, message: Message) -> bool {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).send(message).is_ok()
    }
}

/// Takes what has come, writes it together, and tells whoever waits for it.
fn run(mut writer: Writer, queue: &Receiver<Message>, waiting: &AtomicUsize) {
    while let Ok(first) = queue.recv() {
        let (mut next, mut done, mut ends) = (Some(first), Vec::new(), false);
        let mut bytes = 0;
        while let Some(message) = next.take() {
            match message {
                Message::Line(line, waits) => {
                    bytes += line.len();
                    writer.add(&line);
                    done.extend(waits);
                }
                Message::Reopen => writer.reopen(),
                Message::End => ends = true,
            }
            if !ends && !writer.is_full() {
                next = queue.try_recv().ok();
            }
        }
        writer.write();
        waiting.fetch_sub(bytes, Ordering::Relaxed);
        for waits in done {
            let _ = waits.send(());
        }
        if ends {
            return;
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Audit").field(&self.0.as_ref().map(|log| &log.options)).finish()
    }
}

#[cfg(test)]
mod tests;
