//! One object of a manifest.

use std::fmt;
use std::rc::Rc;

use backstay_resources::FieldPath;
use backstay_resources::decode::{self, Lines};
use serde_json::Value;

use super::Problem;

/// What a document is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectName {
    /// Such as `core.apoxy.dev/v1alpha2`.
    pub(crate) api_version: String,
    /// Such as `Backend`.
    pub(crate) kind: String,
    /// Empty where the manifest says none.
    pub(crate) namespace: String,
    /// Empty where the server is to generate it.
    pub(crate) name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

/// Where a document is written.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// File, or `stdin`.
    pub(crate) origin: Rc<str>,
    /// Lines of the file before the text that `lines` counts.
    pub(crate) before: u64,
    /// Lines of the fields.
    pub(crate) lines: Rc<Lines>,
    /// What leads to the object in its document: nothing, or `items[3]` in a list.
    pub(crate) above: FieldPath,
}

impl Place {
    /// The line of the field at `path`, or of what should have it.
    fn line(&self, path: &str) -> u64 {
        let path = if path.is_empty() { self.above.clone() } else { self.above.child(path) };
        self.before + self.lines.of(&path)
    }
}

/// One object of a manifest.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    place: Place,
    /// What it is called.
    pub(crate) name: ObjectName,
    /// The object.
    pub(crate) object: Value,
}

impl Document {
    /// Takes a decoded value for an object.
    ///
    /// # Errors
    /// When it has no `apiVersion` and `kind`, or no name.
    pub(crate) fn new(place: Place, object: Value) -> Result<Self, Problem> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = ObjectName {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        };
        let missing = [
            ("apiVersion", name.api_version.is_empty()),
            ("kind", name.kind.is_empty()),
            ("metadata.name", name.name.is_empty() && text("/metadata/generateName").is_empty()),
        ];
        let document = Self { place, name, object };
        match missing.into_iter().find(|(_, missing)| *missing) {
            Some((field, _)) => Err(document.problem(field, "Required value: every object has one")),
            None => Ok(document),
        }
    }

    /// What is wrong with the field at `path`; empty for the whole object.
    pub(crate) fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        Problem {
            origin: self.place.origin.to_string(),
            line: Some(self.place.line(path)),
            subject: if self.name.kind.is_empty() { String::new() } else { self.name.to_string() },
            field: path.to_owned(),
            message: message.into(),
        }
    }

    /// File and line, such as `backend.yaml:3`.
    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.place.origin, self.place.line(""))
    }
}

/// The objects of a decoded document: itself, or the items of a `List`.
pub(crate) fn objects(origin: &Rc<str>, before: u64, document: decode::Document) -> Vec<Result<Document, Problem>> {
    let lines = Rc::new(document.lines);
    let place = |above: FieldPath| Place { origin: Rc::clone(origin), before, lines: Rc::clone(&lines), above };
    let duplicates = document.duplicates.iter().map(|duplicate| {
        let line = place(FieldPath::default()).line(duplicate.path().as_str());
        Err(Problem {
            origin: origin.to_string(),
            line: Some(line),
            subject: String::new(),
            field: duplicate.path().to_string(),
            message: "it is written twice".to_owned(),
        })
    });
    let mut found: Vec<_> = duplicates.collect();
    let mut value = document.value;
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match value.get_mut("items") {
        Some(Value::Array(items)) if is_list => {
            let above = |index| place(FieldPath::new("items").index(index));
            found.extend(items.drain(..).enumerate().map(|(index, item)| Document::new(above(index), item)));
        }
        _ => found.push(Document::new(place(FieldPath::default()), value)),
    }
    found
}
