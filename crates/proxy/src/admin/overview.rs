//! What this proxy is, its listeners, and its memory.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Admin;
use super::troubles::troubles;
use crate::control::look;
use crate::process::Usage;

/// What it is, and what there is here.
pub(super) fn overview(admin: &Admin) -> Value {
    let usage = Usage::read(&*admin.descriptors);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let started = usage.started.and_then(|started| Timestamp::from_second(started as i64).ok());
    let (connected, last_disconnect, unready) = {
        let status = admin.status.borrow();
        (status.connected, status.last_disconnect.clone(), status.unready())
    };
    json!({
        "program": "backstay-proxy",
        "version": env!("CARGO_PKG_VERSION"),
        "proxy": admin.node,
        "fleet": admin.fleet,
        "started": started.map(|started| started.to_string()),
        "uptimeSeconds": usage.started.map(|started| (now - started).max(0.0).floor()),
        "ready": unready.is_none(),
        "unready": unready,
        "connected": connected,
        "lastDisconnect": last_disconnect,
        "troubles": troubles(admin, &usage),
        "endpoints": {
            "/ready": "200 once it serves",
            "/metrics": "figures for Prometheus",
            "/stats/prometheus": "the same by Envoy's names",
            "/config_dump": "resources in force and refused, without secrets",
            "/listeners": "listening sockets",
            "/backends": "endpoints, their health, and why",
            "/certs": "certificates, and when they end",
            "/dns": "names and their addresses",
            "/memory": "memory, and what of it is counted",
            "/tap": "requests as they end: ?backend= &route= &path= &status= &method= &min-duration= &header= &limit=",
            "/top": "figures of routes and backends: ?interval=1s and the filters of /tap",
            "POST /logging": "?level=debug&for=60s",
            "POST /drain": "finishes what it does, and ends",
        },
    })
}

/// Listeners, and the sockets that they are served on.
pub(super) fn listeners(admin: &Admin) -> Value {
    let bound = admin.status.borrow().listeners.clone();
    let listeners = look(&admin.model).listener_views();
    let listeners = listeners.into_iter().map(|listener| {
        let is_bound = listener.ready && bound.contains(&listener.address);
        let state = match (listener.ready, is_bound) {
            (false, _) => "waits for its certificate",
            (true, true) => "listening",
            (true, false) => {
                "its address cannot be listened on; the log says why, and it is tried again with each change"
            }
        };
        json!({
            "name": listener.name,
            "address": listener.address,
            "tls": listener.tls,
            "state": state,
            "routes": listener.routes,
        })
    });
    json!({ "listeners": listeners.collect::<Vec<_>>(), "sockets": bound })
}

/// Memory in use, and what there is much of when it grows.
pub(super) fn memory(admin: &Admin) -> Value {
    let usage = Usage::read(&*admin.descriptors);
    let (backends, hosts, resources) = {
        let model = look(&admin.model);
        let hosts: usize = model.cached_hosts().iter().map(|(_, hosts)| hosts.len()).sum();
        (model.snapshots(), hosts, model.resources().count())
    };
    let to_endpoints: u64 = backends.iter().map(|backend| backend.metrics.connections.get()).sum();
    let active: u64 = backends.iter().map(|backend| backend.metrics.active.get()).sum();
    json!({
        "residentBytes": usage.resident,
        "allocator": "mimalloc",
        "openFiles": usage.open_files,
        "maxOpenFiles": usage.max_files,
        "clientConnections": admin.server.connections.get(),
        "clientConnectionsResting": admin.server.parked.get(),
        "endpointConnections": to_endpoints,
        "activeRequests": active,
        "cachedHosts": hosts,
        "resources": resources,
        "cpuSeconds": Duration::try_from_secs_f64(usage.cpu).unwrap_or_default().as_secs_f64(),
    })
}
