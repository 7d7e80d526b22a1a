//! Matches that are written twice, of which the second is never reached.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::client::Segment;
use crate::command::object_ref::namespace_of;
use crate::manifest::{Document, Problem};

/// Matches of HTTPRoutes that an earlier one has taken, for the same host of the same Gateway.
pub(super) fn matches(documents: &[Document], namespace: Option<&Segment>) -> Vec<Problem> {
    let mut first: HashMap<String, (&Document, String)> = HashMap::new();
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| document.name.kind == "HTTPRoute") {
        let spec = &document.object["spec"];
        let own = namespace_of(document, namespace).to_string();
        for (path, wanted) in all_matches(spec) {
            let mut reported = false;
            for place in places(spec, &own) {
                let key = json!([document.name.api_version, place, wanted]).to_string();
                match first.get(&key) {
                    Some((other, at)) if !reported => {
                        let message =
                            format!("the same match is at {} ({at}) already, which takes its requests", other.name);
                        found.push(document.problem(&path, message));
                        reported = true;
                    }
                    Some(_) => {}
                    None => drop(first.insert(key, (document, path.clone()))),
                }
            }
        }
    }
    found
}

/// Each match of a route with its path, as what it means: the order of conditions, and defaults, do not matter.
fn all_matches(spec: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (rule, wanted) in list(&spec["rules"]).iter().enumerate() {
        let given = list(&wanted["matches"]);
        let default = [json!({})];
        for (index, found) in (if given.is_empty() { &default } else { given }).iter().enumerate() {
            let path = match given.is_empty() {
                true => format!("spec.rules[{rule}]"),
                false => format!("spec.rules[{rule}].matches[{index}]"),
            };
            let kind = found["path"]["type"].as_str().unwrap_or("PathPrefix");
            let value = found["path"]["value"].as_str().unwrap_or("/");
            // A prefix ends at a segment's end either way.
            let value = if kind == "PathPrefix" { value.trim_end_matches('/') } else { value };
            let meaning =
                json!([kind, value, found["method"], sorted(&found["headers"]), sorted(&found["queryParams"])]);
            all.push((path, meaning));
        }
    }
    all
}

fn sorted(conditions: &Value) -> Vec<String> {
    let mut all: Vec<_> = list(conditions).iter().map(ToString::to_string).collect();
    all.sort();
    all
}

/// Where a route is served: each of its parents with each of its hosts.
fn places(spec: &Value, own: &str) -> Vec<Value> {
    let mut hosts: Vec<&str> = list(&spec["hostnames"]).iter().filter_map(Value::as_str).collect();
    if hosts.is_empty() {
        hosts.push("*");
    }
    let parents = list(&spec["parentRefs"]).iter().map(|parent| {
        json!([parent["namespace"].as_str().unwrap_or(own), parent["name"], parent["sectionName"], parent["port"]])
    });
    parents.flat_map(|parent| hosts.iter().map(move |host| json!([parent, host])).collect::<Vec<_>>()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
