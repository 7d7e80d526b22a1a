//! The file that the access log goes to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Followed, Look, Output};

/// How often it is looked whether the file was moved, while lines are written.
const EVERY: Duration = Duration::from_secs(1);

/// A file that lines are added to. Once another has its name, or none, lines go to one of that name.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    identity: Identity,
    looked: Instant,
    /// The last attempt to begin a new file failed.
    stuck: bool,
}

/// What tells a file from others: its device and its number there.
type Identity = (u64, u64);

impl LogFile {
    /// The file at `path`, which is made if it is not there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (file, identity) = open(path)?;
        Ok(Self { path: path.to_owned(), file, identity, looked: Instant::now(), stuck: false })
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Output for LogFile {
    fn follow(&mut self, look: Look) -> Followed {
        if look == Look::WhenDue && self.looked.elapsed() < EVERY {
            return Followed::Same;
        }
        self.looked = Instant::now();
        if fs::metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            return Followed::Same;
        }
        match open(&self.path) {
            Ok((file, identity)) => {
                (self.file, self.identity, self.stuck) = (file, identity, false);
                tracing::info!(path = %self.path.display(), "the access log goes to a new file");
                Followed::Another
            }
            Err(error) => {
                // The old file is better than none. Said once: it is tried again and again.
                if !self.stuck {
                    tracing::error!(path = %self.path.display(), %error, "the access log cannot be reopened, and goes on to the old file");
                }
                self.stuck = true;
                Followed::Same
            }
        }
    }
}

fn open(path: &Path) -> io::Result<(File, Identity)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let identity = identity(&file.metadata()?);
    Ok((file, identity))
}

fn identity(metadata: &fs::Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}
