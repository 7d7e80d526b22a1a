use std::sync::Arc;
use std::time::Duration;

use backstay_xds::client::Update;
use tokio::sync::watch;
use tokio::time::sleep;

use super::StateFile;
use crate::counts::ControlMetrics;

/// Changes that follow each other within this time are written once.
const GATHER: Duration = Duration::from_millis(500);
/// From a failed attempt to the next.
const RETRY: Duration = Duration::from_secs(10);

/// Keeps the resources in force, which `resources` says, on disk, until `changes` ends; what changed last is written then.
pub(crate) async fn keep(
    file: StateFile,
    resources: impl Fn() -> Vec<Update>,
    mut changes: watch::Receiver<u64>,
    metrics: Arc<ControlMetrics>,
) {
    while changes.changed().await.is_ok() {
        sleep(GATHER).await;
        changes.mark_unchanged();
        let (file, resources) = (file.clone(), resources());
        let stored = tokio::task::spawn_blocking(move || file.store(resources)).await;
        let error = match stored {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(%error, "the configuration could not be kept on disk");
        metrics.state_failures.store_configuration.increment(1);
        // Has the sender gone, there is nobody left to try for.
        if changes.has_changed().is_err() {
            return;
        }
        changes.mark_changed();
        sleep(RETRY).await;
    }
}
