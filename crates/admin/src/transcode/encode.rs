//! Stored JSON to the message of a typed service, in one pass.

mod time;
mod value;

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};

use self::value::{FieldValue, MapValue};
use super::mask::ReadMask;
use super::shape::{EMPTY_FIELDS, ETAG, KEYS, Message, NAME, ResourceShape};
use super::wire;
use crate::names;

/// The annotation in which kubectl keeps a copy of the whole object, secrets included.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Writes a stored object as the message of its kind. `revision` is that of its last change.
///
/// # Errors
/// When what is stored is not of its kind.
pub(crate) fn write(
    shape: &ResourceShape,
    stored: &[u8],
    revision: u64,
    mask: Option<&ReadMask>,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let mut state = State { out: &mut *out, path: Vec::new(), empty: Vec::new(), secret: shape.kind.sensitive };
    // Checked once, in place of each text by itself.
    let stored = std::str::from_utf8(stored).map_err(serde::de::Error::custom)?;
    let mut from = serde_json::Deserializer::from_str(stored);
    let names = (&mut from).deserialize_map(Object { shape, mask, state: &mut state })?;
    from.end()?;
    let State { empty, .. } = state;
    let wanted = |number| mask.is_none_or(|mask| mask.below(number).is_some());
    if wanted(NAME) {
        wire::bytes(NAME, names::of(shape.kind, &names.namespace, &names.name).as_bytes(), out);
    }
    if wanted(ETAG) && revision != 0 {
        wire::bytes(ETAG, revision.to_string().as_bytes(), out);
    }
    for path in empty {
        wire::bytes(EMPTY_FIELDS, path.as_bytes(), out);
    }
    Ok(())
}

/// What is written, and where in the object that is.
struct State<'a, 'o> {
    out: &'o mut Vec<u8>,
    /// Where in the message that is being written.
    path: Vec<Step<'a>>,
    /// The paths of lists and maps that are there and empty.
    empty: Vec<String>,
    /// Whether values are not to be answered.
    secret: bool,
}

/// One step of a path.
enum Step<'a> {
    /// To a field, as `proto/` calls it.
    Field(&'a str),
    /// To an item of a list.
    Item(usize),
}

impl State<'_, '_> {
    /// Notes that the list or map that has been read has nothing in it.
    fn note_empty(&mut self) {
        let mut path = String::new();
        for step in &self.path {
            let _ = match step {
                Step::Field(name) if path.is_empty() => path.write_str(name),
                Step::Field(name) => write!(path, ".{name}"),
                Step::Item(number) => write!(path, "[{number}]"),
            };
        }
        self.empty.push(path);
    }
}

/// What an object is called.
#[derive(Default)]
struct Names {
    namespace: String,
    name: String,
}

/// A whole object.
struct Object<'a, 'o, 's> {
    shape: &'a ResourceShape,
    mask: Option<&'a ReadMask>,
    state: &'s mut State<'a, 'o>,
}

impl<'de> Visitor<'de> for Object<'_, '_, '_> {
    type Value = Names;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Names, A::Error> {
        let Self { shape, mask, state } = self;
        let mut names = Names::default();
        let mut hint = 0;
        while let Some(key) = fields.next_key_seed(Name)? {
            match &*key {
                "metadata" => {
                    let metadata =
                        Fields { message: &shape.metadata, mask, names: Some(&mut names), state: &mut *state };
                    fields.next_value_seed(metadata)?;
                }
                // Values go in and do not come out again; what they are called does.
                "data" if state.secret => {
                    let wanted = mask.is_none_or(|mask| mask.below(KEYS).is_some());
                    fields.next_value_seed(Keys { out: &mut *state.out, wanted })?;
                }
                "stringData" if state.secret => drop(fields.next_value::<IgnoredAny>()?),
                _ => field(&shape.body, &key, &mut hint, mask, state, &mut fields)?,
            }
        }
        Ok(names)
    }
}

/// Writes the value that comes next in `fields`, if the message has a field called `key`.
fn field<'de, 'a, A: MapAccess<'de>>(
    message: &'a Message,
    key: &str,
    hint: &mut usize,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    fields: &mut A,
) -> Result<(), A::Error> {
    let found = message.by_json(key, *hint).map(|at| (at, &message.fields[at]));
    let Some((at, field)) = found else { return fields.next_value::<IgnoredAny>().map(drop) };
    *hint = at + 1;
    let mask = match mask {
        None => None,
        Some(mask) => match mask.below(field.number) {
            None => return fields.next_value::<IgnoredAny>().map(drop),
            Some(below) => below,
        },
    };
    state.path.push(Step::Field(&field.name));
    fields.next_value_seed(FieldValue { field, mask, state: &mut *state })?;
    state.path.pop();
    Ok(())
}

/// The fields of a message. Of metadata also what the object is called.
struct Fields<'a, 'o, 's> {
    message: &'a Message,
    mask: Option<&'a ReadMask>,
    names: Option<&'s mut Names>,
    state: &'s mut State<'a, 'o>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { message, mask, mut names, state } = self;
        let mut hint = 0;
        while let Some(key) = fields.next_key_seed(Name)? {
            match (&mut names, &*key) {
                (Some(names), "name") => names.name = fields.next_value()?,
                (Some(names), "namespace") => names.namespace = fields.next_value()?,
                (Some(_), "annotations") if state.secret => {
                    let Some(field) = message.by_name("annotations") else { continue };
                    if mask.is_none_or(|mask| mask.below(field.number).is_some()) {
                        fields.next_value_seed(MapValue { field, without: LAST_APPLIED, state: &mut *state })?;
                    } else {
                        fields.next_value::<IgnoredAny>()?;
                    }
                }
                _ => field(message, &key, &mut hint, mask, state, &mut fields)?,
            }
        }
        Ok(())
    }
}

/// The names of the values of a Secret.
struct Keys<'s> {
    out: &'s mut Vec<u8>,
    wanted: bool,
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key_seed(Name)? {
            if self.wanted {
                wire::bytes(KEYS, key.as_bytes(), self.out);
            }
            fields.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A name, borrowed where it can be.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = std::borrow::Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = std::borrow::Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned().into())
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
