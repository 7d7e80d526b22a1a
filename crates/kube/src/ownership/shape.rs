//! How the values of a kind are put together, as far as it matters who sets what: from its schema, once.
//!
//! Source: Kubernetes, `x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type` of structural
//! schemas. A list without a type is atomic, a map without one is not.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use backstay_resources::Kind;
use serde_json::Value;

/// How a value is put together.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One value: `string`, `boolean`, `integer` or `number`.
    Scalar(&'static str),
    /// A list or an object that one writer sets as a whole.
    Atomic(&'static str),
    /// Fields of fixed names. `open` says that there may be others, of any shape.
    Struct { fields: HashMap<&'static str, Field>, open: bool },
    /// Any keys, all with values of one shape.
    Map(Box<Shape>),
    /// A list whose items are told apart by the fields `keys`, sorted; a set, if there are none.
    List { keys: Vec<&'static str>, items: Box<Shape> },
    /// Anything: objects by their keys, all else as a whole.
    Any,
}

/// A field of a fixed name.
#[derive(Debug)]
pub(crate) struct Field {
    /// The element of its path.
    pub(crate) element: &'static str,
    pub(crate) shape: Shape,
}

static ANY: Shape = Shape::Any;
static BUILT: LazyLock<RwLock<HashMap<usize, &'static Shape>>> = LazyLock::new(RwLock::default);

/// The shape of the objects of a kind.
pub(crate) fn of(kind: &Kind) -> &'static Shape {
    let schema = (kind.schema)();
    // Schemas live for ever, so that their address names them.
    let address = std::ptr::from_ref(schema).addr();
    if let Some(shape) = BUILT.read().unwrap_or_else(PoisonError::into_inner).get(&address) {
        return shape;
    }
    let mut built = BUILT.write().unwrap_or_else(PoisonError::into_inner);
    built.entry(address).or_insert_with(|| Box::leak(Box::new(Shape::new(schema))))
}

impl Shape {
    /// The shape that a schema describes.
    pub(crate) fn new(schema: &'static Value) -> Self {
        let text = |keyword: &str| schema.get(keyword).and_then(Value::as_str);
        let open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        match text("type").unwrap_or_default() {
            "object" if text("x-kubernetes-map-type") == Some("atomic") => Self::Atomic("object"),
            "object" => {
                if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
                    return Self::Map(Box::new(Self::new(values)));
                }
                let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
                let fields = fields.map(|(name, schema)| {
                    let element = Box::leak(super::element::field(name).into_boxed_str());
                    (name.as_str(), Field { element, shape: Self::new(schema) })
                });
                Self::Struct { fields: fields.collect(), open }
            }
            "array" => {
                let items = schema.get("items").map_or(Self::Any, Self::new);
                let mut keys: Vec<&'static str> = schema
                    .get("x-kubernetes-list-map-keys")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                keys.sort_unstable();
                match text("x-kubernetes-list-type") {
                    Some("set") => Self::List { keys: Vec::new(), items: Box::new(items) },
                    Some("map") if !keys.is_empty() => Self::List { keys, items: Box::new(items) },
                    _ => Self::Atomic("array"),
                }
            }
            "string" => Self::Scalar("string"),
            "boolean" => Self::Scalar("boolean"),
            "integer" => Self::Scalar("integer"),
            "number" => Self::Scalar("number"),
            _ => Self::Any,
        }
    }

    /// The shape below an element of a path; `None` if there is nothing below a value of this shape.
    pub(crate) fn below(&self, element: &str) -> Option<&Shape> {
        match self {
            Self::Struct { fields, open } => match element.strip_prefix("f:").and_then(|name| fields.get(name)) {
                Some(field) => Some(&field.shape),
                None => open.then_some(&ANY),
            },
            Self::Map(values) => Some(values),
            Self::List { items, .. } => Some(items),
            Self::Any => Some(&ANY),
            Self::Scalar(_) | Self::Atomic(_) => None,
        }
    }

    /// The shape of a member of an object, by its name. `None` if there is no such field.
    pub(crate) fn member(&self, name: &str) -> Option<&Shape> {
        match self {
            Self::Struct { fields, open } => match fields.get(name) {
                Some(field) => Some(&field.shape),
                None => open.then_some(&ANY),
            },
            Self::Map(values) => Some(values),
            Self::Any => Some(&ANY),
            Self::List { .. } | Self::Scalar(_) | Self::Atomic(_) => None,
        }
    }

    /// Whether an element of a path is a field of a fixed name.
    pub(crate) fn has_named(&self, element: &str) -> bool {
        let Self::Struct { fields, .. } = self else { return false };
        element.strip_prefix("f:").is_some_and(|name| fields.contains_key(name))
    }
}
