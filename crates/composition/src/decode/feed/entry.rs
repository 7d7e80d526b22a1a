//! Items, people and extensions, as the shape has them.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::element::Element;
use super::texts;
use crate::document::{Object, Value};

/// Somebody.
pub(super) struct Person {
    name: String,
    email: String,
}

impl Person {
    pub(super) fn new(name: String, email: String) -> Self {
        Self { name, email }
    }

    /// Out of a text such as `ada@example.com (Ada)`, or `Ada (ada@example.com)`.
    pub(super) fn parse(text: &str) -> Self {
        let of = |name: &str, email: &str| Self { name: name.to_owned(), email: email.to_owned() };
        if let Some((before, inner)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
            let trimmed = before.trim_end();
            if trimmed.len() < before.len() && !inner.is_empty() {
                match (trimmed.contains('@'), inner.contains('@')) {
                    (true, false) => return of(inner, trimmed),
                    (false, true) => return of(trimmed, inner),
                    _ => {}
                }
            }
        }
        match (text.contains('@'), text.contains(['(', ')'])) {
            (false, false) => of(text, ""),
            (true, false) => of("", text),
            _ => of("", ""),
        }
    }

    pub(super) fn into_value(self) -> Value {
        let mut record = Record::default();
        record.text("name", self.name);
        record.text("email", self.email);
        record.into_value()
    }
}

/// A record of which what is empty is left out.
#[derive(Default)]
pub(super) struct Record(Vec<(Bytes, Value)>);

impl Record {
    pub(super) fn text(&mut self, name: &'static str, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.value(name, Some(Value::text(text)));
        }
    }

    pub(super) fn value(&mut self, name: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.push((Bytes::from_static(name.as_bytes()), value));
        }
    }

    /// A date as it was written, and as an instant if it is understood.
    pub(super) fn date(&mut self, name: &'static str, parsed: &'static str, text: &str) {
        self.text(name, text);
        self.value(parsed, instant(text).map(Value::text));
    }

    pub(super) fn people(&mut self, people: Vec<Person>) {
        let mut people: Vec<_> = people.into_iter().map(Person::into_value).collect();
        if let Some(first) = people.first().cloned() {
            self.value("author", Some(first));
            self.value("authors", Some(Value::Array(std::mem::take(&mut people))));
        }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Record(self.0)
    }
}

/// An instant as RFC 3339 has it, in UTC.
fn instant(text: &str) -> Option<String> {
    let text = text.trim();
    let rfc3339 = || text.parse::<Timestamp>().ok();
    let rfc2822 = || jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok();
    rfc3339().or_else(rfc2822).map(|instant| instant.to_string())
}

/// The extensions of a feed or an item: by prefix, then by name.
pub(super) struct Extensions<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Element<'a>>>>);

impl<'a> Extensions<'a> {
    pub(super) fn of(parent: &'a Element<'a>) -> Self {
        let mut extensions = BTreeMap::<&str, BTreeMap<&str, Vec<&Element<'_>>>>::new();
        for child in &parent.children {
            if let Some(prefix) = child.extension.as_deref() {
                extensions.entry(prefix).or_default().entry(&child.written).or_default().push(child);
            }
        }
        Self(extensions)
    }

    /// The texts of the elements with that prefix and name.
    pub(super) fn texts(&self, prefix: &str, name: &str) -> Vec<String> {
        let found = self.0.get(prefix).and_then(|names| names.get(name));
        found.map(|elements| elements.iter().map(|element| value_of(element)).collect()).unwrap_or_default()
    }

    pub(super) fn first(&self, prefix: &str, name: &str) -> String {
        self.texts(prefix, name).into_iter().next().unwrap_or_default()
    }

    /// The attribute of the first element with that prefix and name.
    pub(super) fn attribute(&self, prefix: &str, name: &str, attribute: &str) -> String {
        let found = self.0.get(prefix).and_then(|names| names.get(name)).and_then(|elements| elements.first());
        found.map(|element| element.attribute(attribute).to_owned()).unwrap_or_default()
    }

    /// What Dublin Core says, if anything.
    pub(super) fn dublin_core(&self) -> Option<Value> {
        const NAMES: [&str; 16] = [
            "title",
            "creator",
            "author",
            "subject",
            "description",
            "publisher",
            "contributor",
            "date",
            "type",
            "format",
            "identifier",
            "source",
            "language",
            "relation",
            "coverage",
            "rights",
        ];
        self.0.contains_key("dc").then(|| {
            let mut record = Record::default();
            for name in NAMES {
                record.value(name, texts(self.texts("dc", name)));
            }
            record.into_value()
        })
    }

    /// What is said of an episode, if anything.
    pub(super) fn episode(&self) -> Option<Value> {
        const NAMES: [&str; 13] = [
            "author",
            "block",
            "duration",
            "explicit",
            "keywords",
            "subtitle",
            "summary",
            "image",
            "isClosedCaptioned",
            "episode",
            "season",
            "order",
            "episodeType",
        ];
        self.0.contains_key("itunes").then(|| {
            let mut record = Record::default();
            for name in NAMES {
                let image = name == "image";
                record.text(
                    name,
                    if image { self.attribute("itunes", name, "href") } else { self.first("itunes", name) },
                );
            }
            record.into_value()
        })
    }

    /// All of them.
    pub(super) fn into_value(self) -> Option<Value> {
        let named = |(name, elements): (&str, Vec<&Element<'_>>)| {
            (Bytes::copy_from_slice(name.as_bytes()), Value::Array(elements.into_iter().map(extension).collect()))
        };
        let prefixed = |(prefix, names): (&str, BTreeMap<&str, Vec<&Element<'_>>>)| {
            let names = names.into_iter().map(named).collect();
            (Bytes::copy_from_slice(prefix.as_bytes()), Value::Record(names))
        };
        (!self.0.is_empty()).then(|| Value::Record(self.0.into_iter().map(prefixed).collect()))
    }
}

/// The text of an element without that of the elements in it.
fn value_of(element: &Element<'_>) -> String {
    if element.children.is_empty() { element.text() } else { String::new() }
}

fn extension(element: &Element<'_>) -> Value {
    let mut children = BTreeMap::<&str, Vec<Value>>::new();
    for child in &element.children {
        children.entry(&child.written).or_default().push(extension(child));
    }
    let name = |name: &str| Bytes::copy_from_slice(name.as_bytes());
    let attributes = element.attributes.iter().map(|(known, value)| (name(known), Value::text(value.as_str())));
    let attributes: Object = attributes.collect();
    let children = children.into_iter().map(|(known, values)| (name(known), Value::Array(values)));
    Value::Record(vec![
        (Bytes::from_static(b"name"), Value::text(element.written.as_str())),
        (Bytes::from_static(b"value"), Value::text(value_of(element))),
        (Bytes::from_static(b"attrs"), Value::Object(attributes)),
        (Bytes::from_static(b"children"), Value::Object(children.collect())),
    ])
}
