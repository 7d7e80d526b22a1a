//! The file that lines of the audit log go to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{AuditCounts, Target};

/// Bytes that are written at once.
const BATCH: usize = 256 << 10;
/// How often it is looked whether the file was moved.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Writes lines, a batch at a time.
pub(super) struct Writer {
    output: Output,
    counts: AuditCounts,
    lines: Vec<u8>,
    count: u64,
    looked: Instant,
    /// Whether the last write has failed: said once.
    failing: bool,
}

enum Output {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Writer {
    pub(super) fn open(target: &Target, counts: AuditCounts) -> io::Result<Self> {
        let output = match target {
            Target::Stdout => Output::Stdout,
            Target::File(path) => Output::File { path: path.clone(), file: open(path)? },
        };
        Ok(Self { output, counts, lines: Vec::new(), count: 0, looked: Instant::now(), failing: false })
    }

    pub(super) fn add(&mut self, line: &str) {
        self.lines.extend_from_slice(line.as_bytes());
        self.count += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= BATCH
    }

    /// What was added before goes to the file as it is.
    pub(super) fn reopen(&mut self) {
        self.write();
        self.follow();
    }

    /// Writes what was added. What cannot be written is lost, and counted: a log that waits for its disk would keep everything from
    /// being done.
    pub(super) fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        if self.looked.elapsed() >= LOOK_EVERY {
            self.follow();
        }
        let written = match &mut self.output {
            Output::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(&self.lines).and_then(|()| out.flush())
            }
            Output::File { file, .. } => file.write_all(&self.lines),
        };
        match written {
            Ok(()) => {
                self.counts.written.increment(self.count);
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the audit log is written again");
                }
            }
            Err(error) => {
                self.counts.lost.increment(self.count);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, "the audit log cannot be written, and events are lost");
                }
            }
        }
        self.lines.clear();
        self.count = 0;
    }

    /// Goes on in another file where the old one was moved.
    fn follow(&mut self) {
        self.looked = Instant::now();
        let Output::File { path, file } = &mut self.output else { return };
        let of = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|found| (found.dev(), found.ino()));
        if of(std::fs::metadata(&*path)) == of(file.metadata()) {
            return;
        }
        match open(path) {
            Ok(new) => {
                *file = new;
                tracing::info!(path = %path.display(), "the audit log goes to a new file");
            }
            // The old one is better than none.
            Err(error) => tracing::error!(path = %path.display(), %error, "the audit log cannot be reopened"),
        }
    }
}

/// For its owner alone: who did what is not for everybody.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
