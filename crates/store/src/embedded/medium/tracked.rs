//! Notices when the operating system fails to bring data to the disk.
//!
//! After a failed sync, pages may be gone from the disk and yet be shown by the page cache, and a later sync may succeed
//! without them. A file to which that happened cannot be trusted, however often it is opened.

use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{BackendError, StorageBackend};

/// What went wrong with a file, over all the times it was opened.
#[derive(Debug, Clone, Default)]
pub(in crate::embedded) struct Failures(Arc<AtomicBool>);

impl Failures {
    pub(in crate::embedded) fn sync_failed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A backend whose failures are known.
#[derive(Debug)]
pub(in crate::embedded) struct Tracked {
    inner: Box<dyn StorageBackend>,
    failures: Failures,
}

impl Tracked {
    pub(in crate::embedded) fn new(inner: impl StorageBackend, failures: &Failures) -> Self {
        Self { inner: Box::new(inner), failures: failures.clone() }
    }
}

impl StorageBackend for Tracked {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data().inspect_err(|_| self.failures.0.store(true, Ordering::Release))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
