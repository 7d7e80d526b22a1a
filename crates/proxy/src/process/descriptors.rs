//! File descriptors: how many there may be, and those that are kept back.

use std::fs::File;
use std::io;
use std::sync::Mutex;

use backstay_telemetry::process::Opening;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept back for the admin endpoint: as many connections to it are served when there are no others.
const KEPT: usize = 8;

/// Raises how many descriptors this process may have to what it may be raised to. Ends with how many that is, if there is a limit.
pub(crate) fn raise_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files cannot be raised");
            current
        }
    }
}

/// Descriptors kept back, so that an operator can see what happens when there are no others.
#[derive(Debug, Default)]
pub(crate) struct Descriptors(Mutex<Vec<File>>);

impl Descriptors {
    /// Takes some out of circulation.
    pub(crate) fn keep() -> Self {
        let descriptors = Self::default();
        descriptors.refill();
        descriptors
    }

    /// Takes as many out of circulation as are missing, as far as there are any.
    pub(crate) fn refill(&self) {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while kept.len() < KEPT {
            match File::open("/dev/null") {
                Ok(file) => kept.push(file),
                Err(_) => return,
            }
        }
    }

    /// Gives one back for something else. Returns whether there was one.
    fn release(&self) -> bool {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop().is_some()
    }

    /// What `open` opens, with one of those kept back if there is no other.
    pub(crate) fn spend<T>(&self, mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        match open() {
            Err(error) if are_exhausted(&error) && self.release() => open(),
            other => other,
        }
    }
}

impl Opening for Descriptors {
    fn opening<T>(&self, open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let opened = self.spend(open);
        self.refill();
        opened
    }
}

/// Whether nothing can be opened until something is closed.
fn are_exhausted(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].iter().any(|errno| code == Some(errno.raw_os_error()))
}
