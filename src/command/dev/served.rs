//! What is served where, as the statuses of the stored objects say it.

use serde_json::Value;

use crate::client::{Client, Error, JSON};
use crate::command::apply::effect::verdict::{listener_fault, parent_fault};

mod krakend;

/// The API groups that have Gateways and routes.
const GROUPS: [&str; 2] = ["gateway.networking.k8s.io", "gateway.apoxy.dev"];

/// A match of a route at a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Where the listener is.
    pub(super) url: String,
    /// Its hosts, or `any`.
    pub(super) host: String,
    /// What of a request is matched.
    pub(super) matches: String,
    /// Where such requests go.
    pub(super) goes_to: String,
    /// Why that is not so, if it is not, or not all of it.
    pub(super) fault: Option<String>,
}

impl Row {
    /// A command that sends such a request, as far as a line can: its conditions on headers are left to the reader.
    pub(super) fn curl(&self) -> String {
        let host = self.host.split(", ").next().unwrap_or_default();
        let header = match host {
            "any" => String::new(),
            host => format!(" -H 'Host: {}'", host.replacen('*', "www", 1)),
        };
        let path = self.matches.split(' ').find(|word| word.starts_with('/')).unwrap_or("/");
        let path = if self.matches.contains("~ ") { "/" } else { path };
        format!("curl{header} {}{path}", self.url)
    }
}

/// The matches of all routes, in the order of the routes.
///
/// # Errors
/// When the control plane cannot be reached.
pub(super) async fn rows(client: &Client) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for group in GROUPS {
        let gateways = items(client, &format!("/apis/{group}/v1/gateways")).await?;
        let routes = items(client, &format!("/apis/{group}/v1/httproutes")).await?;
        for route in &routes {
            rows.extend(gateways.iter().flat_map(|gateway| rows_of(gateway, route)));
        }
    }
    let configs = items(client, "/apis/backstay.dev/v1alpha1/krakendconfigs").await?;
    rows.extend(configs.iter().flat_map(krakend::rows_of));
    Ok(rows)
}

async fn items(client: &Client, path: &str) -> Result<Vec<Value>, Error> {
    let list = client.get(&format!("{path}?limit=500"), JSON).await?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What of `route` the listeners of `gateway` serve.
fn rows_of(gateway: &Value, route: &Value) -> Vec<Row> {
    let namespace = |object: &Value| object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let spec = &route["spec"];
    let is_parent = |parent: &&Value| {
        parent["name"] == gateway["metadata"]["name"]
            && parent["namespace"].as_str().map_or_else(|| namespace(route), str::to_owned) == namespace(gateway)
    };
    let mut rows = Vec::new();
    for parent in list(&spec["parentRefs"]).iter().filter(is_parent) {
        let of_route = parent_fault(route, parent);
        let fits = |listener: &&Value| {
            let section = &parent["sectionName"];
            let port = &parent["port"];
            (section.is_null() || *section == listener["name"]) && (port.is_null() || *port == listener["port"])
        };
        for listener in list(&gateway["spec"]["listeners"]).iter().filter(fits) {
            let hosts = hosts(listener, spec);
            let fault = of_route.clone().map(|why| format!("the route {why}"));
            let of_listener = || listener_fault(gateway, listener["name"].as_str().unwrap_or_default());
            let fault = fault.or_else(|| of_listener().map(|why| format!("the Gateway {why}")));
            for rule in list(&spec["rules"]) {
                let goes_to = target(rule);
                for found in matches(rule) {
                    rows.push(Row {
                        url: url(gateway, listener),
                        host: hosts.clone(),
                        matches: found,
                        goes_to: goes_to.clone(),
                        fault: fault.clone(),
                    });
                }
            }
        }
    }
    rows
}

fn url(gateway: &Value, listener: &Value) -> String {
    let scheme = listener["protocol"].as_str().unwrap_or_default().to_lowercase();
    let address = gateway["spec"]["addresses"][0]["value"].as_str().unwrap_or("127.0.0.1");
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    format!("{scheme}://{host}:{}", listener["port"])
}

fn hosts(listener: &Value, spec: &Value) -> String {
    let hosts: Vec<_> = list(&spec["hostnames"]).iter().filter_map(Value::as_str).collect();
    match (hosts.is_empty(), listener["hostname"].as_str()) {
        (true, None | Some("")) => "any".to_owned(),
        (true, Some(hostname)) => hostname.to_owned(),
        (false, _) => hosts.join(", "),
    }
}

/// One text for each match of a rule.
fn matches(rule: &Value) -> Vec<String> {
    let describe = |found: &Value| {
        let path = &found["path"];
        let value = path["value"].as_str().unwrap_or("/");
        let path = match path["type"].as_str() {
            Some("Exact") => format!("= {value}"),
            Some("RegularExpression") => format!("~ {value}"),
            _ => value.to_owned(),
        };
        let method = found["method"].as_str().map_or_else(String::new, |method| format!("{method} "));
        let more = list(&found["headers"]).len() + list(&found["queryParams"]).len();
        let more = if more == 0 { String::new() } else { format!(" (+{more} conditions)") };
        format!("{method}{path}{more}")
    };
    let all = list(&rule["matches"]);
    if all.is_empty() { vec!["/".to_owned()] } else { all.iter().map(describe).collect() }
}

/// The backends of a rule, or its redirect.
fn target(rule: &Value) -> String {
    let redirects = list(&rule["filters"]).iter().any(|filter| filter["type"] == "RequestRedirect");
    if redirects {
        return "redirect".to_owned();
    }
    let describe = |reference: &Value| {
        let name = reference["name"].as_str().unwrap_or_default();
        let port = reference["port"].as_i64().map_or_else(String::new, |port| format!(":{port}"));
        let weight = reference["weight"].as_i64().filter(|weight| *weight != 1);
        let weight = weight.map_or_else(String::new, |weight| format!(" (weight {weight})"));
        format!("{name}{port}{weight}")
    };
    let backends: Vec<_> = list(&rule["backendRefs"]).iter().map(describe).collect();
    if backends.is_empty() { "500: no backend".to_owned() } else { backends.join(", ") }
}

#[cfg(test)]
mod tests;
