//! Values.

use std::fmt;
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i64),
    /// `uint`
    Uint(u64),
    /// `double`
    Double(f64),
    /// `string`
    String(Arc<str>),
    /// `bytes`
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Self>>),
    /// A map.
    Map(Arc<Map>),
    /// A time: nanoseconds since 1970, and how many seconds it is written ahead of UTC.
    Timestamp(i128, i32),
    /// Nanoseconds.
    Duration(i64),
    /// A type, by its name.
    Type(Arc<str>),
    /// A value that nobody has looked at yet.
    Later(Arc<dyn Later>),
}

/// A map.
#[derive(Clone, Debug)]
pub enum Map {
    /// As it is written: keys of any type, each once.
    Entries(Vec<(Value, Value)>),
    /// Members in the order of their names, each once.
    Members(Vec<(Arc<str>, Value)>),
}

/// A value that is made when it is looked at.
pub trait Later: fmt::Debug + Send + Sync {
    /// About how many bytes are to be read to make it.
    fn size(&self) -> usize;

    /// Makes it. What is in it may be left for later.
    fn open(&self) -> Value;
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list of texts.
    pub fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self::List(Arc::new(texts.into_iter().map(Self::text).collect()))
    }

    /// A map of names, of which the last counts where one is there twice.
    pub fn members(members: impl IntoIterator<Item = (Arc<str>, Self)>) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self::Map(Arc::new(Map::Members(members)))
    }

    /// What its type is called.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(..) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::Later(_) => "dyn",
        }
    }
}
