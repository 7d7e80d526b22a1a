//! The access log: a line of JSON for each request, written off the data threads.
//!
//! Data threads hand records to a bounded queue and never wait: when the writer is behind, lines are dropped and counted.

mod record;

pub use record::Record;

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Where data threads leave records.
#[derive(Debug, Clone)]
pub struct Log {
    queue: SyncSender<Box<Record>>,
}

/// Where records are taken from.
#[derive(Debug)]
pub struct Records {
    queue: Receiver<Box<Record>>,
}

/// A queue of at most `capacity` records.
pub fn channel(capacity: usize) -> (Log, Records) {
    let (sender, receiver) = sync_channel(capacity);
    (Log { queue: sender }, Records { queue: receiver })
}

impl Log {
    /// Leaves a record; `false` when there is no room for it.
    pub(crate) fn write(&self, record: Box<Record>) -> bool {
        self.queue.try_send(record).is_ok()
    }
}

impl Records {
    /// Writes lines to `out` until every [`Log`] is gone. Blocks: meant for a thread of its own. Lines are flushed whenever
    /// the queue is empty.
    ///
    /// # Errors
    /// When `out` refuses a line.
    pub fn write_to(self, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(64 << 10, out);
        while let Ok(record) = self.queue.recv() {
            let mut next = Some(record);
            while let Some(record) = next {
                serde_json::to_writer(&mut out, &*record)?;
                out.write_all(b"\n")?;
                next = self.queue.try_recv().ok();
            }
            out.flush()?;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests;
