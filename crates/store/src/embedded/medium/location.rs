//! A file, the lock beside it, and the directory both are in.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;

use super::{Failures, Medium, Tracked};
use crate::OpenError;

#[derive(Debug)]
pub(in crate::embedded) struct Location {
    path: PathBuf,
}

impl Location {
    /// Makes the directory, and keeps other processes out as long as the returned file is open.
    pub(in crate::embedded) fn claim(path: &Path) -> Result<(Self, File), OpenError> {
        let failed = |error: io::Error| OpenError::Failed { path: path.to_owned(), source: error.into() };
        let location = Self { path: path.to_owned() };
        make_private_directories(location.directory()).map_err(failed)?;
        let lock = private().create(true).truncate(false).open(location.beside("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Left over when the process ended while it made a file; what has the file's own name is whole.
        match fs::remove_file(location.beside("new")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok((location, lock)),
        }
    }

    fn directory(&self) -> &Path {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or_else(|| Path::new("."))
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }

    /// A new name is only as durable as the directory it is in.
    fn sync_directory(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(self.directory())?.sync_all() } else { Ok(()) }
    }
}

impl Medium for Location {
    fn is_empty(&self) -> Result<bool, redb::Error> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(metadata.len() == 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn open(&self, failures: &Failures) -> Result<Tracked, redb::Error> {
        Ok(Tracked::new(FileBackend::new(private().open(&self.path)?)?, failures))
    }

    fn replacement(&self) -> Result<Tracked, redb::Error> {
        let file = private().create(true).truncate(true).open(self.beside("new"))?;
        Ok(Tracked::new(FileBackend::new(file)?, &Failures::default()))
    }

    fn discard(&self) {
        // The next one takes its place if it stays.
        let _ = fs::remove_file(self.beside("new"));
    }

    fn install(&self) -> Result<(), redb::Error> {
        fs::rename(self.beside("new"), &self.path)?;
        Ok(self.sync_directory()?)
    }
}

/// Stored objects include secrets: nobody but the owner reads them.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private_directories(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
