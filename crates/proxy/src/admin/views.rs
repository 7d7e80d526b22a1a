//! Backends and names as JSON.

use std::time::Duration;

use backstay_dns_cache::HostState;
use serde_json::{Value, json};

use super::Admin;
use crate::control::{Model, look};

pub(super) fn backends(model: &Model) -> Value {
    let backends = model.backends().map(|backend| {
        let mut value = json!({
            "name": backend.name,
            "version": backend.version,
            "discovery": if backend.dynamic { "dynamic" } else { "static" },
            "addresses": backend.addresses,
        });
        if let Some(secret) = backend.waiting_for {
            value["waitingFor"] = json!(secret);
        }
        value
    });
    json!({ "backends": backends.collect::<Vec<_>>() })
}

pub(super) fn dns(admin: &Admin) -> Value {
    let caches: Vec<_> = look(&admin.model)
        .cached_hosts()
        .into_iter()
        .map(|(backend, hosts)| {
            let hosts = hosts.into_iter().map(|host| {
                json!({
                    "host": host.host,
                    "state": match host.state {
                        HostState::Loading => "loading",
                        HostState::Resolved => "resolved",
                        HostState::Stale => "stale",
                        HostState::Failed => "failed",
                    },
                    "addresses": host.addresses,
                    "ttlLeftSeconds": host.ttl_left.map(seconds),
                    "nextLookupSeconds": host.next_refresh.map(seconds),
                    "idleSeconds": seconds(host.idle),
                    "lastError": host.last_error,
                })
            });
            json!({ "backend": backend, "hosts": hosts.collect::<Vec<_>>() })
        })
        .collect();
    let names = admin.dns.watched().into_iter().map(|name| {
        json!({
            "name": name.name,
            "addresses": name.addresses,
            "nextLookupSeconds": name.next_refresh.map(seconds),
            "lastError": name.last_error,
        })
    });
    json!({ "caches": caches, "endpoints": names.collect::<Vec<_>>() })
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
