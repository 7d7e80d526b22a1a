//! Waiting until a revision is everywhere.

use std::time::Duration;

use anyhow::{Result, bail};
use backstay_proto::admin::GetStatusResponse;
use tokio::time::{Instant, sleep, timeout_at};

use super::fetch;
use crate::client::{Client, Segment};

/// How often the control plane is asked.
const EVERY: Duration = Duration::from_millis(100);

/// Asks until every connected proxy has answered for `revision`, or for what the store holds now where that is `None`. Returns the
/// status that says so.
///
/// # Errors
/// When the control plane cannot be asked, or it takes longer than `patience`: then with what is waited for.
pub(super) async fn until_everywhere(
    client: &Client,
    fleet: Option<&Segment>,
    revision: Option<u64>,
    patience: Duration,
) -> Result<GetStatusResponse> {
    let deadline = Instant::now() + patience;
    let mut status = fetch(client, fleet).await?;
    let revision = revision.unwrap_or(status.revision);
    while let Some(lag) = lag(&status, revision) {
        if Instant::now() >= deadline {
            bail!("after {patience:?}, {lag}");
        }
        sleep(EVERY).await;
        if let Ok(next) = timeout_at(deadline, fetch(client, fleet)).await {
            status = next?;
        }
    }
    Ok(status)
}

/// Who is behind `revision`, in words. A fleet that has not changed since an earlier one is at that.
fn lag(status: &GetStatusResponse, revision: u64) -> Option<String> {
    if status.compiled_revision < revision {
        return Some(format!("revision {} is compiled, not {revision}", status.compiled_revision));
    }
    status.fleets.iter().find_map(|fleet| {
        let wanted = fleet.revision.min(revision);
        let behind = fleet.proxies.iter().filter(|proxy| proxy.acknowledged_revision < wanted);
        let first = behind.clone().next()?;
        let others = match behind.count() - 1 {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        let (name, id, acknowledged) = (&fleet.name, &first.id, first.acknowledged_revision);
        Some(format!("proxy {id}{others} of fleet {name} has acknowledged revision {acknowledged}, not {wanted}"))
    })
}

#[cfg(test)]
mod tests;
