//! Files that are read again when they change.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

use crate::material::MaterialError;

/// How often it is looked whether files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The largest file that is read, in bytes: bundles of all public authorities have a quarter of it.
const MAX_BYTES: u64 = 1 << 20;

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// One cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One is too large.
    #[error("{} is larger than {MAX_BYTES} bytes", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// What is in them cannot be used.
    #[error("{}: {source}", names(files))]
    Material {
        /// The files.
        files: Vec<PathBuf>,
        /// Why.
        source: MaterialError,
    },
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" with ")
}

/// Reads a file that is not expected to be large.
///
/// # Errors
/// When it cannot be read, or is larger than 1 MiB.
pub async fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::Large { path: path.to_owned() });
    }
    Ok(bytes)
}

/// How the content of files becomes a value.
type Parse<T> = fn(&[Vec<u8>]) -> Result<T, MaterialError>;

/// A value that may change while it is used: what files hold, or what somebody sets. Whoever takes it in a moment has it whole, and
/// keeps it for as long as he likes.
pub struct Followed<T> {
    current: ArcSwap<T>,
    changes: watch::Sender<u64>,
    files: Option<Files<T>>,
}

struct Files<T> {
    paths: Vec<PathBuf>,
    parse: Parse<T>,
    /// As the files were when they were looked at last.
    seen: Mutex<Stamp>,
}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.as_ref().map(|files| &files.paths);
        formatter.debug_struct("Followed").field("files", &files).finish_non_exhaustive()
    }
}

impl<T> Followed<T> {
    /// A value that changes when it is [set](Self::set).
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { current: ArcSwap::from_pointee(value), changes: watch::Sender::new(0), files: None }
    }

    /// What these files hold. Whoever wants it to change with them awaits [`follow`](Self::follow).
    ///
    /// # Errors
    /// When one cannot be read, or they are not what is expected.
    pub async fn of_files(paths: Vec<PathBuf>, parse: Parse<T>) -> Result<Self, FileError> {
        // First: what changes while it is read is read again.
        let seen = Mutex::new(Stamp::of(&paths).await);
        let value = load(&paths, parse).await?;
        let files = Some(Files { paths, parse, seen });
        Ok(Self { current: ArcSwap::from_pointee(value), changes: watch::Sender::new(0), files })
    }

    /// The value of this moment.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Changes it.
    pub fn set(&self, value: T) {
        self.current.store(Arc::new(value));
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Tells of changes from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Reads the files again whenever they change, a symbolic link on the way to them included, and goes on for ever. While they cannot be
    /// used, the value stays as it was, and that is said once for each change.
    pub async fn follow(&self) {
        if self.files.is_none() {
            return std::future::pending().await;
        }
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Looks once.
    async fn look(&self) {
        let Some(Files { paths, parse, seen }) = &self.files else { return };
        let stamp = Stamp::of(paths).await;
        if std::mem::replace(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner), stamp.clone()) == stamp {
            return;
        }
        match load(paths, *parse).await {
            Ok(value) => {
                self.set(value);
                tracing::info!(files = names(paths), "read again");
            }
            Err(error) => tracing::warn!(%error, "what was read before stays in use"),
        }
    }
}

async fn load<T>(paths: &[PathBuf], parse: Parse<T>) -> Result<T, FileError> {
    let mut contents = Vec::with_capacity(paths.len());
    for path in paths {
        contents.push(read(path).await?);
    }
    parse(&contents).map_err(|source| FileError::Material { files: paths.to_owned(), source })
}

/// What changes when files do: time, size, inode and device of each, behind all links. Whoever follows files that are not read as a
/// [`Followed`] is takes this: it is taken before they are read, so that what changes meanwhile is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(Vec<Option<FileStamp>>);

/// Of one file.
type FileStamp = (i64, i64, u64, u64, u64);

impl Stamp {
    /// Of the files as they are now. A file that cannot be looked at is as any other that cannot.
    pub async fn of(paths: &[impl AsRef<Path>]) -> Self {
        let mut stamps = Vec::with_capacity(paths.len());
        for path in paths {
            let metadata = tokio::fs::metadata(path.as_ref()).await.ok();
            stamps.push(metadata.map(|data| (data.mtime(), data.mtime_nsec(), data.size(), data.ino(), data.dev())));
        }
        Self(stamps)
    }

    /// Waits until one of the files is another than it was, which is looked at once a second, and yields how they are then.
    pub async fn change(self, paths: &[impl AsRef<Path>]) -> Self {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let stamp = Self::of(paths).await;
            if stamp != self {
                return stamp;
            }
        }
    }
}

#[cfg(test)]
mod tests;
