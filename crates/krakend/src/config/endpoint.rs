//! Endpoints.

use std::time::Duration;

use super::service::members;
use super::{Backend, Extras, OF_BACKEND, OF_EXTRA, OF_SERVICE, meant};
use crate::document::Node;
use crate::namespace::Level;
use crate::object::Object;
use crate::place::{At, Path, Place};
use crate::problem::Report;

/// A member of `endpoints`.
#[derive(Debug)]
pub(crate) struct Endpoint<'d> {
    pub(crate) place: Place,
    pub(crate) endpoint: Option<At<String>>,
    pub(crate) method: Option<At<String>>,
    pub(crate) backends: Vec<Backend<'d>>,
    pub(crate) concurrent_calls: Option<At<i64>>,
    pub(crate) timeout: Option<At<Duration>>,
    pub(crate) cache_ttl: Option<At<Duration>>,
    pub(crate) output_encoding: Option<At<String>>,
    pub(crate) input_headers: Option<At<Vec<At<String>>>>,
    pub(crate) input_query_strings: Option<At<Vec<At<String>>>>,
    pub(crate) extras: Extras<'d>,
}

impl<'d> Endpoint<'d> {
    pub(super) fn read(node: &'d Node, path: &Path<'_>, report: &Report) -> Self {
        let mut object = Object::of(node, path, report);
        let endpoint = Self {
            place: node.place,
            endpoint: object.text("endpoint"),
            method: object.text("method"),
            backends: members(object.field("backend"))
                .map(|(index, node)| Backend::read(node, &path.key("backend").index(index), report))
                .collect(),
            concurrent_calls: object.integer("concurrent_calls"),
            timeout: object.duration("timeout"),
            cache_ttl: object.duration("cache_ttl"),
            output_encoding: object.text("output_encoding"),
            input_headers: object.texts("input_headers"),
            input_query_strings: object.texts("input_query_strings"),
            extras: Extras::read(object.field("extra_config"), Level::Endpoint, path, report),
        };
        object.finish(|key| match key.to_ascii_lowercase().as_str() {
            "output_headers" | "ouput_headers" => Some(
                "answers have no list of headers: all of the backend's go out with output_encoding no-op, else none"
                    .to_owned(),
            ),
            "backends" => Some("did you mean backend?".to_owned()),
            "host" => Some("it belongs to a backend or to the service".to_owned()),
            _ => meant(key, &[("a backend", OF_BACKEND), ("the service", OF_SERVICE), ("extra_config", OF_EXTRA)]),
        });
        endpoint
    }
}
