//! `validation/json-schema`: a schema that bodies of requests have to be valid by.
//!
//! KrakenD lets every body pass where the schema is wrong, and says so in its log alone. Here that is an error with its place.

use backstay_json_schema::{Schema, Value};

use crate::compile::written::{Component, Site};
use crate::document::{self, Node};
use crate::place::{Path, Place};
use crate::plan::Method;
use crate::write;

/// The schema as JSON; empty where it is refused.
pub(super) fn compile(component: Component<'_>) -> Vec<u8> {
    let json = write::go::compact(component.settings());
    let (place, path) = (component.place(), component.path());
    let document = match Value::read(json.as_bytes()) {
        Ok(document) => document,
        Err(error) => {
            component.report().not_served(place, &path, error.to_string());
            return Vec::new();
        }
    };
    match Schema::new(&document) {
        Ok(schema) => {
            for ignored in schema.ignored() {
                let message =
                    "KrakenD ignores this keyword, which is of a later draft than 7: what it asks for is not checked";
                at(component.settings(), place, &path, &ignored.path, &mut |place, path| {
                    component.report().dropped(place, path, message);
                });
            }
        }
        Err(error) => {
            at(component.settings(), place, &path, &error.path, &mut |place, path| {
                component.report().not_served(place, path, error.problem.clone());
            });
            return Vec::new();
        }
    }
    if let Site::Endpoint(endpoint) = component.site
        && endpoint.method == Method::Get
    {
        let message = "no body is valid JSON: a GET without a body is answered 400";
        component.report().surprising(place, &path, message);
    }
    json.into_bytes()
}

/// Tells of what `steps` lead to.
fn at(node: &Node, place: Place, path: &Path<'_>, steps: &[String], tell: &mut dyn FnMut(Place, &Path<'_>)) {
    let Some((step, rest)) = steps.split_first() else { return tell(place, path) };
    match &node.value {
        document::Value::List(members) => {
            if let Some((index, member)) = step.parse().ok().and_then(|index: usize| Some((index, members.get(index)?)))
            {
                return at(member, member.place, &path.index(index), rest, tell);
            }
        }
        _ => {
            if let Some(entry) = node.entries().iter().find(|entry| entry.key == *step) {
                return at(&entry.node, entry.place, &path.key(&entry.key), rest, tell);
            }
        }
    }
    tell(place, path);
}
