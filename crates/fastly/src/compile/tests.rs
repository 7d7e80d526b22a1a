mod fields;
mod routing;
mod services;
mod verdicts;

use std::collections::BTreeMap;

use backstay_proto::config;
use backstay_proto::config::operation::Kind as Operation;
use backstay_proto::config::resource::Kind as Resource;
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::version::{Compiled, compile};
use super::{Context, Verdict};
use crate::condition::tests::shown;
use crate::object::{ServiceType, Shape, VersionSpec};

/// A version of the service `s`, of parts as clients write them; what they do not say has its default.
fn version(parts: Value) -> VersionSpec {
    let mut spec = json!({"service": "s", "number": 1});
    for (list, parts) in parts.as_object().unwrap() {
        let shape = crate::object::SHAPES.iter().find(|shape| shape.list == *list);
        let filled = |given: &Value| shape.map_or_else(|| given.clone(), |shape| part(shape, given));
        spec[list] = match parts {
            Value::Array(parts) => parts.iter().map(filled).collect(),
            other => other.clone(),
        };
    }
    serde_json::from_value(spec).unwrap()
}

fn part(shape: &Shape, given: &Value) -> Value {
    let mut part = Map::new();
    for field in shape.fields {
        match given.get(field.name) {
            Some(value) => field.set(&mut part, value).unwrap(),
            None => field.clear(&mut part),
        }
    }
    // Not written by clients: identifiers, and members of directors.
    for (name, value) in given.as_object().unwrap() {
        part.entry(name.clone()).or_insert_with(|| value.clone());
    }
    part.into()
}

fn compiled(version: &VersionSpec) -> (Compiled, Verdict) {
    compiled_without(version, &[])
}

/// With these backends drained.
fn compiled_without(version: &VersionSpec, drained: &[&str]) -> (Compiled, Verdict) {
    let snippets = BTreeMap::new();
    let drained = drained.iter().map(ToString::to_string).collect();
    let context =
        Context { kind: ServiceType::Vcl, dynamic_snippets: &snippets, drained: &drained, backend_header: "" };
    compile(version, &context)
}

/// What a version without errors compiles to, which proxies take.
fn sound(version: &VersionSpec) -> (Compiled, Verdict) {
    let (compiled, verdict) = compiled(version);
    assert_eq!(verdict.errors, []);
    for backend in &compiled.backends {
        accept(&backend.resource, Resource::Backend(backend.config.clone()));
        if let Some((name, secret)) = &backend.certificate {
            accept(name, Resource::Secret(secret.clone()));
        }
    }
    let path = config::PathMatch { kind: Some(config::path_match::Kind::Prefix("/".to_owned())) };
    let rule = config::Rule {
        matches: vec![config::Match { path: Some(path), ..Default::default() }],
        action: Some(config::rule::Action::Sequence(compiled.sequence.clone())),
        ..Default::default()
    };
    let attachment = config::Attachment { listener: "listener/n/g/l".to_owned(), hostnames: compiled.domains.clone() };
    let route = config::Route { attachments: vec![attachment], rules: vec![rule], ..Default::default() };
    accept("route/fastly:s", Resource::Route(route));
    (compiled, verdict)
}

/// Holds a resource to what a proxy would say of it.
fn accept(name: &str, kind: Resource) {
    let encoded = config::Resource { kind: Some(kind) }.encode_to_vec();
    if let Err(faults) = backstay_model::Resource::decode(name, encoded.into()) {
        panic!("a proxy would refuse {name}: {faults}");
    }
    assert!(backstay_model::ResourceName::parse(name).is_some(), "{name} is no name of a resource");
}

/// Steps in short: what they depend on, and what they do.
fn steps(sequence: &config::Sequence) -> Vec<String> {
    let step = |step: &config::Step| {
        let operations: Vec<_> = step.operations.iter().map(operation).collect();
        let when = step.when.as_ref().map(|when| format!("if {}: ", shown(when))).unwrap_or_default();
        format!("{when}{}", operations.join("; "))
    };
    sequence.steps.iter().map(step).collect()
}

fn operation(operation: &config::Operation) -> String {
    let set = |set: &config::SetHeader| {
        let mode = config::set_header::Mode::try_from(set.mode).unwrap().as_str_name().to_lowercase();
        format!("{} {mode} {}", set.name, set.value.as_ref().map(shown).unwrap_or_default())
    };
    match operation.kind.as_ref().unwrap() {
        Operation::Select(name) => format!("select {name}"),
        Operation::SetRequestHeader(it) => format!("request {}", set(it)),
        Operation::RemoveRequestHeader(name) => format!("request {name} remove"),
        Operation::SetResponseHeader(it) => format!("response {}", set(it)),
        Operation::RemoveResponseHeader(name) => format!("response {name} remove"),
        Operation::SetTarget(value) => format!("target {}", shown(value)),
        Operation::Respond(it) => format!("respond {} {} {:?} {:?}", it.status, it.reason, it.content_type, it.body),
        Operation::Redirect(it) => format!("redirect {} {}", it.status, it.scheme),
    }
}

/// A backend at an address of its own.
fn backend(name: &str) -> Value {
    json!({"name": name, "address": "192.0.2.1", "port": 80})
}

fn condition(name: &str, priority: u32, statement: &str) -> Value {
    json!({"name": name, "type": "REQUEST", "priority": priority, "statement": statement})
}

/// `value` with further fields.
fn with(mut value: Value, fields: Value) -> Value {
    for (name, field) in fields.as_object().unwrap() {
        value[name] = field.clone();
    }
    value
}
