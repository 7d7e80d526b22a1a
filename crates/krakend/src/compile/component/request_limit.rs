//! `qos/ratelimit/router`, with the arithmetic of KrakenD.

use std::time::Duration;

use backstay_model::route::guards::RequestLimit;
use backstay_proto::config;
use backstay_proto::config::request_rate_limit::Client;

use crate::compile::written::Component;
use crate::document::Value;
use crate::duration;

/// The name of no variable of a path.
const NO_VARIABLE: &str = "{}";
const SECOND: Duration = Duration::from_secs(1);

/// How many requests may pass: of each client first, then of everyone.
pub(super) fn compile(component: Component<'_>) -> Vec<config::RequestRateLimit> {
    for option in ["num_shards", "cleanup_period", "cleanup_threads"] {
        component.note(option, "max-rate-limit-clients of the proxy bounds how many clients are remembered");
    }
    let every = component.text("every").and_then(|text| duration::parse(text).ok()).unwrap_or(SECOND).max(SECOND);
    // Rates are made those of one second before anything else is done with them, capacities included.
    let rate = |option: &str| component.number(option) / every.as_secs_f64();
    let (all, each) = (rate("max_rate"), rate("client_max_rate"));
    let mut limits = Vec::new();
    if each > 0.0
        && let Some((client, address_header)) = client(&component)
    {
        // KrakenD looks at the rate of all to find the capacity of each.
        let default = if all < 1.0 { 1 } else { each as u64 };
        limits.push(config::RequestRateLimit {
            limit: Some(limit(&component, "client", each, capacity(&component, "client_capacity", default))),
            client: Some(client),
            address_header,
            status: 429,
        });
    }
    if all > 0.0 {
        limits.push(config::RequestRateLimit {
            limit: Some(limit(&component, "all", all, capacity(&component, "capacity", all as u64))),
            client: Some(Client::Everyone(true)),
            address_header: String::new(),
            status: 503,
        });
    }
    limits.into_iter().filter_map(|limit| component.sound::<RequestLimit, _>(limit)).collect()
}

fn limit(component: &Component<'_>, of: &str, rate: f64, capacity: u64) -> config::RateLimit {
    let key = format!("{}:{of}", component.identity());
    config::RateLimit { key, rate, every: None, capacity: capacity.max(1) }
}

/// A capacity as it is written, or the default where it is 0 or not there.
fn capacity(component: &Component<'_>, option: &str, default: u64) -> u64 {
    match component.number(option) as u64 {
        0 => default,
        written => written,
    }
}

/// Who shares a bucket, and the header that the address is in. `None`: nobody is limited, which the check tells.
fn client(component: &Component<'_>) -> Option<(Client, String)> {
    // Whatever it is, it is taken for text.
    let key = match component.option("key").map(|entry| &entry.node.value) {
        Some(Value::Text(text) | Value::Number(text)) => text.clone(),
        Some(Value::Bool(truth)) => truth.to_string(),
        _ => String::new(),
    };
    match component.text("strategy")?.to_ascii_lowercase().as_str() {
        "ip" => Some((Client::Address(true), key)),
        // Nobody passes, since nobody has it; the check tells.
        "header" | "param" if key.is_empty() => Some((Client::Parameter(NO_VARIABLE.to_owned()), String::new())),
        "header" => Some((Client::Header(key), String::new())),
        "param" => Some((Client::Parameter(key), String::new())),
        _ => None,
    }
}
