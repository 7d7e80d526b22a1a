//! What is kept of the access log between the queue and the file.

use std::io;
use std::time::{Duration, Instant};

use super::{Followed, Look, Output, Record};
use crate::counts::ServerMetrics;

/// Bytes of lines that wait to be written together. What cannot be written waits here too; beyond, lines are lost.
const CAPACITY: usize = 64 << 10;
/// From a failed attempt to write to the next.
const RETRY: Duration = Duration::from_millis(250);

/// Writes lines, each whole or not at all, and outlives whatever keeps it from writing.
pub(super) struct Writer<'m, O> {
    out: O,
    metrics: &'m ServerMetrics,
    /// What was not written yet.
    lines: Vec<u8>,
    /// The first of them begins in the middle: its beginning was written.
    begun: bool,
    look: Look,
    failing: Option<Failing>,
}

/// Nothing could be written.
struct Failing {
    /// When to try again.
    next: Instant,
    /// Lines lost since then.
    lost: u64,
}

impl<'m, O: Output> Writer<'m, O> {
    pub(super) fn new(out: O, metrics: &'m ServerMetrics) -> Self {
        let lines = Vec::with_capacity(CAPACITY);
        Self { out, metrics, lines, begun: false, look: Look::WhenDue, failing: None }
    }

    /// How long to wait for another record at most.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.failing.as_ref().map(|failing| failing.next.saturating_duration_since(Instant::now()))
    }

    /// Takes a record in, if there is room for it.
    pub(super) fn add(&mut self, record: &Record) {
        let before = self.lines.len();
        let written = record.write(&mut self.lines).is_ok();
        self.lines.push(b'\n');
        if written && self.lines.len() <= CAPACITY {
            return;
        }
        let line = self.lines.split_off(before);
        self.write();
        // A line has room beside none, however long it is.
        if written && (self.lines.is_empty() || self.lines.len() + line.len() <= CAPACITY) {
            self.lines.extend_from_slice(&line);
        } else {
            self.lose();
        }
    }

    /// The next attempt is made at once.
    pub(super) fn hurry(&mut self) {
        if let Some(failing) = &mut self.failing {
            failing.next = Instant::now();
        }
    }

    /// Looks with the next attempt whether the file was moved.
    pub(super) fn look(&mut self) {
        self.look = Look::Now;
    }

    /// Writes what there is, unless that has failed only now.
    pub(super) fn write(&mut self) {
        if self.wait().is_some_and(|wait| !wait.is_zero()) {
            return;
        }
        match self.try_write() {
            Ok(()) => {
                if let Some(Failing { lost, .. }) = self.failing.take() {
                    tracing::info!(lost, "the access log is written again");
                }
            }
            Err(error) => {
                self.metrics.log_failures.increment(1);
                let next = Instant::now() + RETRY;
                match &mut self.failing {
                    Some(failing) => failing.next = next,
                    None => {
                        tracing::error!(%error, "the access log cannot be written; it is tried again, and lines are lost meanwhile");
                        self.failing = Some(Failing { next, lost: 0 });
                    }
                }
            }
        }
    }

    /// Writes what there is for the last time.
    pub(super) fn end(mut self) {
        self.hurry();
        self.write();
        for _ in 0..self.lines.iter().filter(|byte| **byte == b'\n').count() {
            self.lose();
        }
    }

    fn try_write(&mut self) -> io::Result<()> {
        if self.out.follow(std::mem::replace(&mut self.look, Look::WhenDue)) == Followed::Another && self.begun {
            // Its beginning is in the other file.
            let end = self.lines.iter().position(|byte| *byte == b'\n').map_or(self.lines.len(), |end| end + 1);
            self.lines.drain(..end);
            self.begun = false;
            self.lose();
        }
        let mut written = 0;
        let outcome = loop {
            let rest = self.lines.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break self.out.flush();
            }
            match self.out.write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if let Some(last) = written.checked_sub(1) {
            self.begun = self.lines.get(last) != Some(&b'\n');
        }
        self.lines.drain(..written.min(self.lines.len()));
        outcome
    }

    fn lose(&mut self) {
        self.metrics.log_lines_unwritten.increment(1);
        if let Some(failing) = &mut self.failing {
            failing.lost += 1;
        }
    }
}
