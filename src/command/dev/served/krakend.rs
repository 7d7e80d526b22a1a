//! What is served of a configuration of KrakenD.

use backstay_krakend::plan::{Backend, Upstream, UrlPart};
use backstay_krakend::{Options, UnknownExtraConfig, check, kind};
use serde_json::Value;

use super::{Row, list};
use crate::command::apply::effect::verdict::krakend_fault;

/// A row for each endpoint.
pub(super) fn rows_of(object: &Value) -> Vec<Row> {
    let spec = serde_json::from_value::<kind::KrakendConfigSpec>(object["spec"].clone()).ok();
    let source = spec.as_ref().and_then(kind::KrakendConfigSpec::source);
    let Some((text, format)) = source else { return Vec::new() };
    let options = Options { unknown_extra_config: UnknownExtraConfig::Warn };
    let Some(plan) = check(&text, format, options).plan else { return Vec::new() };
    let listener = match object["spec"]["gatewayRef"]["name"].as_str() {
        Some(gateway) => format!("Gateway {gateway}"),
        None => {
            let scheme = if plan.listener.tls.is_some() { "https" } else { "http" };
            let address = plan.listener.address.filter(|address| !address.is_unspecified());
            let address = address.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
            let host = if address.contains(':') { format!("[{address}]") } else { address };
            format!("{scheme}://{host}:{}", plan.listener.port)
        }
    };
    let hosts: Vec<_> = list(&object["spec"]["hostnames"]).iter().filter_map(Value::as_str).collect();
    let hosts = if hosts.is_empty() { "any".to_owned() } else { hosts.join(", ") };
    let fault = krakend_fault(object);
    let row = |endpoint: &backstay_krakend::plan::Endpoint| {
        let found = format!("{} {}", endpoint.method.as_str(), endpoint.path.pattern);
        let targets: Vec<_> = endpoint.backends.iter().map(target).collect();
        Row {
            url: listener.clone(),
            host: hosts.clone(),
            matches: found,
            goes_to: targets.join(", "),
            fault: fault.clone(),
        }
    };
    plan.endpoints.iter().map(row).collect()
}

/// The first host of a backend, and what it is asked for.
fn target(backend: &Backend) -> String {
    let host = match &backend.upstream {
        Upstream::Hosts(hosts) => match hosts.split_first() {
            None => return "500: no host".to_owned(),
            Some((first, rest)) => {
                let more = if rest.is_empty() { String::new() } else { format!(" (+{})", rest.len()) };
                format!("{}{}{more}", first.authority, first.base)
            }
        },
        Upstream::Srv { name, .. } => name.clone(),
    };
    let part = |part: &UrlPart| match part {
        UrlPart::Literal(text) => text.clone(),
        UrlPart::Variable(name) => format!("{{{name}}}"),
        UrlPart::Response { backend, field } => format!("{{resp{backend}_{field}}}"),
        UrlPart::Claim(claim) => format!("{{JWT.{claim}}}"),
    };
    format!("{host}{}", backend.url.parts.iter().map(part).collect::<String>())
}
