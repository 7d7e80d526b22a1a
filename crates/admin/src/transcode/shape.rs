//! The messages of the typed services, as tables for those who read and write them.

mod order;

use std::sync::Arc;

use backstay_resources::Kind;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind as Type, MessageDescriptor};

use self::order::Order;
pub(crate) use self::order::Place;

/// The number of `name` in every resource.
pub(crate) const NAME: u32 = 1;
/// The number of `uid` in every resource.
pub(crate) const UID: u32 = 2;
/// The number of `etag` in every resource.
pub(crate) const ETAG: u32 = 3;
/// The number of `empty_fields` in every resource.
pub(crate) const EMPTY_FIELDS: u32 = 14;
/// The number of the names of a Secret's values.
pub(crate) const KEYS: u32 = 25;
/// The first number of what is not metadata.
const FIRST_OF_BODY: u32 = 20;

/// A message.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// In the order that they have in `proto/`.
    pub(crate) fields: Vec<Field>,
    /// The order that they have in JSON.
    pub(crate) order: Order,
}

/// A field of a message.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its number.
    pub(crate) number: u32,
    /// As `proto/` calls it.
    pub(crate) name: String,
    /// As JSON calls it.
    pub(crate) json: String,
    /// The same as compact JSON has it before the value: in quotes, with a colon.
    pub(crate) spelt: Box<[u8]>,
    /// What it holds.
    pub(crate) shape: Shape,
    /// How many of that.
    pub(crate) many: Many,
}

/// How many values a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Many {
    /// One, or none.
    One,
    /// Any number, in order.
    List,
    /// Any number, each under a text.
    Map,
}

/// What a field holds.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Text.
    Text,
    /// A truth value.
    Bool,
    /// An integer.
    Integer,
    /// A double.
    Double,
    /// Bytes; base64 in JSON.
    Bytes,
    /// `google.protobuf.Timestamp`; a text of RFC 3339 in JSON.
    Time,
    /// `google.protobuf.Struct`; any object in JSON.
    Struct,
    /// Text; in JSON what the text has, without being a text.
    Json,
    /// Another message.
    Message(Arc<Message>),
}

/// What a resource is made of.
#[derive(Debug)]
pub(crate) struct ResourceShape {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// The fields that JSON has in `metadata`, save its names and version.
    pub(crate) metadata: Message,
    /// All others.
    pub(crate) body: Message,
}

/// A message is not one that JSON can be read from: its type is none that is used.
#[derive(Debug, thiserror::Error)]
#[error("the field {0} has a type that resources do not use")]
pub(crate) struct ShapeError(String);

impl ShapeError {
    /// Of descriptors that cannot be read at all.
    pub(crate) fn unreadable() -> Self {
        Self("of every message".to_owned())
    }
}

impl ResourceShape {
    /// Of a kind, and the message of its resources.
    pub(crate) fn new(kind: &'static Kind, message: &MessageDescriptor) -> Result<Self, ShapeError> {
        let fields = Message::fields(message)?;
        let (mut metadata, body): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| field.number < FIRST_OF_BODY);
        metadata.retain(|field| ![NAME, ETAG, EMPTY_FIELDS].contains(&field.number));
        for field in &mut metadata {
            match field.json.as_str() {
                "createTime" => field.call("creationTimestamp"),
                "deleteTime" => field.call("deletionTimestamp"),
                _ => {}
            }
        }
        Ok(Self { kind, metadata: Message::of(metadata), body: Message::of(body) })
    }

    /// Of a kind, by the name of the message in the descriptors that come with this program.
    pub(crate) fn find(pool: &DescriptorPool, kind: &'static Kind, message: &str) -> Result<Self, ShapeError> {
        let found = pool.get_message_by_name(&format!("backstay.admin.v1.{message}"));
        Self::new(kind, &found.ok_or_else(|| ShapeError(message.to_owned()))?)
    }

    /// A field of the resource by its name in `proto/`, and the path of names that it has in JSON.
    pub(crate) fn field(&self, name: &str) -> Option<(&Field, Vec<String>)> {
        if let Some(field) = self.body.by_name(name) {
            return Some((field, vec![field.json.clone()]));
        }
        let field = self.metadata.by_name(name)?;
        Some((field, vec!["metadata".to_owned(), field.json.clone()]))
    }
}

impl Message {
    fn fields(message: &MessageDescriptor) -> Result<Vec<Field>, ShapeError> {
        let mut fields = message.fields().map(|field| Field::new(&field)).collect::<Result<Vec<_>, _>>()?;
        fields.sort_by_key(|field| field.number);
        Ok(fields)
    }

    fn of(fields: Vec<Field>) -> Self {
        let order = Order::new(fields.len());
        Self { fields, order }
    }

    /// The field of a number.
    pub(crate) fn by_number(&self, number: u32) -> Option<&Field> {
        self.fields.binary_search_by_key(&number, |field| field.number).ok().map(|at| &self.fields[at])
    }

    /// A field as `proto/` calls it.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Where the field is that JSON calls so.
    pub(crate) fn by_json(&self, json: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.json == json)
    }
}

impl Field {
    fn new(field: &FieldDescriptor) -> Result<Self, ShapeError> {
        let many = if field.is_map() {
            Many::Map
        } else if field.is_list() {
            Many::List
        } else {
            Many::One
        };
        let kind = match (many, field.kind()) {
            (Many::Map, Type::Message(entry)) => entry.map_entry_value_field().kind(),
            (_, kind) => kind,
        };
        let shape = match kind {
            Type::String if field.full_name() == "backstay.admin.v1.ManagedField.fields_v1" => Shape::Json,
            Type::String => Shape::Text,
            Type::Bool => Shape::Bool,
            Type::Int32 | Type::Int64 => Shape::Integer,
            Type::Double => Shape::Double,
            Type::Bytes => Shape::Bytes,
            Type::Message(message) => match message.full_name() {
                "google.protobuf.Timestamp" => Shape::Time,
                "google.protobuf.Struct" => Shape::Struct,
                _ => Shape::Message(Arc::new(Message::of(Message::fields(&message)?))),
            },
            _ => return Err(ShapeError(field.full_name().to_owned())),
        };
        let mut made = Self {
            number: field.number(),
            name: field.name().to_owned(),
            json: String::new(),
            spelt: [].into(),
            shape,
            many,
        };
        made.call(field.json_name());
        Ok(made)
    }

    /// Whether it holds a text, and one.
    #[inline]
    pub(crate) fn is_text(&self) -> bool {
        self.many == Many::One && matches!(self.shape, Shape::Text)
    }

    /// Says what JSON calls it.
    fn call(&mut self, json: &str) {
        json.clone_into(&mut self.json);
        self.spelt = format!("\"{json}\":").into_bytes().into();
    }
}
