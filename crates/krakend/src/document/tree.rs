//! The tree that every format is read into, and what bounds it.

use crate::place::Place;

/// How large a file may be, in bytes. The largest configuration found in public has 458 kB.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How deeply values may be nested.
pub const MAX_DEPTH: usize = 64;

/// How many values a file may have, counting what YAML aliases repeat.
pub const MAX_VALUES: usize = 1_000_000;

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ReadError {
    /// Where reading stopped.
    pub place: Place,
    /// What is wrong there. It does not repeat the text, which may hold a secret.
    pub problem: String,
}

impl ReadError {
    pub(super) fn new(place: Place, problem: impl Into<String>) -> Self {
        Self { place, problem: problem.into() }
    }
}

/// A value, and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A value of any of the formats.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as JSON writes it, digit by digit as it was written where that is JSON.
    Number(String),
    /// Text, and dates of TOML.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file. No key is there twice.
    Map(Vec<Entry>),
}

/// A key of a map and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as it is written.
    pub key: String,
    /// Where the key is written.
    pub place: Place,
    /// The value.
    pub node: Node,
}

/// A file that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What is in it.
    pub root: Node,
    /// Keys that are written again further down in the same map, and so do not count. Only JSON allows it.
    pub repeated: Vec<Repeated>,
}

/// A key that is written twice in a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The key.
    pub key: String,
    /// Where it is written without effect.
    pub first: Place,
    /// Where it is written with effect.
    pub last: Place,
}

impl Node {
    /// The value under `key`, whose case counts. `None` where it is null or this is no map.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (entry.node.value != Value::Null).then_some(entry)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The members of a list; none of anything else.
    pub(crate) fn members(&self) -> &[Node] {
        match &self.value {
            Value::List(members) => members,
            _ => &[],
        }
    }

    /// The text that this is.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number that this is.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(literal) => literal.parse().ok(),
            _ => None,
        }
    }

    /// Whether this is `true`.
    pub(crate) fn is_true(&self) -> bool {
        self.value == Value::Bool(true)
    }

    /// What kind of value this is, in the words of a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }
}
