//! The status, for a person and for programs.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use backstay_proto::admin::{ConnectedProxy, ControlPlane, Fleet, GetStatusResponse, ObjectFault, Refusal};
use serde_json::{Value, json};

use crate::output::{self, Paint};

/// How many columns there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// Those that fit a terminal.
    Narrow,
    /// All.
    Wide,
}

/// Prints the status: refusals first, then what is not in force, then a table of proxies.
pub(super) fn print(status: &GetStatusResponse, width: Width) -> Result<()> {
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
    if !status.faults.is_empty() {
        output::line(paint.bad(&format!("Not in force: {}", status.fault_count)))?;
        for fault in &status.faults {
            output::line(format_args!("  {}", not_in_force(fault)))?;
            if width == Width::Wide {
                output::line(format_args!("    {}", command(fault)))?;
            }
        }
        let more = status.fault_count.saturating_sub(status.faults.len() as u64);
        if more > 0 {
            output::line(format_args!("  and {more} more"))?;
        }
        output::line("")?;
    }
    output::table(&rows(status, width, SystemTime::now()))?;
    if !status.control_planes.is_empty() {
        output::line("")?;
        output::table(&control_planes(status))?;
    }
    output::line(format_args!("\nControl plane {}, revision {}", status.version, status.revision))
}

/// A refusal as one sentence.
pub(crate) fn sentence(refusal: &Refusal) -> String {
    let field = if refusal.field.is_empty() { String::new() } else { format!("{}: ", refusal.field) };
    format!("{}: {field}{}", refusal.resource, refusal.message)
}

/// A fault as one line.
fn not_in_force(fault: &ObjectFault) -> String {
    let ObjectFault { kind, namespace, name, part, condition, reason, message } = fault;
    let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let part = if part.is_empty() { String::new() } else { format!(", {part}") };
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!("{kind} {namespace}{name}{part}: {condition} ({reason}){message}")
}

/// What shows all that there is to know of it.
fn command(fault: &ObjectFault) -> String {
    let ObjectFault { kind, namespace, name, .. } = fault;
    let namespace = if namespace.is_empty() { String::new() } else { format!(" -n {namespace}") };
    format!("backstay get {} {name}{namespace} -o yaml", kind.to_lowercase())
}

/// A row for each proxy, and one for each fleet that has none.
fn rows(status: &GetStatusResponse, width: Width, now: SystemTime) -> Vec<Vec<String>> {
    let none = || "-".to_owned();
    let row = |fleet: &Fleet, proxy: Option<&ConnectedProxy>| {
        let of = |value: fn(&ConnectedProxy) -> String| proxy.map_or_else(none, value);
        let since = proxy.and_then(connected).map(|since| age(now.duration_since(since).unwrap_or_default()));
        let mut row = vec![
            fleet.name.clone(),
            proxy.map_or_else(|| "none connected".to_owned(), |proxy| proxy.id.clone()),
            since.unwrap_or_else(none),
            proxy.map_or_else(none, |proxy| format!("{}/{}", proxy.accepted, fleet.resources)),
            of(|proxy| proxy.pending.to_string()),
            of(|proxy| proxy.lag_seconds.map_or_else(|| "-".to_owned(), lag)),
            of(|proxy| proxy.refused.len().to_string()),
        ];
        if width == Width::Wide {
            row.push(of(|proxy| proxy.acknowledged_revision.to_string()));
            row.push(of(|proxy| proxy.version.clone()));
            row.push(of(|proxy| proxy.address.clone()));
            row.push(of(|proxy| match proxy.control_plane.as_str() {
                "" => "-".to_owned(),
                other => other.to_owned(),
            }));
        }
        row
    };
    let mut heading = vec!["FLEET", "PROXY", "CONNECTED", "ACCEPTED", "PENDING", "LAG", "REFUSED"];
    if width == Width::Wide {
        heading.extend(["REVISION", "VERSION", "ADDRESS", "CONNECTED TO"]);
    }
    let mut rows = vec![heading.into_iter().map(str::to_owned).collect()];
    for fleet in &status.fleets {
        match fleet.proxies.is_empty() {
            true => rows.push(row(fleet, None)),
            false => rows.extend(fleet.proxies.iter().map(|proxy| row(fleet, Some(proxy)))),
        }
    }
    rows
}

/// A row for each control plane that shares the store.
fn control_planes(status: &GetStatusResponse) -> Vec<Vec<String>> {
    let heading = ["CONTROL PLANE", "LEADS", "COMPILED", "PROXIES"].map(str::to_owned).to_vec();
    let row = |plane: &ControlPlane| {
        let leads = if plane.leads { "yes" } else { "no" };
        vec![
            plane.name.clone(),
            leads.to_owned(),
            plane.compiled_revision.to_string(),
            plane.connected_proxies.to_string(),
        ]
    };
    [heading].into_iter().chain(status.control_planes.iter().map(row)).collect()
}

fn connected(proxy: &ConnectedProxy) -> Option<SystemTime> {
    let seconds = u64::try_from(proxy.connected.as_ref()?.seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// How long an answer is waited for.
fn lag(seconds: f64) -> String {
    age(Duration::try_from_secs_f64(seconds).unwrap_or_default())
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
            "pendingSinceSeconds": proxy.pending_since.as_ref().map(|since| since.seconds),
            "lagSeconds": proxy.lag_seconds,
            "refused": proxy.refused.iter().map(refusal).collect::<Vec<_>>(),
            "controlPlane": proxy.control_plane,
        })
    };
    let fleets = status.fleets.iter().map(|fleet| {
        json!({
            "name": fleet.name,
            "resources": fleet.resources,
            "digest": fleet.digest,
            "proxies": fleet.proxies.iter().map(proxy).collect::<Vec<_>>(),
        })
    });
    let fault = |fault: &ObjectFault| {
        json!({
            "kind": fault.kind,
            "namespace": fault.namespace,
            "name": fault.name,
            "part": fault.part,
            "condition": fault.condition,
            "reason": fault.reason,
            "message": fault.message,
        })
    };
    let control_plane = |plane: &ControlPlane| {
        json!({
            "name": plane.name,
            "leads": plane.leads,
            "compiledRevision": plane.compiled_revision,
            "connectedProxies": plane.connected_proxies,
        })
    };
    json!({
        "version": status.version,
        "revision": status.revision,
        "fleets": fleets.collect::<Vec<_>>(),
        "notInForce": status.faults.iter().map(fault).collect::<Vec<_>>(),
        "notInForceCount": status.fault_count,
        "controlPlanes": status.control_planes.iter().map(control_plane).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
