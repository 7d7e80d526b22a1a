//! The status, for a person and for programs.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use backstay_proto::admin::{ConnectedProxy, GetStatusResponse, Refusal};
use serde_json::{Value, json};

use crate::output::{self, Paint};

/// Prints the status: refusals first, then a table of proxies.
pub(super) fn print(status: &GetStatusResponse) -> Result<()> {
    let paint = Paint::stdout();
    for fleet in &status.fleets {
        for proxy in fleet.proxies.iter().filter(|proxy| !proxy.refused.is_empty()) {
            let count = proxy.refused.len();
            let what = if count == 1 { "resource" } else { "resources" };
            let heading = format!("{} of fleet {} refuses {count} {what}:", proxy.id, fleet.name);
            output::line(paint.bad(&heading))?;
            for refusal in &proxy.refused {
                output::line(format_args!("  {}", sentence(refusal)))?;
            }
            output::line("")?;
        }
    }
    output::table(&rows(status, SystemTime::now()))?;
    output::line(format_args!("\nControl plane {}, revision {}", status.version, status.revision))
}

/// A refusal as one sentence.
pub(crate) fn sentence(refusal: &Refusal) -> String {
    let field = if refusal.field.is_empty() { String::new() } else { format!("{}: ", refusal.field) };
    format!("{}: {field}{}", refusal.resource, refusal.message)
}

/// A row for each proxy, and one for each fleet that has none.
fn rows(status: &GetStatusResponse, now: SystemTime) -> Vec<Vec<String>> {
    let heading = [
        "FLEET",
        "PROXY",
        "ADDRESS",
        "VERSION",
        "CONNECTED",
        "REVISION",
        "RESOURCES",
        "ACCEPTED",
        "PENDING",
        "REFUSED",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for fleet in &status.fleets {
        if fleet.proxies.is_empty() {
            rows.push(vec![
                fleet.name.clone(),
                "none connected".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                fleet.resources.to_string(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
            ]);
        }
        for proxy in &fleet.proxies {
            rows.push(vec![
                fleet.name.clone(),
                proxy.id.clone(),
                proxy.address.clone(),
                proxy.version.clone(),
                connected(proxy)
                    .map_or_else(|| "-".to_owned(), |since| age(now.duration_since(since).unwrap_or_default())),
                proxy.acknowledged_revision.to_string(),
                fleet.resources.to_string(),
                proxy.accepted.to_string(),
                proxy.pending.to_string(),
                proxy.refused.len().to_string(),
            ]);
        }
    }
    rows
}

fn connected(proxy: &ConnectedProxy) -> Option<SystemTime> {
    let seconds = u64::try_from(proxy.connected.as_ref()?.seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// As kubectl writes ages: the largest unit, and the next while the number is small.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => format!("{minutes}m{}s", seconds % 60),
        600..10_800 => format!("{minutes}m"),
        10_800..172_800 => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

/// The status as JSON.
pub(super) fn json(status: &GetStatusResponse) -> Value {
    let refusal = |refusal: &Refusal| {
        json!({
            "resource": refusal.resource,
            "version": refusal.version,
            "field": refusal.field,
            "message": refusal.message,
        })
    };
    let proxy = |proxy: &ConnectedProxy| {
        json!({
            "id": proxy.id,
            "address": proxy.address,
            "version": proxy.version,
            "connectedAtSeconds": proxy.connected.as_ref().map(|connected| connected.seconds),
            "acknowledgedRevision": proxy.acknowledged_revision,
            "accepted": proxy.accepted,
            "pending": proxy.pending,
            "refused": proxy.refused.iter().map(refusal).collect::<Vec<_>>(),
        })
    };
    let fleets = status.fleets.iter().map(|fleet| {
        json!({
            "name": fleet.name,
            "resources": fleet.resources,
            "proxies": fleet.proxies.iter().map(proxy).collect::<Vec<_>>(),
        })
    });
    json!({"version": status.version, "revision": status.revision, "fleets": fleets.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests;
