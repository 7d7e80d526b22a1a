//! Backends.

use super::{Extras, OF_ENDPOINT, OF_EXTRA, OF_SERVICE, meant};
use crate::document::Node;
use crate::namespace::Level;
use crate::object::Object;
use crate::place::{At, Path, Place};
use crate::problem::Report;
use crate::weak;

/// A member of `backend`.
#[derive(Debug)]
pub(crate) struct Backend<'d> {
    pub(crate) place: Place,
    pub(crate) url_pattern: Option<At<String>>,
    pub(crate) host: Option<At<Vec<At<String>>>>,
    pub(crate) method: Option<At<String>>,
    pub(crate) encoding: Option<At<String>>,
    pub(crate) allow: Vec<At<String>>,
    pub(crate) deny: Option<At<Vec<At<String>>>>,
    pub(crate) mapping: Vec<(At<String>, String)>,
    pub(crate) group: Option<At<String>>,
    pub(crate) target: Option<At<String>>,
    pub(crate) is_collection: bool,
    pub(crate) sd: Option<At<String>>,
    pub(crate) sd_scheme: Option<At<String>>,
    pub(crate) disable_host_sanitize: bool,
    pub(crate) input_headers: Option<At<Vec<At<String>>>>,
    pub(crate) input_query_strings: Option<At<Vec<At<String>>>>,
    pub(crate) extras: Extras<'d>,
}

impl<'d> Backend<'d> {
    pub(super) fn read(node: &'d Node, path: &Path<'_>, report: &Report) -> Self {
        let mut object = Object::of(node, path, report);
        let list = |texts: Option<At<Vec<At<String>>>>| texts.map(|texts| texts.value).unwrap_or_default();
        let backend = Self {
            place: node.place,
            url_pattern: object.text("url_pattern"),
            host: object.texts("host"),
            method: object.text("method"),
            encoding: object.text("encoding"),
            allow: list(object.texts("allow")),
            deny: object.texts("deny"),
            mapping: object.read("mapping", weak::texts).map(|mapping| mapping.value).unwrap_or_default(),
            group: object.text("group"),
            target: object.text("target"),
            is_collection: object.truth("is_collection"),
            sd: object.text("sd"),
            sd_scheme: object.text("sd_scheme"),
            disable_host_sanitize: object.truth("disable_host_sanitize"),
            input_headers: object.texts("input_headers"),
            input_query_strings: object.texts("input_query_strings"),
            extras: Extras::read(object.field("extra_config"), Level::Backend, path, report),
        };
        // KrakenD reads both and puts the endpoint's in their place.
        for name in ["timeout", "concurrent_calls"] {
            if let Some(field) = object.field(name) {
                let message = "it has no effect in a backend: the endpoint's counts for all of its backends";
                report.dropped(field.place, &path.key(name), message);
            }
        }
        object.finish(|key| match key.to_ascii_lowercase().as_str() {
            "hosts" => Some("did you mean host?".to_owned()),
            "cache_ttl" | "output_encoding" => Some("it belongs to an endpoint".to_owned()),
            _ => meant(key, &[("an endpoint", OF_ENDPOINT), ("the service", OF_SERVICE), ("extra_config", OF_EXTRA)]),
        });
        backend
    }
}
