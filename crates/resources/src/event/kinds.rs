//! The two kinds, and the way from one to the other.

use serde_json::Value;

use super::{Event, EventOfGroup, rules};
use crate::kind::{Column, Kind, Scope, Selectable, Verb};
use crate::meta::Timestamp;
use crate::object::Object;
use crate::{age, body, name, schema, table};

/// Fields that the two call differently: in `v1`, in `events.k8s.io/v1`.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// `events`, as the core group has them and as they are kept.
pub static EVENT: Kind = Kind {
    group: "",
    version: "v1",
    kind: "Event",
    plural: "events",
    singular: "event",
    scope: Scope::Namespaced,
    short_names: &["ev"],
    categories: &[],
    has_status: false,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<Event>,
    columns: COLUMNS,
    cells,
    selectable: SELECTABLE,
    default: fill,
    validate: rules::find,
    warn: |_| Vec::new(),
};

/// `events.events.k8s.io`: the same objects.
pub static EVENT_OF_GROUP: Kind = Kind {
    group: "events.k8s.io",
    schema: schema::of::<EventOfGroup>,
    cells: |object| {
        let mut stored = object.clone();
        to_stored(&mut stored);
        cells(&stored)
    },
    selectable: SELECTABLE_OF_GROUP,
    validate: rules::find_of_group,
    ..EVENT
};

/// Makes an event of `events.k8s.io` one as it is kept.
pub fn to_stored(object: &mut Object) {
    rename(object, &EVENT, NAMES.map(|(core, group)| (group, core)));
}

/// Makes an event as it is kept one of `events.k8s.io`.
pub fn to_told(object: &mut Object) {
    rename(object, &EVENT_OF_GROUP, NAMES);
}

fn rename(object: &mut Object, kind: &Kind, names: [(&str, &str); NAMES.len()]) {
    object.api_version = kind.api_version();
    for (from, to) in names {
        if let Some(value) = object.body.shift_remove(from) {
            object.body.insert(to.to_owned(), value);
        }
    }
}

static COLUMNS: &[Column] = &[
    table::text("Last Seen", "Time since it happened last."),
    table::text("Type", "Normal or Warning."),
    table::text("Reason", "Why, in a word."),
    table::text("Object", "What it is about."),
    wide("Source", "Who tells it."),
    table::text("Message", "What happened."),
    wide("Count", "How often it has happened."),
];

const fn wide(name: &'static str, description: &'static str) -> Column {
    Column { priority: 1, ..table::text(name, description) }
}

fn cells(object: &Object) -> Vec<Value> {
    let text = |pointer: &str| table::text_at(object, pointer);
    let number = |pointer: &str| table::part(object, pointer).and_then(Value::as_i64);
    let first = |pointers: &[&'static str]| {
        pointers.iter().map(|pointer| text(pointer)).find(|text| !text.is_empty()).unwrap_or_default().to_owned()
    };
    let seen = first(&["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"]);
    let seen = match seen.parse::<jiff::Timestamp>() {
        Ok(seen) => age::human(jiff::Timestamp::now().as_second() - seen.as_second()),
        Err(_) => "<unknown>".to_owned(),
    };
    let about = format!("{}/{}", text("/involvedObject/kind").to_lowercase(), text("/involvedObject/name"));
    let count = number("/series/count").or_else(|| number("/count")).unwrap_or(1);
    vec![
        seen.into(),
        text("/type").into(),
        text("/reason").into(),
        about.into(),
        first(&["/source/component", "/reportingComponent"]).into(),
        text("/message").trim().into(),
        count.to_string().into(),
    ]
}

/// A field for selectors, by its name and where it is in an event as it is kept.
macro_rules! selectable {
    ($($path:literal: $pointer:literal),* $(,)?) => {
        &[$(Selectable { path: $path, value: |object| table::text_at(object, $pointer).to_owned() }),*]
    };
}

/// Source: Kubernetes, `pkg/apis/core/v1/conversion.go`, `AddFieldLabelConversionsForEvent`.
static SELECTABLE: &[Selectable] = selectable! {
    "involvedObject.kind": "/involvedObject/kind",
    "involvedObject.namespace": "/involvedObject/namespace",
    "involvedObject.name": "/involvedObject/name",
    "involvedObject.uid": "/involvedObject/uid",
    "involvedObject.apiVersion": "/involvedObject/apiVersion",
    "involvedObject.resourceVersion": "/involvedObject/resourceVersion",
    "involvedObject.fieldPath": "/involvedObject/fieldPath",
    "reason": "/reason",
    "reportingComponent": "/reportingComponent",
    "source": "/source/component",
    "type": "/type",
};

/// Source: Kubernetes, `pkg/apis/events/v1/conversion.go`.
static SELECTABLE_OF_GROUP: &[Selectable] = selectable! {
    "regarding.kind": "/involvedObject/kind",
    "regarding.namespace": "/involvedObject/namespace",
    "regarding.name": "/involvedObject/name",
    "regarding.uid": "/involvedObject/uid",
    "regarding.apiVersion": "/involvedObject/apiVersion",
    "regarding.resourceVersion": "/involvedObject/resourceVersion",
    "regarding.fieldPath": "/involvedObject/fieldPath",
    "reason": "/reason",
    "reportingController": "/reportingComponent",
    "type": "/type",
};

/// Times have six digits of a second or none, as Kubernetes writes them.
fn fill(object: &mut Object) {
    for name in ["firstTimestamp", "lastTimestamp", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"] {
        let time = object.body.get(name).and_then(Value::as_str).and_then(|text| text.parse::<jiff::Timestamp>().ok());
        if let Some(time) = time {
            object.body.insert(name.to_owned(), Timestamp::from_second(time.as_second()).to_string().into());
        }
    }
    let micro = |fields: &mut body::Fields, name: &str| {
        if let Some(time) = fields.get(name).and_then(Value::as_str).and_then(Timestamp::micro_of) {
            fields.insert(name.to_owned(), time.into());
        }
    };
    micro(&mut object.body, "eventTime");
    if let Some(series) = body::object(&mut object.body, "series") {
        micro(series, "lastObservedTime");
    }
}
