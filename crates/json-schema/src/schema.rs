//! A schema, compiled.

use regex::Regex;

use crate::decimal::Decimal;
use crate::format::Format;

/// A schema, compiled. Made by [`Schema::new`]; what it says of a document, [`Schema::validate`] tells.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The root is the first.
    pub(crate) nodes: Vec<Node>,
    pub(crate) ignored: Vec<Ignored>,
}

/// A keyword of a later draft, of which there is nothing here: what it asks for is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// What leads there, the keyword included.
    pub path: Vec<String>,
}

impl Schema {
    /// How long a schema may be as JSON, in bytes.
    pub const MAX_BYTES: usize = 256 << 10;

    /// How many schemas may be in it, itself and those that a `$ref` leads to included.
    pub const MAX_NODES: usize = 10_000;

    /// How many regular expressions it may have.
    pub const MAX_PATTERNS: usize = 256;

    /// How much one regular expression may take when it is compiled, in bytes.
    pub const MAX_PATTERN_BYTES: usize = 128 << 10;

    /// How many schemas may apply to one value within one another, such as by a `$ref` to a `$ref`.
    pub const MAX_CHAIN: usize = 64;
}

/// Where a schema stands among all.
pub(crate) type NodeId = usize;

/// What one schema says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// A schema that is `true` or `false`.
    pub(crate) always: Option<bool>,
    /// A schema that is another one; whatever else it says does not count.
    pub(crate) reference: Option<NodeId>,
    pub(crate) types: Vec<Type>,
    pub(crate) constant: Option<Box<str>>,
    /// None where it is not said.
    pub(crate) allowed: Vec<Box<str>>,
    pub(crate) format: Option<(Box<str>, Option<Format>)>,
    pub(crate) numbers: Numbers,
    pub(crate) strings: Strings,
    pub(crate) arrays: Arrays,
    pub(crate) objects: Objects,
    pub(crate) any_of: Vec<NodeId>,
    pub(crate) one_of: Vec<NodeId>,
    pub(crate) all_of: Vec<NodeId>,
    pub(crate) not: Option<NodeId>,
    pub(crate) condition: Option<NodeId>,
    pub(crate) consequence: Option<NodeId>,
    pub(crate) alternative: Option<NodeId>,
    pub(crate) dependencies: Vec<(Box<str>, Dependency)>,
}

/// The types that JSON Schema has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Array,
    Boolean,
    Integer,
    Number,
    Null,
    Object,
    String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// With the digits of it as a number.
    pub(crate) multiple_of: Option<(Decimal, u64)>,
    pub(crate) minimum: Option<Decimal>,
    pub(crate) exclusive_minimum: Option<Decimal>,
    pub(crate) maximum: Option<Decimal>,
    pub(crate) exclusive_maximum: Option<Decimal>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Strings {
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) pattern: Option<Regex>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Arrays {
    pub(crate) items: Items,
    pub(crate) additional: Additional,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) is_unique: bool,
    pub(crate) contains: Option<NodeId>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Items {
    #[default]
    Any,
    Each(NodeId),
    Positions(Vec<NodeId>),
}

/// What is said of what nothing else is said of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Additional {
    #[default]
    Any,
    None,
    Schema(NodeId),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    /// In the order of their names.
    pub(crate) properties: Vec<(Box<str>, NodeId)>,
    pub(crate) patterns: Vec<(Regex, NodeId)>,
    pub(crate) additional: Additional,
    pub(crate) names: Option<NodeId>,
    pub(crate) required: Vec<Box<str>>,
    pub(crate) min_properties: Option<u64>,
    pub(crate) max_properties: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Dependency {
    Members(Vec<Box<str>>),
    Schema(NodeId),
}

impl Type {
    pub(crate) const ALL: [Self; 7] =
        [Self::Array, Self::Boolean, Self::Integer, Self::Number, Self::Null, Self::Object, Self::String];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Null => "null",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

impl Node {
    /// The schemas that apply to the same value as this one.
    pub(crate) fn beside(&self) -> impl Iterator<Item = NodeId> + '_ {
        let dependencies = self.dependencies.iter().filter_map(|(_, dependency)| match dependency {
            Dependency::Schema(node) => Some(*node),
            Dependency::Members(_) => None,
        });
        let single = [self.reference, self.not, self.condition, self.consequence, self.alternative];
        let lists = [&self.any_of, &self.one_of, &self.all_of];
        single.into_iter().flatten().chain(lists.into_iter().flatten().copied()).chain(dependencies)
    }
}
