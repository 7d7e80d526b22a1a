//! One object of a manifest.

use std::fmt;
use std::rc::Rc;

use backstay_control_plane::registry;
use backstay_resources::decode::{self, Lines};
use backstay_resources::{FieldPath, Kind};
use serde_json::Value;

use super::Problem;
use crate::client::Segment;

/// What a document is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectName {
    /// Such as `core.apoxy.dev/v1alpha2`.
    pub(crate) api_version: String,
    /// Such as `Backend`.
    pub(crate) kind: String,
    /// `None` where the manifest says none.
    pub(crate) namespace: Option<Segment>,
    /// Never a name that the server is to make up: each time would make another object.
    pub(crate) name: Segment,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

/// Where a document is written.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    /// File, or `stdin`.
    pub(crate) origin: Rc<str>,
    /// Lines of the file before the text that `lines` counts.
    pub(crate) before: u64,
    /// Lines of the fields.
    pub(crate) lines: Rc<Lines>,
    /// What leads to the object in its document: nothing, or `items[3]` in a list.
    pub(crate) above: FieldPath,
}

impl Position {
    /// The line of the field at `path`, or of what should have it; and its column, where a field is meant.
    fn place(&self, path: &str) -> (u64, Option<u32>) {
        let at = if path.is_empty() { self.above.clone() } else { self.above.child(path) };
        let place = self.lines.place(&at);
        let column = place.filter(|_| !path.is_empty()).and_then(|place| u32::try_from(place.column).ok());
        (self.before + place.map_or_else(|| self.lines.start(), |place| place.line), column)
    }

    fn problem(&self, subject: String, path: &str, message: impl Into<String>) -> Problem {
        let (line, column) = self.place(path);
        Problem {
            origin: self.origin.to_string(),
            line: Some(line),
            column,
            subject,
            field: path.to_owned(),
            message: message.into(),
        }
    }
}

/// Said of a field that is not there.
const REQUIRED: &str = "Required value: every object has one";
/// Said of an object that has a prefix where its name should be.
const GENERATED: &str =
    "cannot use generate name with manifests: each time would mean another object; give metadata.name";

/// One object of a manifest.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    position: Position,
    /// What it is called.
    pub(crate) name: ObjectName,
    /// The object.
    pub(crate) object: Value,
}

impl Document {
    /// Takes a decoded value for an object.
    ///
    /// # Errors
    /// When it has no `apiVersion` and `kind`, no name of its own, or a name that none can be.
    pub(crate) fn new(position: Position, object: Value) -> Result<Self, Problem> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        // A name that is a number is told as it is written.
        let name = match object.pointer("/metadata/name") {
            Some(Value::String(name)) => name.clone(),
            Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
            _ => String::new(),
        };
        let subject = if kind.is_empty() { kind.clone() } else { format!("{kind}/{name}") };
        let wrong = |field: &str, message: String| position.problem(subject.clone(), field, message);
        for (field, text) in [("apiVersion", &api_version), ("kind", &kind)] {
            if text.is_empty() {
                return Err(wrong(field, REQUIRED.to_owned()));
            }
        }
        let named = |field: &str| {
            named(object.pointer(&format!("/metadata/{field}")))
                .map_err(|message| wrong(&format!("metadata.{field}"), message))
        };
        let Some(name) = named("name")? else {
            let is_generated = object.pointer("/metadata/generateName").is_some_and(|prefix| !prefix.is_null());
            return Err(match is_generated {
                true => wrong("metadata.generateName", GENERATED.to_owned()),
                false => wrong("metadata.name", REQUIRED.to_owned()),
            });
        };
        let namespace = named("namespace")?;
        Ok(Self { position, name: ObjectName { api_version, kind, namespace, name }, object })
    }

    /// What is wrong with the field at `path`; empty for the whole object.
    pub(crate) fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        self.position.problem(self.name.to_string(), path, message)
    }

    /// Text that `kubectl` would read as a boolean, with the field that has it.
    pub(crate) fn booleans_once(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = |path: &str| match self.position.above.as_str() {
            "" => Some(0),
            above => path.starts_with(&format!("{above}.")).then_some(above.len() + 1),
        };
        let all = self.position.lines.booleans_once().iter();
        all.filter_map(move |(path, text)| Some((path.as_str().get(own(path.as_str())?..)?, text.as_str())))
    }

    /// What is known of its kind. `None` for a kind that this version does not know.
    pub(crate) fn kind(&self) -> Option<&'static Kind> {
        registry().by_kind(&self.name.api_version, &self.name.kind)
    }

    /// File and line, such as `backend.yaml:3`.
    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.position.origin, self.position.place("").0)
    }
}

/// A name in the metadata of an object. `None` where there is none.
///
/// # Errors
/// Why it cannot be a name.
fn named(value: Option<&Value>) -> Result<Option<Segment>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|error| format!("Invalid value: {text:?}: {error}"))
        }
        Some(other) => Err(format!("Invalid value: {other}: a name is text, so put it in quotes")),
    }
}

/// The objects of a decoded document: itself, or the items of a `List`.
pub(crate) fn objects(origin: &Rc<str>, before: u64, document: decode::Document) -> Vec<Result<Document, Problem>> {
    let lines = Rc::new(document.lines);
    let position = |above: FieldPath| Position { origin: Rc::clone(origin), before, lines: Rc::clone(&lines), above };
    let duplicates = document.duplicates.iter().map(|duplicate| {
        Err(position(FieldPath::default()).problem(String::new(), duplicate.path().as_str(), "it is written twice"))
    });
    let mut found: Vec<_> = duplicates.collect();
    let mut value = document.value;
    // What templates leave where a condition did not hold.
    if value.is_null() {
        return found;
    }
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match value.get_mut("items") {
        Some(Value::Array(items)) if is_list => {
            let above = |index| position(FieldPath::new("items").index(index));
            found.extend(items.drain(..).enumerate().map(|(index, item)| Document::new(above(index), item)));
        }
        _ => found.push(Document::new(position(FieldPath::default()), value)),
    }
    found
}
