//! What is particular about backends: their address has several names, and a port may stand for TLS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};

use super::Stage;
use crate::api::failure::Failure;
use crate::api::form::Fields;
use crate::object::{ServiceType, host};

/// Whether text is one kind of address.
type IsAddress = fn(&str) -> bool;

/// What else clients call the address.
const ALIASES: [(&str, IsAddress, &str); 3] = [
    ("hostname", |text| host::is_name(text), "is not a valid hostname"),
    ("ipv4", |text| text.parse::<Ipv4Addr>().is_ok(), "is not a valid IPv4 address"),
    ("ipv6", |text| text.parse::<Ipv6Addr>().is_ok(), "is not a valid IPv6 address"),
];

/// What a client sent, with the address under its own name and what it left to be concluded.
pub(super) fn prepare(fields: &Fields, kind: ServiceType, stage: Stage) -> Result<Fields, Failure> {
    let mut all: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if fields.filled("address").is_none() {
        let alias = ALIASES.iter().find_map(|(name, is, why)| fields.filled(name).map(|text| (*name, text, *is, *why)));
        if let Some((name, text, is, why)) = alias {
            if !is(text) {
                let mut title = name.to_owned();
                title[..1].make_ascii_uppercase();
                return Err(Failure::bad_request(format!("{title} '{text}' {why}")));
            }
            all.insert("address".to_owned(), text.into());
        }
    }
    let port = match fields.get("port") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let says_tls = fields.get("use_ssl").is_some_and(|value| !value.is_null() && value != "");
    match port {
        Some(443) if !says_tls => all.insert("use_ssl".to_owned(), true.into()),
        Some(80) if !says_tls => all.insert("use_ssl".to_owned(), false.into()),
        _ => None,
    };
    if stage == Stage::Create && kind == ServiceType::Wasm {
        all.entry("prefer_ipv6").or_insert(true.into());
    }
    Ok(all.into())
}

/// Adds the address under the names that say what it is.
pub(super) fn write_aliases(part: &Map<String, Value>, out: &mut Map<String, Value>) {
    let address = part.get("address").and_then(Value::as_str).unwrap_or_default();
    let ip = address.parse::<IpAddr>().ok();
    let names = [
        ("hostname", ip.is_none()),
        ("ipv4", ip.is_some_and(|ip| ip.is_ipv4())),
        ("ipv6", ip.is_some_and(|ip| ip.is_ipv6())),
    ];
    for (name, is) in names {
        out.insert(name.to_owned(), if is { address.into() } else { Value::Null });
    }
}
