//! A wall clock of a process that can be set, while its other clocks go on: by libfaketime.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::harness::tools::lacking;

/// The clock of one process.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    folder: tempfile::TempDir,
}

impl Clock {
    /// One that is right. Nothing where there is no libfaketime, which is said aloud.
    pub fn new() -> Option<Self> {
        let found = library();
        if found.is_none() {
            lacking("libfaketime", "Debian has it in the package libfaketime, BACKSTAY_FAKETIME names it elsewhere");
        }
        let clock = Self { library: found?, folder: tempfile::tempdir().unwrap() };
        clock.set(0);
        Some(clock)
    }

    /// How many seconds it is ahead. The process notices within a second.
    pub fn set(&self, seconds: i64) {
        // The process must not read half of it.
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{seconds:+}s\n")).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// What the process has it by.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", self.library.clone().into()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().into()),
            ("FAKETIME_CACHE_DURATION", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }

    /// Removes what a process that was killed has left in memory: one that gets its number later would wait for it.
    pub fn forget(process: u32) {
        for name in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
            // One that has ended by itself has left nothing.
            let _ = std::fs::remove_file(std::path::Path::new("/dev/shm").join(name));
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }
}

fn library() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BACKSTAY_FAKETIME").filter(|path| !path.is_empty()) {
        return Some(named.into());
    }
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|library| library.is_file())
}
