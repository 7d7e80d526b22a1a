//! What a part of a version is to the API.

mod read;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::read::{Unreadable, boolean};

/// The fields of a part, as they are stored.
pub type Fields = Map<String, Value>;

/// Checks the fields of a part together, and gives them their stored form and order. What is wrong is a sentence.
pub type Settle = fn(Fields) -> Result<Fields, String>;

/// A kind of part that a version has a list of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How paths call it: `/service/ID/version/N/SEGMENT`.
    pub segment: &'static str,
    /// How a version, stored or in detail, calls the list.
    pub list: &'static str,
    /// How errors call one of it.
    pub label: &'static str,
    /// What it has, in the order of answers.
    pub fields: &'static [Field],
    /// How answers write the number of the version it is of.
    pub version: Encoding,
    /// Whether its name may change.
    pub rename: Rename,
    /// Whether it has an identifier that stays the same in every version.
    pub identity: Identity,
    /// Checks its fields together, and gives them their stored form and order.
    pub settle: Settle,
}

/// Whether a part's name may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rename {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

/// How a part is told from others of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// By its name alone.
    Name,
    /// Also by an identifier, which versions that are cloned share.
    Id,
}

/// How a number or a boolean is written in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As JSON has it.
    Native,
    /// As text; booleans as `0` and `1`.
    Text,
}

/// A field of a part.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it is when it is absent, null or empty.
    pub default: Fallback,
    /// How answers write it.
    pub encoding: Encoding,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Text of at most so many bytes.
    Text(usize),
    /// A whole number, from and to.
    Number(i64, i64),
    /// `1`, `0`, `true`, `false`, in upper or lower case.
    Boolean,
    /// One of these words; upper and lower case are the same.
    Choice(&'static [&'static str]),
    /// Lines of text: a JSON list, or text with commas between.
    Lines,
}

/// What a field is without a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fallback {
    /// Refused.
    Required,
    /// Null.
    Null,
    /// Left out of answers.
    Absent,
    /// This text.
    Text(&'static str),
    /// This number.
    Number(i64),
    /// This.
    Boolean(bool),
    /// No lines.
    Empty,
}

impl Fallback {
    /// As a stored value. None where there is nothing to store.
    #[must_use]
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Required | Self::Absent => None,
            Self::Null => Some(Value::Null),
            Self::Text(text) => Some(text.into()),
            Self::Number(number) => Some(number.into()),
            Self::Boolean(boolean) => Some(boolean.into()),
            Self::Empty => Some(Value::Array(Vec::new())),
        }
    }
}

/// The longest ordinary text of a field, in bytes.
pub(super) const SHORT: usize = 1024;
/// The longest text of a field that holds a document: a certificate, a program, a page.
pub(super) const LONG: usize = 1024 * 1024;
/// The largest number that clients can read, which have 32 bits for it.
pub(super) const MOST: i64 = i32::MAX as i64;

/// The name of a part.
pub(super) const NAME: Field = Field::new("name", Takes::Text(255), Fallback::Required);
/// A comment.
pub(super) const COMMENT: Field = Field::new("comment", Takes::Text(LONG), Fallback::Text(""));

impl Field {
    /// A field that answers write as JSON has it.
    #[must_use]
    pub const fn new(name: &'static str, takes: Takes, default: Fallback) -> Self {
        Self { name, takes, default, encoding: Encoding::Native }
    }

    /// The same, written as text.
    #[must_use]
    pub const fn as_text(self) -> Self {
        Self { encoding: Encoding::Text, ..self }
    }

    /// Text that is null when there is none.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self::new(name, Takes::Text(SHORT), Fallback::Null)
    }

    /// A document that is null when there is none.
    #[must_use]
    pub const fn document(name: &'static str) -> Self {
        Self::new(name, Takes::Text(LONG), Fallback::Null)
    }

    /// A whole number from 0.
    #[must_use]
    pub const fn number(name: &'static str, default: i64) -> Self {
        Self::new(name, Takes::Number(0, MOST), Fallback::Number(default))
    }
}

/// A Rust type for one kind of part.
pub trait Part: Serialize + DeserializeOwned {
    /// Gives values that can be spelled in several ways the one that is stored.
    fn normalise(&mut self) {}

    /// What is wrong with its fields, each by itself in order and all together.
    ///
    /// # Errors
    /// A sentence that names the field.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Reads a part, checks it and writes it in its stored form: [`Shape::settle`] of every kind.
pub(super) fn settle<P: Part>(fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut part: P = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    part.normalise();
    part.check()?;
    match serde_json::to_value(&part) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("it is no object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl Shape {
    /// Its field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
