//! Query and path parameters.

use serde_json::{Value, json};

/// A parameter: name, OpenAPI type, description.
pub(super) type Parameter = (&'static str, &'static str, &'static str);

/// Of every operation.
pub(super) const PRETTY: Parameter = ("pretty", "string", "If 'true', the answer is written for people.");

/// Of creations and replacements.
pub(super) const WRITE: [Parameter; 3] = [DRY_RUN_WRITE, FIELD_MANAGER, FIELD_VALIDATION];

/// Of patches.
pub(super) const PATCH: [Parameter; 4] = [
    DRY_RUN_WRITE,
    FIELD_MANAGER,
    FIELD_VALIDATION,
    ("force", "boolean", "Whether an apply takes over fields that others own; for applies only."),
];

const DRY_RUN_WRITE: Parameter = ("dryRun", "string", "'All': do everything but store the result.");
const FIELD_MANAGER: Parameter =
    ("fieldManager", "string", "Name of who makes the change, at most 128 printable characters. Required for applies.");
const FIELD_VALIDATION: Parameter = (
    "fieldValidation",
    "string",
    "What to do with unknown and duplicate fields: 'Ignore' drops them, 'Warn' says so in a header, 'Strict' refuses \
     the request. An apply with unknown fields is always refused.",
);

/// Of lists and watches.
pub(super) const LIST: [Parameter; 10] = [
    ("allowWatchBookmarks", "boolean", "Whether a watch may send bookmarks."),
    ("continue", "string", "Where the page begins, as the page before said."),
    ("fieldSelector", "string", "Which objects, by fields."),
    ("labelSelector", "string", "Which objects, by labels."),
    ("limit", "integer", "How many objects a page has at most."),
    ("resourceVersion", "string", "Which state to read, or to watch from."),
    ("resourceVersionMatch", "string", "How resourceVersion is meant: 'Exact' or 'NotOlderThan'."),
    ("sendInitialEvents", "boolean", "Whether a watch begins with what exists, and a bookmark after it."),
    ("timeoutSeconds", "integer", "How long a watch lasts."),
    ("watch", "boolean", "Whether to follow changes instead of listing."),
];

/// Of deletions of one object.
pub(super) const DELETE: [Parameter; 4] = [DRY_RUN, GRACE_PERIOD, ORPHAN, PROPAGATION];

/// Of deletions of a collection.
pub(super) const DELETE_COLLECTION: [Parameter; 10] = [
    ("continue", "string", "Where the page to delete begins, as the answer for the page before said."),
    DRY_RUN,
    ("fieldSelector", "string", "Which objects, by fields; not empty."),
    GRACE_PERIOD,
    ("labelSelector", "string", "Which objects, by labels; not empty."),
    ("limit", "integer", "How many objects to delete at most; the answer then says where the next page begins."),
    ORPHAN,
    PROPAGATION,
    ("resourceVersion", "string", "Which state to take the objects from."),
    ("resourceVersionMatch", "string", "How resourceVersion is meant: 'Exact' or 'NotOlderThan'."),
];

const DRY_RUN: Parameter = ("dryRun", "string", "'All': do everything but delete.");
const GRACE_PERIOD: Parameter = ("gracePeriodSeconds", "integer", "Not below zero; objects are deleted at once.");
const ORPHAN: Parameter = ("orphanDependents", "boolean", "Nothing depends on objects; not with propagationPolicy.");
const PROPAGATION: Parameter = ("propagationPolicy", "string", "'Background', 'Foreground' or 'Orphan'.");

/// Of paths.
pub(super) const NAME: Parameter = ("name", "string", "Name of the object.");
/// Of paths of kinds that live in namespaces.
pub(super) const NAMESPACE: Parameter = ("namespace", "string", "Namespace of the object.");

/// A parameter for OpenAPI 3, which puts the type into a schema, or 2, which does not.
pub(super) fn parameter((name, kind, description): Parameter, place: &str, version: u32) -> Value {
    let mut parameter = json!({"name": name, "in": place, "description": description});
    if place == "path" {
        parameter["required"] = Value::Bool(true);
    }
    if version == 3 {
        parameter["schema"] = json!({"type": kind, "uniqueItems": true});
    } else {
        parameter["type"] = kind.into();
        parameter["uniqueItems"] = Value::Bool(true);
    }
    parameter
}
