//! A file of the system that is read again when it changes, as resolv.conf(5) and hosts(5) are: by programs for the network, and by hand.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// How long a change may go unseen. A look is one system call on a file that is in memory.
const EVERY: Duration = Duration::from_secs(1);

/// What is made of a file's bytes; an error says what is wrong with them.
type Parse<T> = Box<dyn Fn(&[u8]) -> io::Result<T> + Send + Sync>;

/// What a file says, looked at again at most once a second.
pub(super) struct SystemFile<T> {
    path: PathBuf,
    parse: Parse<T>,
    current: ArcSwap<T>,
    seen: Mutex<Seen>,
}

/// The file that was last read, as far as the system tells files apart, and when it was last looked at.
struct Seen {
    at: Instant,
    stamp: Option<Stamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Most programs replace such a file by another.
    number: u64,
}

impl<T> SystemFile<T> {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or `parse` makes nothing of it.
    pub(super) fn read(
        path: PathBuf,
        parse: impl Fn(&[u8]) -> io::Result<T> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let stamp = stamp(&path);
        let current = std::fs::read(&path).and_then(|bytes| parse(&bytes));
        let current = current.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(Self::holding(path, Box::new(parse), current, stamp))
    }

    /// Reads the file at `path`, which may be away; until it is there and can be read, it says what `otherwise` is.
    pub(super) fn read_or(
        path: PathBuf,
        parse: impl Fn(&[u8]) -> io::Result<T> + Send + Sync + 'static,
        otherwise: T,
    ) -> Self {
        let stamp = stamp(&path);
        let current = std::fs::read(&path).and_then(|bytes| parse(&bytes)).unwrap_or(otherwise);
        Self::holding(path, Box::new(parse), current, stamp)
    }

    fn holding(path: PathBuf, parse: Parse<T>, current: T, stamp: Option<Stamp>) -> Self {
        // Outside of a runtime this is the system's clock.
        let seen = Mutex::new(Seen { at: Instant::now(), stamp });
        Self { path, parse, current: ArcSwap::from_pointee(current), seen }
    }

    /// What the file says. One that is away, or of which nothing can be made, says what it said before.
    pub(super) fn load(&self) -> Arc<T> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() >= EVERY {
            seen.at = Instant::now();
            let stamp = stamp(&self.path);
            if stamp != seen.stamp {
                seen.stamp = stamp;
                match std::fs::read(&self.path).and_then(|bytes| (self.parse)(&bytes)) {
                    Ok(now) => {
                        tracing::info!(path = %self.path.display(), "it has changed, and was read again");
                        self.current.store(Arc::new(now));
                    }
                    Err(error) => {
                        tracing::warn!(path = %self.path.display(), %error, "it has changed, and counts as it was before");
                    }
                }
            }
        }
        self.current.load_full()
    }
}

#[cfg(unix)]
fn stamp(path: &std::path::Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let data = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: data.modified().ok(), length: data.len(), number: data.ino() })
}

#[cfg(not(unix))]
fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: data.modified().ok(), length: data.len(), number: 0 })
}
