//! What the compiler says of objects, without a control plane.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_compiler::{Change, Compiler, ObjectStatus, Output};
use backstay_model::FleetName;
use backstay_resources::core::NAMESPACE;
use backstay_resources::gateway::{CONTROLLER_NAME, GATEWAY_CLASS};
use backstay_resources::{Kind, Object, ObjectMeta, apoxy};
use serde_json::{Map, Value, json};

use crate::{FastlyOptions, front_ends};

/// What a control plane would say of objects if it had no others but those that always exist and the
/// namespaces that these are in. `objects` have been [admitted](backstay_resources::check::admit), each with its kind.
///
/// The conditions are those that the compiler alone tells: what proxies say is not among them.
#[must_use]
pub fn said_of(objects: Vec<(&'static Kind, Object)>) -> Vec<Arc<ObjectStatus>> {
    compile(objects).statuses
}

/// What a control plane would make of such objects: what it says of them, and what it sends to the proxies of each fleet.
#[must_use]
pub fn compile(objects: Vec<(&'static Kind, Object)>) -> Output {
    let Ok(mut compiler) = Compiler::new(front_ends(&FastlyOptions::default())) else { return Output::default() };
    let class = object(&GATEWAY_CLASS, backstay_model::GATEWAY_CLASS, json!({"controllerName": CONTROLLER_NAME}));
    let mut changes = vec![
        Change::set(&GATEWAY_CLASS, class.into()),
        Change::set(&apoxy::PROXY, object(&apoxy::PROXY, FleetName::DEFAULT, json!({})).into()),
    ];
    let namespaced = objects.iter().filter(|(kind, _)| kind.is_namespaced());
    let namespaces: BTreeSet<&str> = namespaced.map(|(_, object)| object.metadata.namespace.as_str()).collect();
    let namespaces = namespaces.into_iter().map(|name| object(&NAMESPACE, name, json!({})));
    changes.extend(namespaces.map(|object| Change::set(&NAMESPACE, object.into())));
    // Where the objects name one of these, theirs counts: it comes later.
    changes.extend(objects.into_iter().map(|(kind, object)| Change::set(kind, object.into())));
    compiler.apply(changes)
}

fn object(kind: &Kind, name: &str, spec: Value) -> Object {
    let mut object = Object {
        api_version: kind.api_version(),
        kind: kind.kind.to_owned(),
        metadata: ObjectMeta { name: name.to_owned(), ..ObjectMeta::default() },
        body: Map::from_iter([("spec".to_owned(), spec)]),
    };
    (kind.default)(&mut object);
    object
}
