//! Noticing that manifests may have changed on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::manifest::FileArgs;

/// Editors and checkouts write several files in several steps: what comes within this time is one change.
const QUIET: Duration = Duration::from_millis(150);

/// Changes below the directories that manifests are in.
#[derive(Debug)]
pub(super) struct Changes {
    /// Held because dropping it ends the events.
    _watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<()>,
    /// Keeps the channel open where nothing is watched.
    _open: mpsc::Sender<()>,
}

impl Changes {
    /// A watch in which nothing ever changes.
    pub(super) fn none() -> Self {
        let (open, events) = mpsc::channel(1);
        Self { _watcher: None, events, _open: open }
    }

    /// Those that may concern `files`. What happens below `data_dir` does not: the store writes there all the time.
    ///
    /// # Errors
    /// When the operating system refuses to watch.
    pub(super) fn of(files: &FileArgs, data_dir: &Path) -> Result<Self> {
        let (open, events) = mpsc::channel(1);
        let data_dir = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned());
        let sender = open.clone();
        let noticed = move |event: notify::Result<notify::Event>| {
            // An error may mean that events were lost, so it counts as one.
            let matters = event.map_or(true, |event| {
                let elsewhere = event.paths.is_empty() || event.paths.iter().any(|path| !path.starts_with(&data_dir));
                elsewhere && !matches!(event.kind, EventKind::Access(_))
            });
            if matters {
                // A full channel holds the same news already.
                let _ = sender.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(noticed).context("cannot watch files")?;
        for (directory, mode) in directories(files) {
            watcher.watch(&directory, mode).with_context(|| format!("cannot watch {}", directory.display()))?;
        }
        Ok(Self { _watcher: Some(watcher), events, _open: open })
    }

    /// Resolves after something changed and then nothing for a moment.
    pub(super) async fn next(&mut self) {
        self.events.recv().await;
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.events.recv()).await {}
    }
}

/// The directories to watch. A file is watched by its directory, for editors replace files instead of writing them.
fn directories(files: &FileArgs) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut directories = BTreeMap::new();
    for path in &files.paths {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
        if canonical.is_dir() {
            let mode = if files.recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            directories.insert(canonical, mode);
        } else {
            let parent = canonical.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
            directories.entry(parent).or_insert(RecursiveMode::NonRecursive);
        }
    }
    directories
}

#[cfg(test)]
mod tests;
