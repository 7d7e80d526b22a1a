//! What API machinery knows of the kinds.

use backstay_resources::kind::{Column, Kind, Scope, Verb};
use backstay_resources::{FieldError, FieldPath, Resource, name, schema, table};
use serde_json::Value;

use super::{FastlyAcl, FastlyDictionary, FastlyService, FastlyTombstone, FastlyVersion, redact};

/// The Fastly API alone writes these objects.
const READ: &[Verb] = &[Verb::Get, Verb::List, Verb::Watch];

/// All kinds of this dialect.
pub static KINDS: [&Kind; 5] = [&FASTLY_SERVICE, &FASTLY_VERSION, &FASTLY_ACL, &FASTLY_DICTIONARY, &FASTLY_TOMBSTONE];

/// `fastlyservices.backstay.dev`.
pub static FASTLY_SERVICE: Kind = Kind {
    kind: "FastlyService",
    plural: "fastlyservices",
    singular: "fastlyservice",
    short_names: &["fs"],
    has_status: true,
    schema: schema::of::<FastlyService>,
    columns: &[
        table::text("Service", "What people call it."),
        table::text("Type", "What its logic is written in."),
        table::text("Active", "Number of the version that is served."),
        table::integer("Latest", "The highest number of a version."),
        table::text("Gateway", "Whose listeners serve it; empty for the default one."),
        table::text("Programmed", "Whether every proxy that serves it has acknowledged what is active."),
    ],
    cells: |object| {
        vec![
            table::text_at(object, "/spec/name").into(),
            table::text_at(object, "/spec/type").into(),
            number_or_nothing(table::part(object, "/spec/active")),
            table::part(object, "/spec/last_version").cloned().unwrap_or_default(),
            table::text_at(object, "/spec/gateway").into(),
            table::condition(object, "Programmed"),
        ]
    },
    ..COMMON
};

/// `fastlyversions.backstay.dev`.
pub static FASTLY_VERSION: Kind = Kind {
    kind: "FastlyVersion",
    plural: "fastlyversions",
    singular: "fastlyversion",
    short_names: &["fv"],
    sensitive: true,
    redact: Some(redact::version),
    schema: schema::of::<FastlyVersion>,
    columns: &[
        table::text("Service", "Identifier of its service."),
        table::integer("Number", "Its number."),
        table::text("Locked", "Whether its parts can no longer change."),
        table::text("Domains", "The hosts it answers for."),
        table::integer("Backends", "How many backends it has."),
        wide("Comment", "Its comment."),
    ],
    cells: |object| {
        let domains = table::list_at(object, "/spec/domains").iter().filter_map(|domain| domain["name"].as_str());
        vec![
            table::text_at(object, "/spec/service").into(),
            table::part(object, "/spec/number").cloned().unwrap_or_default(),
            table::part(object, "/spec/locked").map(Value::to_string).unwrap_or_default().into(),
            table::few(domains).into(),
            table::list_at(object, "/spec/backends").len().into(),
            table::text_at(object, "/spec/comment").into(),
        ]
    },
    ..COMMON
};

/// `fastlyacls.backstay.dev`.
pub static FASTLY_ACL: Kind = Kind {
    kind: "FastlyAcl",
    plural: "fastlyacls",
    singular: "fastlyacl",
    schema: schema::of::<FastlyAcl>,
    columns: &[
        table::text("Service", "Identifier of its service."),
        table::integer("Entries", "How many entries it has."),
    ],
    cells: |object| {
        let entries = table::list_at(object, "/spec/entries").len();
        vec![table::text_at(object, "/spec/service").into(), entries.into()]
    },
    ..COMMON
};

/// `fastlydictionaries.backstay.dev`.
pub static FASTLY_DICTIONARY: Kind = Kind {
    kind: "FastlyDictionary",
    plural: "fastlydictionaries",
    singular: "fastlydictionary",
    sensitive: true,
    redact: Some(redact::dictionary),
    schema: schema::of::<FastlyDictionary>,
    columns: &[table::text("Service", "Identifier of its service."), table::integer("Items", "How many items it has.")],
    cells: |object| {
        let items = table::part(object, "/spec/items").and_then(Value::as_object).map_or(0, serde_json::Map::len);
        vec![table::text_at(object, "/spec/service").into(), items.into()]
    },
    ..COMMON
};

/// `fastlytombstones.backstay.dev`. In no category: `kubectl get fastly` lists what there is.
pub static FASTLY_TOMBSTONE: Kind = Kind {
    kind: "FastlyTombstone",
    plural: "fastlytombstones",
    singular: "fastlytombstone",
    categories: &[],
    schema: schema::of::<FastlyTombstone>,
    columns: &[
        table::text("Service", "What people called the service."),
        table::text("Deleted", "When it was deleted."),
    ],
    cells: |object| {
        vec![table::text_at(object, "/spec/name").into(), table::text_at(object, "/spec/deleted_at").into()]
    },
    ..COMMON
};

/// What the kinds have in common.
const COMMON: Kind = Kind {
    group: "backstay.dev",
    version: "v1alpha1",
    kind: "",
    plural: "",
    singular: "",
    scope: Scope::Cluster,
    short_names: &[],
    categories: &["fastly"],
    has_status: false,
    check_name: name::subdomain,
    verbs: READ,
    sensitive: false,
    redact: None,
    schema: schema::of::<FastlyService>,
    columns: &[],
    cells: |_| Vec::new(),
    selectable: &[],
    default: |_| (),
    validate: |_, _| vec![FieldError::forbidden(FieldPath::new("kind"), "the Fastly API alone writes these objects")],
    warn: |_| Vec::new(),
};

const fn wide(name: &'static str, description: &'static str) -> Column {
    Column { priority: 1, ..table::text(name, description) }
}

/// A number as text, since a cell of a column of numbers cannot be empty.
fn number_or_nothing(value: Option<&Value>) -> Value {
    value.map(Value::to_string).unwrap_or_default().into()
}

impl Resource for FastlyService {
    const KIND: &'static Kind = &FASTLY_SERVICE;
}

impl Resource for FastlyVersion {
    const KIND: &'static Kind = &FASTLY_VERSION;
}

impl Resource for FastlyAcl {
    const KIND: &'static Kind = &FASTLY_ACL;
}

impl Resource for FastlyDictionary {
    const KIND: &'static Kind = &FASTLY_DICTIONARY;
}

impl Resource for FastlyTombstone {
    const KIND: &'static Kind = &FASTLY_TOMBSTONE;
}
