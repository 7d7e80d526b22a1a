//! The value of one field.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::mask::ReadMask;
use super::super::shape::{Field, Many, Shape};
use super::super::{structs, wire};
use super::time;
use super::{Fields, Name, State, Step, base64};

/// The value of a field, whichever it is.
pub(super) struct FieldValue<'a, 'o, 's> {
    pub(super) field: &'a Field,
    pub(super) mask: Option<&'a ReadMask>,
    pub(super) state: &'s mut State<'a, 'o>,
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let Self { field, mask, state } = self;
        match field.many {
            Many::One => One { field, mask, state }.deserialize(from),
            Many::List => from.deserialize_seq(List { field, mask, state }),
            Many::Map => MapValue { field, without: "", state }.deserialize(from),
        }
    }
}

/// One value.
struct One<'a, 'o, 's> {
    field: &'a Field,
    mask: Option<&'a ReadMask>,
    state: &'s mut State<'a, 'o>,
}

impl<'de> DeserializeSeed<'de> for One<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let Self { field: Field { number, shape, .. }, mask, state } = self;
        match shape {
            Shape::Message(message) => {
                let open = wire::open(*number, state.out);
                Fields { message, mask, names: None, state: &mut *state }.deserialize(from)?;
                wire::close(&open, state.out);
                Ok(())
            }
            Shape::Struct => {
                let fields = Map::<String, Value>::deserialize(from)?;
                let open = wire::open(*number, state.out);
                structs::write(&fields, state.out);
                wire::close(&open, state.out);
                Ok(())
            }
            Shape::Json => {
                let raw = <&RawValue>::deserialize(from)?;
                wire::bytes(*number, raw.get().as_bytes(), state.out);
                Ok(())
            }
            Shape::Text | Shape::Bytes | Shape::Time => {
                from.deserialize_str(Scalar { number: *number, shape, out: &mut *state.out, packed: false })
            }
            Shape::Bool | Shape::Integer | Shape::Double => {
                from.deserialize_any(Scalar { number: *number, shape, out: &mut *state.out, packed: false })
            }
        }
    }
}

/// A text, a number or a truth value.
struct Scalar<'a> {
    number: u32,
    shape: &'a Shape,
    out: &'a mut Vec<u8>,
    /// Whether it is written without its key, as one of many.
    packed: bool,
}

impl Scalar<'_> {
    fn integer<E: Error>(self, value: i64) -> Result<(), E> {
        match self.shape {
            Shape::Integer => {
                if !self.packed {
                    wire::key(self.number, wire::VARINT, self.out);
                }
                // Two's complement, of ten bytes where it is negative.
                wire::varint(value as u64, self.out);
                Ok(())
            }
            #[allow(clippy::cast_precision_loss, reason = "a double is what the field holds")]
            Shape::Double => self.double(value as f64),
            _ => Err(E::custom("a number where none is expected")),
        }
    }

    fn double<E: Error>(self, value: f64) -> Result<(), E> {
        if !self.packed {
            wire::key(self.number, wire::FIXED64, self.out);
        }
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("what the field holds")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.shape {
            Shape::Text => wire::bytes(self.number, text.as_bytes(), self.out),
            Shape::Bytes => {
                let bytes = base64(text).ok_or_else(|| E::custom("a value is not base64"))?;
                wire::bytes(self.number, &bytes, self.out);
            }
            Shape::Time => {
                let (seconds, nanos) = time::parse(text).ok_or_else(|| E::custom("a time is not of RFC 3339"))?;
                let open = wire::open(self.number, self.out);
                for (number, part) in [(1, seconds), (2, nanos)] {
                    if part != 0 {
                        wire::number(number, part as u64, self.out);
                    }
                }
                wire::close(&open, self.out);
            }
            _ => return Err(E::custom("a text where none is expected")),
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        match self.shape {
            Shape::Bool if self.packed => wire::varint(u64::from(truth), self.out),
            Shape::Bool => wire::number(self.number, u64::from(truth), self.out),
            _ => return Err(E::custom("a truth value where none is expected")),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match (i64::try_from(value), self.shape) {
            (Ok(value), _) => self.integer(value),
            #[allow(clippy::cast_precision_loss, reason = "a double is what the field holds")]
            (Err(_), Shape::Double) => self.double(value as f64),
            _ => Err(E::custom("a number is too large")),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.shape {
            Shape::Double => self.double(value),
            _ => Err(E::custom("a fraction where none is expected")),
        }
    }
}

/// The items of a list.
struct List<'a, 'o, 's> {
    field: &'a Field,
    mask: Option<&'a ReadMask>,
    state: &'s mut State<'a, 'o>,
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { field, mask, state } = self;
        let mut count = 0_usize;
        if matches!(field.shape, Shape::Integer | Shape::Double | Shape::Bool) {
            // Numbers of a list are written together.
            let before = state.out.len();
            let open = wire::open(field.number, state.out);
            loop {
                let scalar = Scalar { number: 0, shape: &field.shape, out: &mut *state.out, packed: true };
                if items.next_element_seed(scalar)?.is_none() {
                    break;
                }
                count += 1;
            }
            wire::close(&open, state.out);
            if count == 0 {
                state.out.truncate(before);
            }
        } else {
            loop {
                state.path.push(Step::Item(count));
                let item = items.next_element_seed(One { field, mask, state: &mut *state })?;
                state.path.pop();
                if item.is_none() {
                    break;
                }
                count += 1;
            }
        }
        if count == 0 {
            state.note_empty();
        }
        Ok(())
    }
}

/// Values under texts.
pub(super) struct MapValue<'a, 'o, 's> {
    pub(super) field: &'a Field,
    /// The one that is left out; empty is none.
    pub(super) without: &'static str,
    pub(super) state: &'s mut State<'a, 'o>,
}

impl<'de> DeserializeSeed<'de> for MapValue<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MapValue<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { field, without, state } = self;
        let mut count = 0_usize;
        while let Some(key) = entries.next_key_seed(Name)? {
            count += 1;
            if !without.is_empty() && key == without {
                entries.next_value::<serde::de::IgnoredAny>()?;
                continue;
            }
            let open = wire::open(field.number, state.out);
            wire::bytes(1, key.as_bytes(), state.out);
            entries.next_value_seed(Scalar { number: 2, shape: &field.shape, out: &mut *state.out, packed: false })?;
            wire::close(&open, state.out);
        }
        if count == 0 {
            state.note_empty();
        }
        Ok(())
    }
}
