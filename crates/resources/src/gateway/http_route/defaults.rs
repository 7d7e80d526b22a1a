use serde_json::json;

use crate::body::{self, Fields};
use crate::object::Object;

/// Fills in what Gateway API's own schema fills in. A reference to a backend without `kind` is one to a Service, which
/// Backstay does not have: the status says so.
pub(in crate::gateway) fn fill(object: &mut Object) {
    let group = object.group().to_owned();
    let Some(spec) = body::make(&mut object.body, "spec") else { return };
    for parent in body::list(spec, "parentRefs") {
        body::default(parent, "group", group.as_str());
        body::default(parent, "kind", "Gateway");
    }
    body::default(spec, "rules", json!([{}]));
    for rule in body::list(spec, "rules") {
        body::default(rule, "matches", json!([{}]));
        body::list(rule, "matches").for_each(fill_match);
        body::list(rule, "filters").for_each(fill_filter);
        for backend in body::list(rule, "backendRefs") {
            fill_reference(backend);
            body::default(backend, "weight", 1);
            body::list(backend, "filters").for_each(fill_filter);
        }
        if let Some(retry) = body::object(rule, "retry") {
            body::default(retry, "attempts", 1);
        }
    }
}

fn fill_match(fields: &mut Fields) {
    if let Some(path) = body::make(fields, "path") {
        body::default(path, "type", "PathPrefix");
        body::default(path, "value", "/");
    }
    for list in ["headers", "queryParams"] {
        for parameter in body::list(fields, list) {
            body::default(parameter, "type", "Exact");
        }
    }
}

fn fill_filter(filter: &mut Fields) {
    if let Some(redirect) = body::object(filter, "requestRedirect") {
        body::default(redirect, "statusCode", 302);
    }
    if let Some(cors) = body::object(filter, "cors") {
        body::default(cors, "maxAge", 5);
    }
    if let Some(asked) = body::object(filter, "externalAuth").and_then(|auth| body::object(auth, "backendRef")) {
        fill_reference(asked);
    }
    let Some(mirror) = body::object(filter, "requestMirror") else { return };
    if let Some(backend) = body::object(mirror, "backendRef") {
        fill_reference(backend);
    }
    if let Some(fraction) = body::object(mirror, "fraction") {
        body::default(fraction, "denominator", 100);
    }
}

fn fill_reference(reference: &mut Fields) {
    body::default(reference, "group", "");
    body::default(reference, "kind", "Service");
}
