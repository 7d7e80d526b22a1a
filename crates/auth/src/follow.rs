//! Files that are read again when they change.

use std::path::Path;
use std::time::{Duration, SystemTime};

/// How often it is looked whether a file has changed.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What changes when a file does: when it was last written, how long it is, and which file it is, so that a name which leads to
/// another file is seen as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(SystemTime, u64, u64)>);

impl Stamp {
    /// Of the file that `path` leads to. Two files that cannot be looked at are the same.
    pub(crate) async fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = tokio::fs::metadata(path).await.ok();
        Self(metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))))
    }

    /// Waits until the file at `path` is another than `self`, and yields what it is then.
    pub(crate) async fn change(self, path: &Path) -> Self {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let stamp = Self::of(path).await;
            if stamp != self {
                return stamp;
            }
        }
    }
}
