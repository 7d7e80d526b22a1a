use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::StateError;

/// Nothing is in it. It stays there: a lock is on a file, and who removed the name would let two files be locked.
const FILE: &str = "lock";

/// Keeps other proxies out of a state directory, until it is dropped or the process ends, however it does.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Locks a directory that is there.
    ///
    /// # Errors
    /// [`StateError::InUse`] when another proxy has it, of this process or of another.
    pub(crate) fn take(directory: &Path) -> Result<Self, StateError> {
        let path = directory.join(FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&path).map_err(TryLockError::Error);
        match opened.and_then(|file| file.try_lock().map(|()| file)) {
            Ok(file) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { path: directory.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StateError::Io { path, source }),
        }
    }
}
