//! `FieldsV1`: sets of fields as JSON.
//!
//! Source: Kubernetes, `meta/v1` `FieldsV1`: an object for each field with an object of what is below; `.` says that the field
//! is itself in the set, and so does that nothing is below it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::element;
use super::set::{FieldSet, Node};

/// What says that the field itself is in the set.
const SELF: &str = ".";

impl Serialize for FieldSet<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(false, self, serializer)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.member && !self.below.is_empty(), &self.below, serializer)
    }
}

fn write<S: Serializer>(member: bool, below: &FieldSet<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if member {
        map.serialize_entry(SELF, &Nothing {})?;
    }
    for node in below.nodes() {
        map.serialize_entry(&node.element, node)?;
    }
    map.end()
}

#[derive(serde::Serialize)]
struct Nothing {}

impl<'de: 'a, 'a> Deserialize<'de> for FieldSet<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Nobody owns a whole object, so that `.` says nothing at the top.
        Ok(Below.deserialize(deserializer)?.1)
    }
}

/// What is below a field, and whether the field itself is in the set.
struct Below;

impl<'de> DeserializeSeed<'de> for Below {
    type Value = (bool, FieldSet<'de>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Below {
    type Value = (bool, FieldSet<'de>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("fields, as FieldsV1 writes them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut member, mut nodes) = (false, Vec::new());
        while let Some(Text(name)) = fields.next_key()? {
            let (of_itself, below) = fields.next_value_seed(Below)?;
            if name == SELF {
                member = true;
                continue;
            }
            let element = element::parse(name).map_err(A::Error::custom)?;
            let of_itself = of_itself || below.is_empty();
            nodes.push(Node { element, member: of_itself, below });
        }
        let set = FieldSet::from_nodes(nodes);
        let twice = set.nodes().windows(2).any(|pair| pair[0].element == pair[1].element);
        if twice { Err(A::Error::custom("a field is named twice")) } else { Ok((member, set)) }
    }
}

/// A text that is borrowed where it can be, which serde's own implementation for `Cow` never does.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Texts)
    }
}
