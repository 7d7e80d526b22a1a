//! Async agents: read so that what is wrong with them is told as well, and refused by name.

use super::service::members;
use super::{Backend, Extras, meant};
use crate::document::Node;
use crate::namespace::Level;
use crate::object::Object;
use crate::place::{Path, Place};
use crate::problem::Report;

/// A member of `async_agent`.
#[derive(Debug)]
pub(crate) struct Agent<'d> {
    pub(crate) place: Place,
    pub(crate) backends: Vec<Backend<'d>>,
    pub(crate) extras: Extras<'d>,
}

impl<'d> Agent<'d> {
    pub(super) fn read(node: &'d Node, path: &Path<'_>, report: &Report) -> Self {
        let mut object = Object::of(node, path, report);
        object.text("name");
        object.text("encoding");
        if let Some(field) = object.field("connection") {
            let path = &path.key("connection");
            let mut connection = Object::of(field.node, path, report);
            connection.integer("max_retries");
            connection.text("backoff_strategy");
            connection.duration("health_interval");
            connection.finish(|_| None);
        }
        if let Some(field) = object.field("consumer") {
            let path = &path.key("consumer");
            let mut consumer = Object::of(field.node, path, report);
            consumer.duration("timeout");
            consumer.integer("workers");
            consumer.text("topic");
            consumer.read("max_rate", |node| Ok(node.number()));
            consumer.finish(|_| None);
        }
        let agent = Self {
            place: node.place,
            backends: members(object.field("backend"))
                .map(|(index, node)| Backend::read(node, &path.key("backend").index(index), report))
                .collect(),
            extras: Extras::read(object.field("extra_config"), Level::Agent, path, report),
        };
        object.finish(|key| meant(key, &[]));
        agent
    }
}
