//! Any object, as API machinery handles it, and the way to and from Rust types.

#[cfg(test)]
mod tests;

use std::fmt;

use memchr::memmem;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::members::{Member, members};
use crate::meta::{ManagedFields, ObjectMeta};

/// An object of any kind. Its debug output says which it is, and nothing of what is in it, annotations included: only its
/// kind knows whether that may be seen ([`Kind::show`]). Fields serialize in the order
/// written here: `metadata` is always third, which is what lets [`Object::with_resource_version`] work on encoded objects.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// Such as `core.apoxy.dev/v1alpha2`.
    pub api_version: String,
    /// Such as `Backend`.
    pub kind: String,
    /// Name and such.
    pub metadata: ObjectMeta,
    /// Everything else: `spec`, `status`, and for some kinds `data`, `type`.
    #[serde(flatten)]
    pub body: Map<String, Value>,
}

/// What makes two versions of an object differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Their statuses do.
    pub status: bool,
    /// Anything else does.
    pub rest: bool,
}

/// A Rust type for the objects of one kind.
pub trait Resource: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What is known of the kind.
    const KIND: &'static Kind;
}

/// By hand: what is derived for a flattened map reads everything twice.
impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Object, A::Error> {
                let mut object = Object::default();
                while let Some(name) = fields.next_key::<String>()? {
                    match name.as_str() {
                        "apiVersion" => object.api_version = fields.next_value()?,
                        "kind" => object.kind = fields.next_value()?,
                        "metadata" => object.metadata = fields.next_value()?,
                        _ => {
                            object.body.insert(name, fields.next_value()?);
                        }
                    }
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Object");
        shown.field("api_version", &self.api_version).field("kind", &self.kind);
        // No annotations either: kubectl keeps a copy of the whole object in one.
        let ObjectMeta { namespace, name, generation, .. } = &self.metadata;
        shown.field("namespace", namespace).field("name", name).field("generation", generation);
        shown.finish_non_exhaustive()
    }
}

impl Object {
    /// Reads an encoded object.
    ///
    /// # Errors
    /// When `bytes` is not JSON, or the metadata is not of its shape.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The encoding that is stored: canonical, and without `metadata.resourceVersion`, which is the store's to say.
    ///
    /// # Errors
    /// None in practice: every [`Object`] is encodable.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut encoded = if self.metadata.resource_version.is_empty() {
            serde_json::to_vec(self)?
        } else {
            let mut stored = self.clone();
            stored.metadata.resource_version.clear();
            serde_json::to_vec(&stored)?
        };
        // It is kept for long: what an encoder took in advance would be a quarter of the memory of a store.
        encoded.shrink_to_fit();
        Ok(encoded)
    }

    /// The API group of its kind; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The Rust type of this object.
    ///
    /// # Errors
    /// When the object does not have the shape of the kind.
    pub fn typed<R: Resource>(&self) -> Result<R, serde_json::Error> {
        // Who set what is nothing to a kind, and the most of many an object's metadata.
        let known = ObjectMeta { managed_fields: ManagedFields::default(), ..self.metadata.clone() };
        let metadata = serde_json::to_value(known)?;
        let body = self.body.iter().map(|(name, value)| (name.as_str(), value));
        // Read from where it is: a copy of the body would cost more than the reading.
        R::deserialize(MapDeserializer::new(std::iter::once(("metadata", &metadata)).chain(body)))
    }

    /// What makes two encoded objects differ, besides who set which field. Neither is decoded, and values that are equal and
    /// written differently count as different; so does everything of what is not an object.
    #[must_use]
    pub fn changed(one: &[u8], other: &[u8]) -> Changed {
        /// The status, and the rest by name.
        fn apart(encoded: &[u8]) -> Option<(Option<&[u8]>, Vec<Member<'_>>)> {
            let mut fields = members(encoded)?;
            let status = fields.iter().position(|(name, _)| *name == b"\"status\"");
            let status = status.map(|at| fields.swap_remove(at).1);
            fields.sort_unstable();
            Some((status, fields))
        }
        let (Some((status, one)), Some((other_status, other))) = (apart(one), apart(other)) else {
            return Changed { status: true, rest: true };
        };
        let equal = |(one, other): (&Member<'_>, &Member<'_>)| {
            one == other
                || (one.0 == other.0
                    && one.0 == b"\"metadata\""
                    && without_managed_fields(one.1) == without_managed_fields(other.1))
        };
        let same = one.len() == other.len() && one.iter().zip(&other).all(equal);
        Changed { status: status != other_status, rest: !same }
    }

    /// Writes an encoded object as clients read it: with `resource_version` as the first field of its metadata.
    pub fn with_resource_version(encoded: &[u8], resource_version: u64, out: &mut Vec<u8>) {
        Self::write_with_resource_version(|out| out.extend_from_slice(encoded), resource_version, out);
    }

    /// As [`Object::with_resource_version`], of an encoded object that `write` adds to what there is. Nothing is decoded and what is
    /// written stays where it is, but for the few bytes before the version, since lists are made of it.
    pub fn write_with_resource_version(write: impl FnOnce(&mut Vec<u8>), resource_version: u64, out: &mut Vec<u8>) {
        const MARK: &[u8] = b"\"metadata\":{";
        let start = out.len();
        out.extend_from_slice(b"\"resourceVersion\":\"");
        write_number(resource_version, out);
        out.extend_from_slice(b"\",");
        let len = out.len() - start;
        write(out);
        let written = out.get_mut(start..).unwrap_or_default();
        let encoded = written.get(len..).unwrap_or_default();
        // The mark's first occurrence is the real one: only apiVersion and kind come before it, and neither can hold a
        // quotation mark.
        let is_mark = |at: &usize| encoded.get(..=*at).is_some_and(|before| before.ends_with(MARK));
        // The first byte begins the object itself.
        let mut inner = memchr::memchr_iter(b'{', encoded.get(1..).unwrap_or_default()).map(|at| at + 1);
        let Some(at) = inner.find(is_mark) else {
            out.drain(start..start + len);
            return;
        };
        let is_alone = encoded.get(at + 1) == Some(&b'}');
        if let Some(head) = written.get_mut(..=len + at) {
            head.rotate_left(len);
        }
        if is_alone {
            out.remove(start + at + len);
        }
    }
}

/// Writes a number in decimal. Formatting machinery would be a tenth of the cost of an object in a list.
fn write_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        begin -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(begin..).unwrap_or_default());
}

/// Encoded metadata up to the fields that its writers own, which come last. The mark is nowhere else: within a text its quotation
/// marks would be escaped, and a label or annotation of this name has a text for a value.
fn without_managed_fields(metadata: &[u8]) -> &[u8] {
    let mark = memmem::find(metadata, b"\"managedFields\":[");
    let mut before = mark.and_then(|at| metadata.get(..at)).unwrap_or(metadata);
    while let [head @ .., b'}' | b','] = before {
        before = head;
    }
    before
}
